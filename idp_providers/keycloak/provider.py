"""Clients in a Keycloak realm, and the tokens that it issues."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel

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
    ClientNotFoundError,
    IdpConfigurationError,
    IdpDeniedError,
    IdpError,
    IdpRejectedError,
    IdpUnavailableError,
    InvalidTokenError,
)
from idp_providers.keycloak import representation
from idp_providers.keycloak.administration import Administration
from idp_providers.keycloak.alterations import is_altered, to_unset
from idp_providers.keycloak.connection import AdminConnection
from idp_providers.keycloak.endpoints import Credentials, RealmEndpoints
from idp_providers.keycloak.grants import Grants
from idp_providers.keycloak.limits import can_be_client_id, judge_client, judge_secret
from idp_providers.keycloak.markers import Markers
from idp_providers.keycloak.preparation import RealmPreparation
from idp_providers.keycloak.representation import StoredClient
from idp_providers.keycloak.scopes import ClientScopes
from idp_providers.keycloak.settings import KeycloakSettings
from idp_providers.preparation import Administrator, Preparation
from idp_providers.published_keys import PublishedKeys
from idp_providers.revoked_tokens import RevokedTokens
from idp_providers.self_hosted.settings import Algorithm
from idp_providers.self_hosted.tokens import judged

AT_ONCE = 8
"""Clients of one deletion that are looked at together."""

log = logging.getLogger(__name__)


class KeycloakProvider:
    """Drives one realm. Claims are stored with the clients, so that changes need `update_client`.

    A create is one call to Keycloak, two where the claim set is new to the realm or was not seen of late; an update
    two, and one more for each claim set that comes or goes. Clients that this installation did not make are seen but
    never touched: changing or deleting them is an IdpRejectedError without effect.
    """

    name: ClassVar[str] = "keycloak"
    api_version: ClassVar[int] = API_VERSION
    settings_model: ClassVar[type[BaseModel]] = KeycloakSettings
    capabilities: ClassVar[Capabilities] = Capabilities(issues_tokens=True)

    def __init__(self, settings: KeycloakSettings, host: Host) -> None:
        self._settings = settings
        self._host = host
        self._realm = RealmEndpoints(settings)
        own = Credentials(client_id=settings.client_id, secret=settings.client_secret.get_secret_value())
        self._admin = Administration(AdminConnection(settings, settings.realm, own, self._realm))
        self._markers = Markers(host, settings.realm)
        self._scopes = ClientScopes(self._admin, self._markers, settings.client_scopes)
        self._keys = PublishedKeys(self._realm, settings.key_cache_seconds)
        self._grants = Grants(self._realm, self._scopes)
        self._revoked = RevokedTokens(host)

    @property
    def issuer(self) -> str:
        return self._settings.expected_issuer

    @classmethod
    async def open(cls, settings: KeycloakSettings, host: Host) -> Self:
        """Look whether realm, issuer and rights are as they must be. A Keycloak that is away does not stop us."""
        provider = cls(settings, host)
        try:
            await provider._look_around()
        except BaseException:
            await provider.close()
            raise
        return provider

    @classmethod
    def preparation(
        cls, settings: KeycloakSettings, administrator: Administrator
    ) -> AbstractAsyncContextManager[Preparation]:
        """What the realm lacks, and how it gets there."""
        return RealmPreparation.opened(settings, administrator)

    async def close(self) -> None:
        await self._keys.close()
        await self._admin.close()
        await self._realm.close()

    async def check(self) -> None:
        own = await self._admin.client(self._settings.client_id)
        if own is None or not own.access.get("manage"):
            raise IdpDeniedError("Our own client lacks the right manage-clients of realm-management.")
        issuer = await self._realm.issuer()
        if issuer != self.issuer:
            raise IdpConfigurationError(f"The realm's issuer is {issuer}, the settings say {self.issuer}.")
        if self._admin.algorithm not in get_args(Algorithm):
            raise IdpConfigurationError(
                f"The realm signs tokens with {self._admin.algorithm}, which nobody here can judge: "
                f"its default signature algorithm must be one of {', '.join(get_args(Algorithm))}."
            )
        await self._keys.all()

    async def create_client(self, spec: ClientSpec, secret: ClientSecret) -> ClientCredentials:
        judge_client(spec)
        judge_secret(secret)
        default, optional = representation.scope_lists(representation.held_scopes(spec))
        await self._scopes.require([*default, *optional])
        await self._admin.create_client(
            {
                **self._wanted(spec),
                "id": representation.internal_id(self._settings.realm, spec.client_id),
                "clientId": spec.client_id,
                "secret": secret.value,
                "defaultClientScopes": default,
                "optionalClientScopes": optional,
            }
        )
        return ClientCredentials(client_id=spec.client_id, secret=secret.value)

    async def update_client(self, spec: ClientSpec) -> None:
        """Old scopes go first and new ones come last: an interrupted update leaves a client with less, not more."""
        judge_client(spec)
        client = await self._own(spec.client_id)
        default, optional = representation.scope_lists(representation.held_scopes(spec))
        await self._scopes.require([*default, *optional])
        await self._scopes.detach_all_but(client, [*default, representation.ALWAYS_THERE], optional)
        if client.is_public:
            log.warning("idp.keycloak.secret_lost", extra={"client_id": client.client_id})
        wanted = self._wanted(replace(spec, client_id=client.client_id))
        wanted["attributes"] |= to_unset(client)
        await self._admin.update_client(client.id, wanted)
        await self._scopes.attach(client, default, optional)

    async def replace_secret(self, client_id: str, secret: ClientSecret) -> ClientCredentials:
        judge_secret(secret)
        client = await self._own(client_id)
        await self._admin.update_client(client.id, {"clientId": client.client_id, "secret": secret.value})
        return ClientCredentials(client_id=client.client_id, secret=secret.value)

    async def delete_clients(self, client_ids: Collection[str]) -> None:
        """All are looked at before the first is deleted: a foreign one among them leaves all as they were."""
        found = [client for client in await _each(self._find, client_ids) if client is not None]
        for client in found:
            self._demand_ours(client)
        await _each(self._admin.delete_client, [client.id for client in found])

    async def find_client(self, client_id: str) -> ClientState | None:
        client = await self._find(client_id)
        if client is None:
            return None
        state = representation.state(client, owned=self._markers.proves_client(client))
        if not state.owned:
            return state
        return replace(
            state,
            stale=not self._markers.is_newest(client),
            altered=is_altered(client, state, self._settings),
            secret_lost=client.is_public,
        )

    async def token(self, request: TokenRequest) -> TokenAnswer:
        return await self._grants.token(request)

    async def verify(self, token: str) -> Principal:
        """Also while Keycloak is away, with the keys that it published last.

        A token outlives its client until it expires: Keycloak is not asked for each.
        """
        principal = await self._judged(token)
        if await self._revoked.has(principal.token_id):
            raise InvalidTokenError("The token was revoked.")
        return principal

    async def revoke(self, token: str) -> None:
        try:
            principal = await self._judged(token)
        except InvalidTokenError:
            return
        await self._revoked.add(principal.token_id, principal.expires_at)

    async def keys(self) -> Sequence[dict[str, Any]]:
        return await self._keys.all()

    async def maintain(self) -> None:
        await self._revoked.sweep(self._host.now() - self._settings.judgement.clock_skew)
        await self._scopes.renew()

    async def _look_around(self) -> None:
        failure: IdpError | None = None
        try:
            await self.check()
            await self._scopes.read()
        except IdpUnavailableError as error:
            log.warning("idp.keycloak.unavailable_at_start", extra={"reason": str(error)})
        except (IdpDeniedError, IdpRejectedError) as error:
            failure = error
        if failure is not None:
            raise IdpConfigurationError(
                f"The realm {self._settings.realm!r} is not prepared: {failure} "
                "What it lacks is shown by: tenant-api idp prepare --dry-run"
            )

    def _wanted(self, spec: ClientSpec) -> dict[str, Any]:
        return representation.wanted(spec, self._settings, self._markers.of_client(spec.client_id))

    async def _own(self, client_id: str) -> StoredClient:
        client = await self._find(client_id)
        if client is None:
            raise ClientNotFoundError("No client with this id.")
        self._demand_ours(client)
        return client

    async def _find(self, client_id: str) -> StoredClient | None:
        """As it is spelt, else in the spelling with which we made it."""
        if not can_be_client_id(client_id):
            return None
        exactly = await self._admin.client(client_id)
        if exactly is not None:
            return exactly
        return await self._admin.client_by_internal_id(representation.internal_id(self._settings.realm, client_id))

    def _demand_ours(self, client: StoredClient) -> None:
        if not self._markers.proves_client(client):
            raise IdpRejectedError(f"The client {client.client_id!r} was not made by this installation.")

    async def _judged(self, token: str) -> Principal:
        claims = await self._keys.verified_claims(token)
        if claims.get("typ") != "Bearer":
            raise InvalidTokenError("The token is not an access token.")
        return judged(claims, self._settings.judgement, self._host.now())


async def _each(call: Any, items: Collection[str]) -> list[Any]:
    """Answers in order, a few at a time. The first error is raised when its group has ended."""
    answers: list[Any] = []
    waiting = list(items)
    for start in range(0, len(waiting), AT_ONCE):
        group = await asyncio.gather(*map(call, waiting[start : start + AT_ONCE]), return_exceptions=True)
        failed = [answer for answer in group if isinstance(answer, BaseException)]
        if failed:
            raise failed[0]
        answers += group
    return answers
