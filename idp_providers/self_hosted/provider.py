"""The built-in issuer: everything in the service's own database, in the caller's own transaction."""

import logging
from collections.abc import Collection, Sequence
from typing import Any, ClassVar, Self

from idp_providers.contract import (
    API_VERSION,
    Capabilities,
    ClientClaims,
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
    IdpError,
    InvalidClientError,
    InvalidTokenError,
    UnauthorizedClientError,
)
from idp_providers.self_hosted.clients import Client, ClientStore
from idp_providers.self_hosted.keys import KeyStore
from idp_providers.self_hosted.revocations import Revocations
from idp_providers.self_hosted.ring import KeyRing
from idp_providers.self_hosted.rotation import RotationPolicy
from idp_providers.self_hosted.secrets import SecretHashes, is_generated_id
from idp_providers.self_hosted.settings import SelfHostedSettings
from idp_providers.self_hosted.signing import sign
from idp_providers.self_hosted.tokens import Grant, granted_scopes, judged, payload

log = logging.getLogger(__name__)


class SelfHostedProvider:
    """Issues and judges tokens itself. Changes of clients are rows and commit with the caller's own."""

    name: ClassVar[str] = "self_hosted"
    api_version: ClassVar[int] = API_VERSION
    settings_model: ClassVar[type[SelfHostedSettings]] = SelfHostedSettings
    capabilities: ClassVar[Capabilities] = Capabilities(transactional=True, live_claims=True, issues_tokens=True)

    def __init__(self, settings: SelfHostedSettings, host: Host) -> None:
        self._settings = settings
        self._host = host
        self._clients = ClientStore(host)
        self._secrets = SecretHashes(host)
        self._revocations = Revocations(host)
        self._keys = KeyStore(host, RotationPolicy.of(settings))
        self._ring = KeyRing(self._keys)

    @property
    def issuer(self) -> str:
        return self._settings.issuer

    @classmethod
    async def open(cls, settings: SelfHostedSettings, host: Host) -> Self:
        """Make the first keys where there are none, and unseal the one that signs."""
        provider = cls(settings, host)
        try:
            await provider.rotate_keys()
            await provider.check()
        except BaseException:
            await provider.close()
            raise
        return provider

    async def close(self) -> None:
        self._secrets.close()

    async def check(self) -> None:
        await self._ring.reload()
        await self._ring.signer()

    async def create_client(self, spec: ClientSpec, secret: ClientSecret) -> ClientCredentials:
        await self._clients.insert(spec, await self._secrets.hash(spec.client_id, secret))
        return ClientCredentials(client_id=spec.client_id, secret=secret.value)

    async def update_client(self, spec: ClientSpec) -> None:
        await self._clients.update(spec)

    async def replace_secret(self, client_id: str, secret: ClientSecret) -> ClientCredentials:
        client = await self._clients.find(client_id)
        if client is None:
            raise ClientNotFoundError("No client with this id.")
        await self._clients.replace_secret(client.client_id, await self._secrets.hash(client.client_id, secret))
        return ClientCredentials(client_id=client.client_id, secret=secret.value)

    async def delete_clients(self, client_ids: Collection[str]) -> None:
        await self._clients.delete(client_ids)

    async def find_client(self, client_id: str) -> ClientState | None:
        client = await self._clients.find(client_id)
        return client.state if client else None

    async def token(self, request: TokenRequest) -> TokenAnswer:
        client = await self._clients.current(request.client_id)
        if client is None:
            await self._pretend(request)
            raise InvalidClientError("Unknown client.")
        proven = await self._secrets.verify(client, request.client_secret)
        claims = await self._claims_of(client)
        if claims is None or not claims.approved or not client.enabled:
            raise InvalidClientError("The client is disabled, not approved or without an application.")
        if not proven:
            raise UnauthorizedClientError("Wrong client secret.")
        await self._renew_hash(client, request.client_secret)
        return await self._issue(client, claims, request.requested_scopes)

    async def verify(self, token: str) -> Principal:
        principal = await self._judged(token)
        if not await self._revocations.stands(principal.token_id, principal.client_id):
            raise InvalidTokenError("The token was revoked, or its client is gone or disabled.")
        return principal

    async def revoke(self, token: str) -> None:
        try:
            principal = await self._judged(token)
        except InvalidTokenError:
            return
        await self._revocations.add(principal.token_id, principal.expires_at)

    async def keys(self) -> Sequence[dict[str, Any]]:
        return await self._ring.published()

    async def maintain(self) -> None:
        await self.rotate_keys()
        await self._keys.renew_seals()
        await self.sweep()

    async def rotate_keys(self) -> None:
        """Bring the keys to what their age demands. Any replica may do it at any time."""
        await self._keys.rotate()
        await self._ring.reload()

    async def sweep(self) -> int:
        """Forget revoked tokens that no clock within the skew would still accept; how many there were."""
        return await self._revocations.sweep(self._host.now() - self._settings.clock_skew)

    async def _pretend(self, request: TokenRequest) -> None:
        """The work that a known client of this kind would have cost."""
        await self._secrets.pretend(request.client_id, request.client_secret)
        if is_generated_id(request.client_id):
            await self._host.claims_of(request.client_id)

    async def _claims_of(self, client: Client) -> ClientClaims | None:
        if client.managed:
            return await self._host.claims_of(client.client_id)
        return ClientClaims(scopes=client.scopes, display_name=client.display_name)

    async def _renew_hash(self, client: Client, secret: str) -> None:
        """Renewing is housekeeping: it must not cost a client its token."""
        try:
            renewed = await self._secrets.renewed(client, secret)
            if renewed is not None:
                await self._clients.renew_hash(client, renewed)
        except IdpError as error:
            log.warning("idp.secret_hash.not_renewed", extra={"client_id": client.client_id, "reason": str(error)})

    async def _issue(self, client: Client, claims: ClientClaims, requested: Sequence[str]) -> TokenAnswer:
        scopes = granted_scopes(claims.scopes, requested)
        grant = Grant(client=client.state, claims=claims, scopes=scopes, issued_at=self._host.now())
        token = sign(payload(grant, self._settings), await self._ring.signer())
        return TokenAnswer(access_token=token, expires_in=self._settings.token_lifetime_seconds, scopes=scopes)

    async def _judged(self, token: str) -> Principal:
        return judged(await self._ring.verified_claims(token), self._settings, self._host.now())
