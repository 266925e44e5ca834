"""A host for tests of providers that drive another system and need no database of ours."""

import hashlib
import hmac
import secrets
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from uuid import uuid4

from idp_providers.contract import ClientClaims, Pool, Statements


class KitHost:
    """Signs with keys of its own; two of them are two installations. It seals nothing and lends no database."""

    def __init__(self) -> None:
        self.installation = str(uuid4())
        self._keys = {"kit1": secrets.token_bytes(32)}
        self.claims: dict[str, ClientClaims] = {}

    def rotate_keys(self) -> None:
        """Sign with a new key from now on. What the old ones signed goes on being recognised."""
        self._keys[f"kit{len(self._keys) + 1}"] = secrets.token_bytes(32)

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
