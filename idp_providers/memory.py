"""A fake for tests and demonstrations: clients and keys in this process only, faults on demand.

It behaves like a provider on another machine: not transactional, claims are stored with the client. Whatever it
holds is gone with the process, and it hides no secret from a debugger. Never use it for real clients.
"""

import asyncio
import hmac
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

from pydantic import BaseModel

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
    ClientAlreadyExistsError,
    ClientNotFoundError,
    IdpRejectedError,
    IdpUnavailableError,
    InvalidClientError,
    InvalidTokenError,
    UnauthorizedClientError,
)
from idp_providers.self_hosted import signing
from idp_providers.self_hosted.settings import SelfHostedSettings
from idp_providers.self_hosted.tokens import Grant, granted_scopes, judged, payload


class MemorySettings(SelfHostedSettings):
    """The built-in issuer's settings; keys are never rotated here."""


class Fault(StrEnum):
    """What goes wrong with one call: nothing happens; it happens but the answer is lost; no answer ever comes."""

    REFUSED = "refused"
    LOST_REPLY = "lost reply"
    HANGING = "hanging"


class Faults:
    """Faults to come, in order, per method name."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._released = asyncio.Event()

    def plan(self, method: str, *faults: Fault) -> None:
        """Let the next calls of `method` go wrong, one fault each."""
        self._waiting[method].extend(faults)

    @property
    def planned(self) -> int:
        """How many are still to come."""
        return sum(map(len, self._waiting.values()))

    def forget(self) -> None:
        """Nothing goes wrong any more."""
        self._waiting.clear()

    def release(self) -> None:
        """Let the calls that hang now fail, as if their connection broke. They have had no effect."""
        self._released.set()
        self._released = asyncio.Event()

    async def hang(self) -> None:
        """What a call does that gets no answer."""
        await self._released.wait()
        raise IdpUnavailableError("The connection of a call that hung broke, as planned.")

    def take(self, method: str) -> Fault | None:
        """The fault of this call."""
        waiting = self._waiting[method]
        return waiting.popleft() if waiting else None


@dataclass
class _Client:
    spec: ClientSpec
    secret: str = field(repr=False)
    owned: bool = True
    stale: bool = False

    @property
    def state(self) -> ClientState:
        return replace(_state(self.spec), owned=self.owned, stale=self.stale)


class MemoryProvider:
    """Keeps the whole contract in a dictionary. `faults` breaks single calls."""

    name: ClassVar[str] = "memory"
    api_version: ClassVar[int] = API_VERSION
    settings_model: ClassVar[type[BaseModel]] = MemorySettings
    capabilities: ClassVar[Capabilities] = Capabilities(issues_tokens=True)

    def __init__(self, settings: MemorySettings, host: Host) -> None:
        pair = signing.generate(settings.algorithm)
        self.faults = Faults()
        self._settings = settings
        self._host = host
        self._clients: dict[str, _Client] = {}
        self._revoked: dict[str, datetime] = {}
        self._public_jwk = pair.public_jwk
        self._key = signing.private_key(pair.private_key, pair.algorithm, pair.kid)

    @property
    def issuer(self) -> str:
        return self._settings.issuer

    @classmethod
    async def open(cls, settings: MemorySettings, host: Host) -> Self:
        return cls(settings, host)

    async def close(self) -> None:
        self._clients.clear()

    def plant(self, spec: ClientSpec, secret: str) -> None:
        """Put a client there as somebody else would, without proof that this installation made it."""
        self._clients[spec.client_id.lower()] = _Client(spec, secret, owned=False)

    def rotate_keys(self) -> None:
        """Let every proof of ownership be by an older key from now on."""
        for client in self._clients.values():
            client.stale = client.owned

    def uproot(self, client_id: str) -> None:
        """Take a client away as somebody else would."""
        del self._clients[client_id.lower()]

    @property
    def held(self) -> dict[str, ClientState]:
        """All clients, by id; a real provider would have to list them."""
        return {client.spec.client_id: client.state for client in self._clients.values()}

    async def check(self) -> None:
        async with self._call("check"):
            return

    async def create_client(self, spec: ClientSpec, secret: ClientSecret) -> ClientCredentials:
        async with self._call("create_client"):
            if spec.client_id.lower() in self._clients:
                raise ClientAlreadyExistsError("A client with this id exists.")
            self._clients[spec.client_id.lower()] = _Client(spec, secret.value)
            return ClientCredentials(client_id=spec.client_id, secret=secret.value)

    async def update_client(self, spec: ClientSpec) -> None:
        async with self._call("update_client"):
            client = self._own(spec.client_id)
            client.spec = replace(spec, client_id=client.spec.client_id)
            client.stale = False

    async def replace_secret(self, client_id: str, secret: ClientSecret) -> ClientCredentials:
        async with self._call("replace_secret"):
            client = self._own(client_id)
            client.secret = secret.value
            return ClientCredentials(client_id=client.spec.client_id, secret=secret.value)

    async def delete_clients(self, client_ids: Collection[str]) -> None:
        async with self._call("delete_clients"):
            for client_id in client_ids:
                if client_id.lower() in self._clients:
                    self._own(client_id)
                self._clients.pop(client_id.lower(), None)

    async def find_client(self, client_id: str) -> ClientState | None:
        async with self._call("find_client"):
            client = self._clients.get(client_id.lower())
            return client.state if client else None

    async def token(self, request: TokenRequest) -> TokenAnswer:
        async with self._call("token"):
            client = self._clients.get(request.client_id.lower())
            if client is None or not _may_have_tokens(client.spec):
                raise InvalidClientError("The client is unknown, disabled or not approved.")
            if not hmac.compare_digest(_bytes(client.secret), _bytes(request.client_secret)):
                raise UnauthorizedClientError("Wrong client secret.")
            return self._issue(client.spec, request.requested_scopes)

    async def verify(self, token: str) -> Principal:
        async with self._call("verify"):
            principal = self._judged(token)
            if principal.token_id in self._revoked:
                raise InvalidTokenError("The token was revoked.")
            return principal

    async def revoke(self, token: str) -> None:
        async with self._call("revoke"):
            try:
                principal = self._judged(token)
            except InvalidTokenError:
                return
            self._revoked[principal.token_id] = principal.expires_at

    async def keys(self) -> Sequence[dict[str, Any]]:
        async with self._call("keys"):
            return [dict(self._public_jwk)]

    async def maintain(self) -> None:
        async with self._call("maintain"):
            oldest = self._host.now() - self._settings.clock_skew
            self._revoked = {token: expiry for token, expiry in self._revoked.items() if expiry >= oldest}

    @asynccontextmanager
    async def _call(self, method: str) -> AsyncIterator[None]:
        fault = self.faults.take(method)
        if fault is Fault.REFUSED:
            raise IdpUnavailableError("The provider refused the call, as planned.")
        if fault is Fault.HANGING:
            await self.faults.hang()
        yield
        if fault is Fault.LOST_REPLY:
            raise IdpUnavailableError("The provider's answer was lost, as planned.")

    def _own(self, client_id: str) -> _Client:
        client = self._clients.get(client_id.lower())
        if client is None:
            raise ClientNotFoundError("No client with this id.")
        if not client.owned:
            raise IdpRejectedError("This installation did not make the client.")
        return client

    def _issue(self, spec: ClientSpec, requested: Sequence[str]) -> TokenAnswer:
        claims = spec.claims or ClientClaims(scopes=spec.scopes, display_name=spec.display_name)
        scopes = granted_scopes(claims.scopes, requested)
        grant = Grant(client=_state(spec), claims=claims, scopes=scopes, issued_at=self._host.now())
        token = signing.sign(payload(grant, self._settings), self._key)
        return TokenAnswer(access_token=token, expires_in=self._settings.token_lifetime_seconds, scopes=scopes)

    def _judged(self, token: str) -> Principal:
        claims = signing.verified_claims(token, {self._public_jwk["kid"]: self._key})
        return judged(claims, self._settings, self._host.now())


def _state(spec: ClientSpec) -> ClientState:
    return ClientState(
        client_id=spec.client_id,
        display_name=spec.display_name,
        role=spec.role,
        scopes=spec.scopes,
        enabled=spec.enabled,
        claims=spec.claims,
    )


def _may_have_tokens(spec: ClientSpec) -> bool:
    return spec.enabled and (spec.claims is None or spec.claims.approved)


def _bytes(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")
