"""What an identity provider must do, and what it may ask of its host.

A provider makes OAuth clients, keeps their secrets and answers for their tokens. Every call is short and may
be repeated: the client id is chosen by the caller, so a lost answer is resolved by `find_client`.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import DictRow
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

API_VERSION = 1

Pool = AsyncConnectionPool[AsyncConnection[DictRow]]


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a provider can do; the API answers by this declaration, never by trying.

    `transactional`: changes join the caller's database transaction and vanish with it. Providers that cannot
    promise this are called only between transactions.
    `live_claims`: tokens say what `Host.claims_of` answers at signing time, so that a change of a vendor,
    application or API client needs no `update_client`.
    `chosen_secrets`: the provider takes the secret that the caller generated; otherwise it makes its own and
    returns that one.
    `contract_claims`: its tokens name the client by our id and carry the claims of the management API contract,
    section 3.4. Otherwise they grant scopes only, and `verify` alone knows whose they are.
    """

    transactional: bool = False
    live_claims: bool = False
    issues_tokens: bool = False
    chosen_secrets: bool = True
    multiple_secrets: bool = False
    expiring_secrets: bool = False
    enable_disable: bool = True
    contract_claims: bool = True


@dataclass(frozen=True, kw_only=True)
class ClientClaims:
    """What the next token of an application's client says (management API contract, section 3.4).

    `data_store_ids` and `education_organization_ids` are ascending and distinct. `approved` false means that no
    token is granted.
    """

    scopes: tuple[str, ...]
    namespace_prefixes: tuple[str, ...] = ()
    education_organization_ids: tuple[int, ...] = ()
    data_store_ids: tuple[int, ...] = ()
    approved: bool = True
    display_name: str = ""


@dataclass(frozen=True, kw_only=True)
class ClientSpec:
    """The wanted state of one client.

    `claims` is None for clients of the service itself (bootstrap and registered ones), whose `scopes` stand
    here. Clients of applications carry `claims`; a provider that signs tokens itself asks
    `Host.claims_of` at signing time instead of storing them.
    """

    client_id: str
    display_name: str
    role: str
    scopes: tuple[str, ...]
    claims: ClientClaims | None = None
    enabled: bool = True


@dataclass(frozen=True, kw_only=True)
class ClientSecret:
    """A secret to be set. `chosen` marks one that a person picked: it gets a slow hash.

    Generated secrets hold about 200 random bits and need none. The value never appears in `repr`.
    """

    value: str = field(repr=False)
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class ClientCredentials:
    """What the owner of a client needs to ask for tokens. `secret` is shown to the caller once."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ClientState:
    """What the provider holds about a client; never its secret.

    `owned`: the client carries proof that this installation made it. One that does not is never adopted, changed
    or removed by an intent or the reconciler. `stale`: that proof is by an older key, and `update_client` makes it
    anew; only then may the old key go. `claims` is what the provider would put into the next token; None
    where claims are live or the client is the service's own.

    `altered`: something else that matters for its tokens, or for who gets them, was changed behind our back;
    `update_client` mends that too. `secret_lost`: by such a change its secret is gone, which no update brings back.
    """

    client_id: str
    display_name: str
    role: str
    scopes: tuple[str, ...]
    enabled: bool
    owned: bool = True
    stale: bool = False
    altered: bool = False
    secret_lost: bool = False
    claims: ClientClaims | None = None


@dataclass(frozen=True, kw_only=True)
class TokenRequest:
    """A client_credentials grant, already parsed from form or Basic authentication.

    `requested_scopes` is the `scope` field split at spaces and commas; empty when none were asked for.
    """

    client_id: str
    client_secret: str = field(repr=False)
    requested_scopes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TokenAnswer:
    """A granted token. `expires_in` counts seconds from now."""

    access_token: str = field(repr=False)
    expires_in: int
    scopes: tuple[str, ...] = ()
    token_type: str = "Bearer"  # noqa: S105 - the scheme's name


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who presented a valid token. `claims` is the verified payload."""

    client_id: str
    subject: str
    scopes: frozenset[str]
    roles: frozenset[str]
    token_id: str
    expires_at: datetime
    claims: dict[str, Any] = field(repr=False, default_factory=dict)


class Statements(Protocol):
    """A connection reduced to executing statements: no commit, no rollback, no closing."""

    async def execute(self, query: Any, params: Any = None) -> AsyncCursor[DictRow]:
        """Run one statement; rows come as dictionaries."""
        ...


