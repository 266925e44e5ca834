"""The built-in issuer: everything in the service's own database, in the caller's own transaction."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Self

from pydantic import BaseModel

from idp_providers.authorization_server import AuthenticatedClient, Proof, RegisteredClient, SecretProof
from idp_providers.client_keeping import MOST_LISTED, ServiceClient
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
from idp_providers.errors import IdpError, InvalidTokenError
from idp_providers.key_keeping import SigningKeyState
from idp_providers.secret_keeping import SecretState, SecretTerms
from idp_providers.self_hosted.authentication import Authentication
from idp_providers.self_hosted.client_keys import accepted
from idp_providers.self_hosted.client_secrets import ClientSecrets
from idp_providers.self_hosted.clients import ClientStore
from idp_providers.self_hosted.keys import KeyStore
from idp_providers.self_hosted.registrations import Registrations
from idp_providers.self_hosted.revocations import Presented, Revocations
from idp_providers.self_hosted.ring import KeyRing
from idp_providers.self_hosted.rotation import RotationPolicy
from idp_providers.self_hosted.secrets import SecretHashes
from idp_providers.self_hosted.service_clients import ServiceClients
from idp_providers.self_hosted.settings import SelfHostedSettings
from idp_providers.self_hosted.signing import sign
from idp_providers.self_hosted.throttle import Throttle
from idp_providers.self_hosted.tokens import Grant, granted_scopes, issued_at, judged, payload
from idp_providers.self_hosted.usage import Usage


class SelfHostedProvider:
    """Issues and judges tokens itself. Changes of clients are rows and commit with the caller's own.

    Beyond the contract it keeps several secrets per client (`secret_keeping`), lets an operator end keys, tokens
    (`key_keeping`) and clients of the service (`client_keeping`), and is an authorization server as the RFCs want it
    (`authorization_server`).
    """

    name: ClassVar[str] = "self_hosted"
    api_version: ClassVar[int] = API_VERSION
    settings_model: ClassVar[type[BaseModel]] = SelfHostedSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        transactional=True, live_claims=True, issues_tokens=True, multiple_secrets=True, expiring_secrets=True
    )

    def __init__(self, settings: SelfHostedSettings, host: Host) -> None:
        age = settings.secret_maximum_age
        self._settings = settings
        self._host = host
        self._clients = ClientStore(host, age)
        self._kept = ClientSecrets(host, age)
        self._secrets = SecretHashes(
            host, Throttle(settings.failed_secrets_per_minute), delay_seconds=settings.failed_secret_delay_seconds
        )
        self._usage = Usage(host, self._kept, settings.secret_use_delay_seconds)
        self._registrations = Registrations(host)
        self._own = ServiceClients(host)
        self._revocations = Revocations(host)
        self._keys = KeyStore(host, RotationPolicy.of(settings))
        self._ring = KeyRing(self._keys)
        self._proofs = Authentication(
            host,
            clients=self._clients,
            secrets=self._kept,
            hashes=self._secrets,
            usage=self._usage,
            ring=self._ring,
        )

    @property
    def issuer(self) -> str:
        return self._settings.issuer

    @classmethod
    async def open(cls, settings: SelfHostedSettings, host: Host) -> Self:
        """Make the first keys where there are none, and unseal the one that signs. Keys rotate by `maintain` alone.

        Commands open the provider too, and their settings need not be those of the service.
        """
        provider = cls(settings, host)
        try:
            await provider._keys.ensure()
            await provider.check()
        except BaseException:
            await provider.close()
            raise
        return provider

    async def close(self) -> None:
        await self._usage.close()
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
        """A chosen secret that is the client's only one already stays as it is, with its id and its uses.

        The service sets those of its own clients at every start; other replicas still know which were proven to them.
        """
        client = await self._clients.known(client_id)
        if not (secret.chosen and await self._secrets.is_same(await self._kept.only(client.client_id), secret)):
            await self._clients.replace_secret(client.client_id, await self._secrets.hash(client.client_id, secret))
        return ClientCredentials(client_id=client.client_id, secret=secret.value)

    async def delete_clients(self, client_ids: Collection[str]) -> None:
        await self._clients.delete(client_ids)

    async def find_client(self, client_id: str) -> ClientState | None:
        client = await self._clients.find(client_id)
        return client.state if client else None

    async def token(self, request: TokenRequest) -> TokenAnswer:
        client = await self._proofs.in_the_contracts_words(
            SecretProof(client_id=request.client_id, secret=request.client_secret)
        )
        return await self.grant(client, granted_scopes(client.claims.scopes, request.requested_scopes))

    async def verify(self, token: str) -> Principal:
        signed = await self._ring.verified(token)
        principal = judged(signed.claims, self._settings, self._host.now())
        presented = Presented(principal.token_id, principal.client_id, signed.kid, issued_at(signed.claims))
        if not await self._revocations.stands(presented):
            raise InvalidTokenError("The token or its key was revoked, or its client is gone or disabled.")
        return principal

    async def revoke(self, token: str) -> None:
        try:
            signed = await self._ring.verified(token)
            principal = judged(signed.claims, self._settings, self._host.now())
        except InvalidTokenError:
            return
        await self._revocations.add(principal.token_id, principal.expires_at)

    async def keys(self) -> Sequence[dict[str, Any]]:
        return await self._ring.published()

    async def maintain(self) -> None:
        """Every part, whatever became of the others; the first failure is raised in the end."""
        failures: list[IdpError] = []
        for part in (
            self.rotate_keys,
            self._keys.renew_seals,
            self.sweep,
            self._usage.write,
            self._kept.sweep,
            self._proofs.sweep,
        ):
            try:
                await part()
            except IdpError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    async def rotate_keys(self) -> None:
        """Bring the keys to what their age demands. Any replica may do it at any time."""
        await self._keys.rotate()
        await self._ring.reload()

    async def sweep(self) -> int:
        """Forget revoked tokens that no replica would still accept; how many there were."""
        return await self._revocations.sweep(self._settings.clock_skew)

    # `secret_keeping`

    async def secrets(self, client_id: str) -> Sequence[SecretState]:
        return await self._kept.of((await self._clients.known(client_id)).client_id)

    async def add_secret(
        self, client_id: str, secret: ClientSecret, terms: SecretTerms, *, overlap: timedelta | None = None
    ) -> SecretState:
        client = await self._clients.known(client_id)
        hashed = await self._secrets.hash(client.client_id, secret)
        return await self._kept.add(client.client_id, hashed, terms, overlap)

    async def remove_secret(self, client_id: str, secret_id: str) -> None:
        await self._kept.remove((await self._clients.known(client_id)).client_id, secret_id)

    # `key_keeping`

    async def signing_keys(self) -> Sequence[SigningKeyState]:
        return await self._keys.states()

    async def rotate_signing_key(self, *, at_once: bool = False) -> None:
        await self._keys.rotate_now(at_once=at_once)
        await self._ring.reload()

    async def revoke_signing_key(self, kid: str) -> None:
        await self._keys.revoke(kid)
        await self._ring.reload()

    async def end_tokens(self, client_id: str) -> None:
        await self._clients.end_tokens(client_id)

    # `client_keeping`

    async def service_clients(self, *, after: str = "", most: int = MOST_LISTED) -> Sequence[ServiceClient]:
        return await self._own.after(after, most)

    async def enable_service_client(self, client_id: str, *, enabled: bool) -> None:
        await self._own.enable(client_id, enabled=enabled)

    async def delete_service_client(self, client_id: str) -> None:
        await self._own.delete(client_id)

    # `authorization_server`

    async def authenticate(self, proof: Proof) -> AuthenticatedClient:
        return await self._proofs.judge(proof)

    async def may_have_tokens(self, client_id: str) -> bool:
        return await self._proofs.may_have_tokens(client_id)

    async def grant(self, client: AuthenticatedClient, scopes: Sequence[str]) -> TokenAnswer:
        granted = Grant(client=client.state, claims=client.claims, scopes=tuple(scopes), issued_at=self._host.now())
        claims = payload(granted, self._settings)
        token = sign(claims, await self._ring.signer(), self._settings.access_token_type)
        return TokenAnswer(access_token=token, expires_in=self._settings.token_lifetime_seconds, scopes=granted.scopes)

    async def client_keys(self, client_id: str) -> Sequence[dict[str, Any]]:
        return await self._registrations.keys(client_id)

    async def replace_client_keys(self, client_id: str, keys: Sequence[Any]) -> None:
        await self._registrations.set_keys(client_id, accepted(keys))

    async def register(self, client: RegisteredClient, secret: ClientSecret | None, access_token: str) -> None:
        keys = accepted(client.keys)
        hashed = await self._secrets.hash(client.client_id, secret) if secret else ""
        await self._clients.insert(_spec(client), hashed)
        await self._registrations.set_keys(client.client_id, keys)
        await self._registrations.insert(client, access_token)

    async def registered(self, client_id: str, access_token: str, *, to_change: bool = False) -> RegisteredClient:
        return await self._registrations.find(client_id, access_token, to_change=to_change)

    async def reregister(self, client: RegisteredClient, secret: ClientSecret | None) -> None:
        keys = accepted(client.keys)
        await self._clients.update(_spec(client))
        await self._registrations.set_keys(client.client_id, keys)
        await self._registrations.change(client)
        if secret:
            await self.replace_secret(client.client_id, secret)
        elif client.method == "private_key_jwt":
            await self._kept.remove_all(client.client_id)


def _spec(client: RegisteredClient) -> ClientSpec:
    return ClientSpec(
        client_id=client.client_id, display_name=client.display_name, role=client.role, scopes=client.scopes
    )
