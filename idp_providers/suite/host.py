"""A host for tests of providers that drive another system and need no database of ours."""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import UTC, datetime
from uuid import uuid4

from idp_providers.contract import ClientClaims, Pool, Statements


class KitRevocations:
    """Ended tokens while the tests run. What `revoked_tokens.revocations_on` finds on this host."""

    def __init__(self) -> None:
        self._ends: dict[str, datetime] = {}

    async def add(self, token_id: str, expires_at: datetime) -> None:
        self._ends.setdefault(token_id, expires_at)

    async def has(self, token_id: str) -> bool:
        return token_id in self._ends

    async def sweep(self, before: datetime) -> None:
        self._ends = {token_id: end for token_id, end in self._ends.items() if end >= before}


class KitHost:
    """Signs with keys of its own; two of them are two installations. It seals nothing and lends no database.

    Providers that were opened with one host are processes of one service: they share its `revocations`.
    """

    def __init__(self) -> None:
        self.installation = str(uuid4())
        self._keys = {"kit1": secrets.token_bytes(32)}
        self.claims: dict[str, ClientClaims] = {}
        self.revocations = KitRevocations()

    def rotate_keys(self) -> None:
        """Sign with a new key from now on. What the old ones signed goes on being recognised."""
        self._keys[f"kit{len(self._keys) + 1}"] = secrets.token_bytes(32)

    @contextmanager
    def as_another_installation(self) -> Iterator[None]:
        """Within it, these keys are in another's hands."""
        own, self.installation = self.installation, str(uuid4())
        try:
            yield
        finally:
            self.installation = own

    @property
    def pool(self) -> Pool:
        raise NotImplementedError("This host lends no database.")

    def connection(self) -> AbstractAsyncContextManager[Statements]:
        raise NotImplementedError("This host lends no database.")

    def seal(self, plain: bytes, context: str) -> str:
        raise NotImplementedError("This host stores nothing.")

    def unseal(self, sealed: str, context: str) -> bytes:
        raise NotImplementedError("This host stores nothing.")

    def rewrap(self, sealed: str, context: str) -> str:
        raise NotImplementedError("This host stores nothing.")

    def sign(self, message: bytes) -> str:
        return self._signature(list(self._keys)[-1], message)

    def signed(self, message: bytes, signature: str) -> bool:
        made = [self._signature(key_id, message).encode() for key_id in self._keys]
        return any(hmac.compare_digest(one, signature.encode("utf-8", "replace")) for one in made)

    def is_newest(self, signature: str) -> bool:
        return signature.startswith(f"{list(self._keys)[-1]}:")

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def claims_of(self, client_id: str) -> ClientClaims | None:
        return self.claims.get(client_id)

    def _signature(self, key_id: str, message: bytes) -> str:
        return f"{key_id}:{hmac.new(self._keys[key_id], message, hashlib.sha256).hexdigest()}"
