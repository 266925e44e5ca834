"""Clients in a user pool of Amazon Cognito, and the tokens that it issues."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

from pydantic import BaseModel

from idp_providers.cognito.app_clients import AppClients
from idp_providers.cognito.aws import Aws
from idp_providers.cognito.grants import Grants
from idp_providers.cognito.hosted import HostedEndpoints
from idp_providers.cognito.judgement import judge, principal
from idp_providers.cognito.known import KnownClients
from idp_providers.cognito.lifecycle import Lifecycle
from idp_providers.cognito.markers import Markers
from idp_providers.cognito.orphans import Orphans
from idp_providers.cognito.parameters import Parameters
from idp_providers.cognito.records import Record, foreign_state
from idp_providers.cognito.scopes import ResourceServer, ScopeNames
from idp_providers.cognito.settings import CognitoSettings
from idp_providers.contract import (
    API_VERSION,
    Capabilities,
    ClientCredentials,
    ClientSecret,
    ClientSpec,
    ClientState,
    Host,
    Principal,
    TokenAnswer,
    TokenRequest,
)
from idp_providers.errors import (
    IdpConfigurationError,
    IdpDeniedError,
    IdpError,
    IdpRejectedError,
    IdpUnavailableError,
    InvalidTokenError,
)
from idp_providers.published_keys import PublishedKeys
from idp_providers.revoked_tokens import RevokedTokens

log = logging.getLogger(__name__)


class CognitoProvider:
    """Drives one user pool. Claims are stored beside the clients, so that changes need `update_client`.

    A client is an app client and a parameter of Parameter Store, which holds what Cognito cannot: our id for it, proof
    that this installation made it, its role and its claims. Cognito makes the secrets. Clients that this installation
    did not make are seen but never touched: changing or deleting them is an IdpRejectedError without effect.
    """

    name: ClassVar[str] = "cognito"
    api_version: ClassVar[int] = API_VERSION
    settings_model: ClassVar[type[BaseModel]] = CognitoSettings
    capabilities: ClassVar[Capabilities] = Capabilities(issues_tokens=True, chosen_secrets=False, contract_claims=False)

    def __init__(self, settings: CognitoSettings, host: Host, aws: Aws) -> None:
        self._settings = settings
        self._host = host
        self._aws = aws
        self._hosted = HostedEndpoints(settings)
        self._names = ScopeNames(settings.resource_server)
        self._markers = Markers(host, settings)
        self._known = KnownClients(settings.client_cache_seconds)
        self._app_clients = AppClients(aws, settings, self._names)
        self._resource_server = ResourceServer(aws, settings, host)
        self._parameters = Parameters(aws, settings)
        self._clients = Lifecycle(
            app_clients=self._app_clients,
            parameters=self._parameters,
            resource_server=self._resource_server,
            hosted=self._hosted,
            markers=self._markers,
            known=self._known,
        )
        self._orphans = Orphans(self._app_clients, self._parameters, self._markers, settings, host)
        self._grants = Grants(self._hosted, self._names, self._known, self._clients.read)
        self._keys = PublishedKeys(self._hosted, settings.key_cache_seconds)
        self._revoked = RevokedTokens(host)

    @property
    def issuer(self) -> str:
        return self._settings.expected_issuer

    @classmethod
    async def open(cls, settings: CognitoSettings, host: Host) -> Self:
        """Look whether pool and rights are as they must be, and let the resource server exist.

        An AWS that is away does not stop us.
        """
        provider = cls(settings, host, await Aws.opened(settings))
        try:
            await provider._look_around()
        except BaseException:
            await provider.close()
            raise
        return provider

    async def close(self) -> None:
        await self._keys.close()
        await self._aws.close()
        await self._hosted.close()

    async def check(self) -> None:
        await self._resource_server.check()
        await self._parameters.texts(["check"])
        await self._keys.all()

    async def create_client(self, spec: ClientSpec, secret: ClientSecret) -> ClientCredentials:
        """The secret is Cognito's, unless a person chose one that Cognito takes."""
        return ClientCredentials(client_id=spec.client_id, secret=await self._clients.create(spec, secret))

    async def update_client(self, spec: ClientSpec) -> None:
        await self._clients.update(spec)

    async def replace_secret(self, client_id: str, secret: ClientSecret) -> ClientCredentials:
        return ClientCredentials(client_id=client_id, secret=await self._clients.replace_secret(client_id, secret))

    async def delete_clients(self, client_ids: Collection[str]) -> None:
        await self._clients.delete(client_ids)

    async def find_client(self, client_id: str) -> ClientState | None:
        """None also where only the record is left: a client without its app client is gone."""
        record = await self._clients.look(client_id)
        if record is None or not self._clients.proves(record):
            return foreign_state(record.client_id) if record else None
        app_client = await self._app_clients.find(record.app_client_id)
        if app_client is None:
            return None
        newest = self._markers.is_newest(record.client_id, record.app_client_id, record.marker, app_client.name)
        held = self._names.of_ours(app_client.scopes)
        return replace(record.state(usable=app_client.usable, scopes=held), stale=not newest)

    async def token(self, request: TokenRequest) -> TokenAnswer:
        return await self._grants.token(request)

    async def verify(self, token: str) -> Principal:
        """Also while AWS is away, with the keys that it published last, for clients that were seen of late.

        A token ends with its app client, as soon as that is no longer remembered.
        """
        judged = await self._judged(token)
        if await self._revoked.has(judged.token_id):
            raise InvalidTokenError("The token was revoked.")
        return judged

    async def revoke(self, token: str) -> None:
        try:
            judged = await self._judged(token)
        except InvalidTokenError:
            return
        await self._revoked.add(judged.token_id, judged.expires_at)

    async def keys(self) -> Sequence[dict[str, Any]]:
        return await self._keys.all()

    async def maintain(self) -> None:
        """Forget expired revocations, and remove app clients that a lost answer left behind."""
        await self._revoked.sweep(self._host.now() - self._settings.clock_skew)
        await self._orphans.sweep()

    async def _look_around(self) -> None:
        failure: IdpError | None = None
        try:
            await self._resource_server.open()
            await self.check()
        except IdpUnavailableError as error:
            log.warning("idp.cognito.unavailable_at_start", extra={"reason": str(error)})
        except (IdpDeniedError, IdpRejectedError) as error:
            failure = error
        if failure is not None:
            raise IdpConfigurationError(f"The user pool {self._settings.user_pool_id!r} cannot be used: {failure}")

    async def _judged(self, token: str) -> Principal:
        claims = await self._keys.verified_claims(token)
        record = await self._of_app_client(judge(claims, self._settings, self._host.now()))
        return principal(claims, record, self._names)

    async def _of_app_client(self, app_client_id: str) -> Record:
        """By the name of the app client, which holds the key of the record, and our proof."""
        record = self._known.of_app_client(app_client_id)
        if record is None and not self._known.is_stranger(app_client_id):
            app_client = await self._app_clients.find(app_client_id)
            key = self._markers.key_in(app_client.name) if app_client else None
            text = (await self._parameters.texts([key])).get(key) if key else None
            record = Record.parse(text) if text else None
            if record is None or record.app_client_id != app_client_id or not self._clients.proves(record):
                self._known.put_stranger(app_client_id)
                record = None
        if record is None:
            raise InvalidTokenError("The token is of an app client that this installation did not make.")
        return record
