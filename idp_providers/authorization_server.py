"""What a provider may do so that the service can speak the RFCs of OAuth 2 for it, beyond the contract's `/connect`.

Optional: a provider that issues tokens and has these calls gets the routes below `/oauth2`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, cast, runtime_checkable

from idp_providers.contract import ClientClaims, ClientSecret, ClientState, IdentityProvider, TokenAnswer

AuthenticationMethod = Literal["client_secret_basic", "client_secret_post", "private_key_jwt"]
ASSERTION_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
"""Signatures of client assertions (RFC 7523) that count. The last two are one, by its old and its new name."""


@dataclass(frozen=True, kw_only=True)
class SecretProof:
    """A client that shows its secret."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class AssertionProof:
    """A client that shows a signed assertion (RFC 7523), made for one of `audiences`.

    `client_id` is what the request says beside it; empty if it says nothing.
    """

    assertion: str = field(repr=False)
    audiences: tuple[str, ...]
    client_id: str = ""


Proof = SecretProof | AssertionProof


@dataclass(frozen=True, kw_only=True)
class AuthenticatedClient:
    """A client that proved itself just now, and what its tokens may say."""

    state: ClientState
    claims: ClientClaims


@dataclass(frozen=True, kw_only=True)
class RegisteredClient:
    """A client that registered itself (RFC 7591). `keys` are public JWKs, for assertions."""

    client_id: str
    display_name: str
    role: str
    scopes: tuple[str, ...]
    method: AuthenticationMethod
    keys: tuple[dict[str, Any], ...] = ()
    issued_at: datetime | None = None


@runtime_checkable
class AuthorizationServer(Protocol):
    """Proofs of clients, grants in two steps, clients' public keys, and registrations."""

    async def authenticate(self, proof: Proof) -> AuthenticatedClient:
        """Judge a proof; InvalidClientError, InvalidAssertionError, UnauthorizedClientError, ThrottledError.

        An assertion counts once, on all replicas together.
        """
        ...

    async def may_have_tokens(self, client_id: str) -> bool:
        """Whether a proof of this client would be accepted now: it is there, enabled and approved."""
        ...

    async def grant(self, client: AuthenticatedClient, scopes: Sequence[str]) -> TokenAnswer:
        """A token with these scopes, all of which the client must hold; the caller has checked that."""
        ...

    async def client_keys(self, client_id: str) -> Sequence[dict[str, Any]]:
        """The public keys (JWK) with which a client's assertions are verified. ClientNotFoundError."""
        ...

    async def replace_client_keys(self, client_id: str, keys: Sequence[Any]) -> None:
        """Set them all; none ends assertions. IdpRejectedError says what is wrong with a key. ClientNotFoundError."""
        ...

    async def register(self, client: RegisteredClient, secret: ClientSecret | None, access_token: str) -> None:
        """Make a client that may later be managed with `access_token`. ClientAlreadyExistsError, IdpRejectedError."""
        ...

    async def registered(self, client_id: str, access_token: str, *, to_change: bool = False) -> RegisteredClient:
        """A registration as it stands; InvalidTokenError unless this is its token.

        With `to_change` nobody else changes or removes it until the caller's unit of work ends.
        """
        ...

    async def reregister(self, client: RegisteredClient, secret: ClientSecret | None) -> None:
        """Bring a registration to the wanted state. Without a new secret the old ones stay, except where the method
        needs none. ClientNotFoundError, IdpRejectedError.
        """
        ...


def authorization_server(provider: IdentityProvider) -> AuthorizationServer | None:
    """The provider as an authorization server, if it is one. It may stand behind a guard."""
    clients = ("authenticate", "may_have_tokens", "grant", "client_keys", "replace_client_keys")
    registrations = ("register", "registered", "reregister")
    does = provider.capabilities.issues_tokens and all(hasattr(provider, call) for call in clients + registrations)
    return cast("AuthorizationServer", provider) if does else None