class Host(Protocol):
    """What the service lends to a provider. A provider that talks to a remote system may need none of it."""

    @property
    def pool(self) -> Pool:
        """Connections of the provider's own, for reads and for work outside any request. Autocommit, dict rows."""
        ...

    @property
    def installation(self) -> str:
        """Whose proof of ownership it is: belongs into every marker, for other installations may have our keys."""
        ...

    def connection(self) -> AbstractAsyncContextManager[Statements]:
        """The caller's unit of work: what runs here commits or rolls back with the row that it belongs to.

        Entered in a savepoint, so that an error inside leaves the caller's transaction usable. Outside a unit of
        work it is a transaction of its own, committed on a clean exit.
        """
        ...

    def seal(self, plain: bytes, context: str) -> str:
        """Encrypt for storage. `context` names table, column and row; opening demands the same one."""
        ...

    def unseal(self, sealed: str, context: str) -> bytes:
        """Decrypt what `seal` made; ValueError when key or context do not fit."""
        ...

    def rewrap(self, sealed: str, context: str) -> str:
        """The same secret under the newest key; the same text if it is there already. ValueError as `unseal`."""
        ...

    def sign(self, message: bytes) -> str:
        """Keyed digest (HMAC-SHA256 under the newest pepper) as text with its key's id inside."""
        ...

    def signed(self, message: bytes, signature: str) -> bool:
        """Whether `signature` came from `sign(message)` under any key of the ring; constant time."""
        ...

    def is_newest(self, signature: str) -> bool:
        """Whether the newest key made this signature; if not, sign again on the next use."""
        ...

    def now(self) -> datetime:
        """The present, in UTC."""
        ...

    async def claims_of(self, client_id: str) -> ClientClaims | None:
        """The claims of an application's client as committed when this call began, or None if there is none.

        Concurrent calls share one query. A change that was answered before this call is always seen
        (contract section 1.10).
        """
        ...


@runtime_checkable
class IdentityProvider(Protocol):
    """Makes, changes and removes OAuth clients, and answers for their tokens.

    The service opens one instance at start and shares it between all requests. All calls raise the errors of
    `idp_providers.errors` and nothing else.
    """

    name: ClassVar[str]
    api_version: ClassVar[int]
    settings_model: ClassVar[type[BaseModel]]
    capabilities: ClassVar[Capabilities]

    @property
    def issuer(self) -> str:
        """The `iss` of its tokens, verbatim."""
        ...

    @classmethod
    async def open(cls, settings: Any, host: Host) -> Self:
        """Connect and prepare; IdpConfigurationError if the settings cannot work. Safe to repeat on every start."""
        ...

    async def close(self) -> None:
        """Release everything. A second call does no harm."""
        ...

    async def check(self) -> None:
        """Raise IdpUnavailableError unless clients could be made and tokens judged right now.

        IdpConfigurationError if the provider is there and shows that the settings cannot work: `open` may have found
        it away. The process is not ready then.
        """
        ...

    async def create_client(self, spec: ClientSpec, secret: ClientSecret) -> ClientCredentials:
        """Make a client; ClientAlreadyExistsError if the id is taken, compared without regard to case."""
        ...

    async def update_client(self, spec: ClientSpec) -> None:
        """Bring a client to the wanted state in place; idempotent; the secret stays. ClientNotFoundError."""
        ...

    async def replace_secret(self, client_id: str, secret: ClientSecret) -> ClientCredentials:
        """Set a new secret; the old one stops working at once. ClientNotFoundError."""
        ...

    async def delete_clients(self, client_ids: Collection[str]) -> None:
        """Remove clients; absent ones are no error. No further token is granted to any of them.

        A failure may leave some of them: the caller repeats the call with all.
        """
        ...

    async def find_client(self, client_id: str) -> ClientState | None:
        """Look a client up by its id, without listing others."""
        ...

    async def token(self, request: TokenRequest) -> TokenAnswer:
        """Grant a token; InvalidClientError or UnauthorizedClientError, with equal work for unknown clients."""
        ...

    async def verify(self, token: str) -> Principal:
        """Judge a presented token: signature, issuer, audience, lifetime, revocation. InvalidTokenError."""
        ...

    async def revoke(self, token: str) -> None:
        """End a correctly signed token now; any other text is ignored (contract section 1.19)."""
        ...

    async def keys(self) -> Sequence[dict[str, Any]]:
        """The public keys (JWK) with which its tokens can be verified, future and retired ones included."""
        ...

    async def maintain(self) -> None:
        """Do whatever falls due with time: rotate keys, forget expired revocations.

        The service calls it at start and about every half hour, on every replica; repeating it does no harm.
        """
        ...
