"""Clients of the service that register and manage themselves (RFC 7591, 7592)."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from idp_providers.authorization_server import RegisteredClient, SecretProof
from idp_providers.contract import ClientSecret
from idp_providers.errors import (
    ClientNotFoundError,
    IdpRejectedError,
    InvalidClientError,
    InvalidTokenError,
    UnauthorizedClientError,
)
from idp_providers.secret_keeping import secret_keeper
from tenant_api.kernel.secrets import generate_client_secret
from tenant_api.oauth2.client_metadata import ClientMetadata, ClientUpdate
from tenant_api.oauth2.errors import OAuthError, invalid_client_metadata, invalid_token
from tenant_api.oauth2.tokens import server_of
from tenant_api.plugins.unit_of_work import joined
from tenant_api.tenants.clients import TenantClientRepository
from tenant_api.web.state import Runtime
from tenant_api.web.tenancy import find_tenant


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A registration and what is shown of it this once."""

    client: RegisteredClient
    access_token: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    secret_expires_at: datetime | None = None


def registers(runtime: Runtime) -> bool:
    """Whether clients may register and manage themselves.

    The operator must have made an initial access token, and the provider must write in the request's own transaction:
    a client and what binds it to its tenant are made together or not at all.
    """
    enabled = runtime.settings.identity.registration_token_digest is not None
    return enabled and runtime.idp.capabilities.transactional


def bearer_token(authorization: str) -> str:
    """The token of a request; OAuthError if there is none."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise invalid_token("An access token is needed.", presented=False)
    return token.strip()


class Registrations:
    """Registers with the operator's initial access token, manages with the token that each registration got."""

    def __init__(self, runtime: Runtime, session: AsyncSession) -> None:
        self._runtime = runtime
        self._server = server_of(runtime)
        self._session = session
        self._identity = runtime.settings.identity

    def require_initial_token(self, authorization: str) -> None:
        """OAuthError unless registration is on and this is the operator's token."""
        digest = self._identity.registration_token_digest
        if digest is None or not registers(self._runtime):
            raise OAuthError("access_denied", "Registration is disabled.", status=403)
        given = sha256(bearer_token(authorization).encode(errors="surrogatepass")).hexdigest()
        if not hmac.compare_digest(given, digest):
            raise invalid_token("This is not the initial access token.")

    async def register(self, metadata: ClientMetadata, tenant: str) -> Registered:
        """A new client. `tenant` is the header of that name, for installations that bind clients to tenants."""
        wanted = self._wanted(metadata, str(uuid4()), self._identity.registration_scopes.split())
        secret, access_token = self._secret_for(wanted), secrets.token_urlsafe(32)
        try:
            with joined(self._session):
                await self._server.register(wanted, secret, access_token)
                await self._bind(wanted.client_id, tenant)
                made = await self._server.registered(wanted.client_id, access_token)
                return await self._shown(made, access_token, secret)
        except IdpRejectedError as error:
            raise invalid_client_metadata(str(error)) from None

    async def find(self, client_id: str, authorization: str) -> Registered:
        """A registration as it stands; OAuthError unless the request carries its token."""
        token = bearer_token(authorization)
        if not self._runtime.idp.capabilities.transactional:
            raise invalid_token("There are no registrations at this identity provider.")
        try:
            return Registered(client=await self._server.registered(client_id, token), access_token=token)
        except InvalidTokenError:
            raise invalid_token("The access token is not that of this registration.") from None

    async def replace(self, present: Registered, update: ClientUpdate) -> Registered:
        """All metadata anew. A secret is made only where the client needs one and has none.

        The client may give scopes up, never take more: those were granted to the operator's initial access token.
        """
        client_id, token = present.client.client_id, present.access_token
        await self._require_present_secret(client_id, update)
        try:
            with joined(self._session):
                # Read again: what was found before the lock may have changed or gone since.
                current = await self._server.registered(client_id, token, to_change=True)
                wanted = self._wanted(update, client_id, current.scopes)
                needs_secret = current.method == "private_key_jwt" != wanted.method
                secret = self._secret_for(wanted) if needs_secret else None
                await self._server.reregister(wanted, secret)
                made = await self._server.registered(client_id, token)
                return await self._shown(made, token, secret)
        except (InvalidTokenError, ClientNotFoundError):
            raise invalid_token("The access token is not that of this registration.") from None
        except IdpRejectedError as error:
            raise invalid_client_metadata(str(error)) from None

    async def remove(self, present: Registered) -> None:
        """The client is gone, and its tokens with it."""
        gone = [present.client.client_id]
        await TenantClientRepository(self._session).remove(gone)
        with joined(self._session):
            await self._runtime.idp.delete_clients(gone)

    def _wanted(self, metadata: ClientMetadata, client_id: str, allowed: Sequence[str]) -> RegisteredClient:
        return metadata.client(client_id, role=self._identity.service_role, allowed=allowed)

    def _secret_for(self, client: RegisteredClient) -> ClientSecret | None:
        if client.method == "private_key_jwt":
            return None
        return ClientSecret(value=generate_client_secret(self._identity.generated_secret_length))

    async def _bind(self, client_id: str, tenant: str) -> None:
        if self._identity.tenant_bound_clients:
            tenant_id = await find_tenant(self._runtime.tenants, tenant)
            await TenantClientRepository(self._session).add(client_id, tenant_id)

    async def _shown(self, client: RegisteredClient, access_token: str, secret: ClientSecret | None) -> Registered:
        expires_at = None
        if secret and (keeper := secret_keeper(self._runtime.idp)):
            expires_at = (await keeper.secrets(client.client_id))[0].expires_at
        value = secret.value if secret else None
        return Registered(client=client, access_token=access_token, secret=value, secret_expires_at=expires_at)

    async def _require_present_secret(self, client_id: str, update: ClientUpdate) -> None:
        """A client may repeat its secret and not choose one (RFC 7592, section 2.2)."""
        if update.client_secret is None:
            return
        try:
            await self._server.authenticate(SecretProof(client_id=client_id, secret=update.client_secret))
        except (InvalidClientError, UnauthorizedClientError):
            raise invalid_client_metadata("client_secret is not the present one.") from None
