"""The keys at hand: one to sign with, all published ones to verify with."""

import time
from collections.abc import Collection, Mapping
from typing import Any

from psycopg.rows import DictRow

from idp_providers.batching import CoalescedReader
from idp_providers.errors import IdpUnavailableError
from idp_providers.self_hosted import signing
from idp_providers.self_hosted.keys import KeyStore
from idp_providers.self_hosted.rotation import KeyState
from idp_providers.self_hosted.signing import Signed, SigningKey, UnknownKeyError

REFRESH_SECONDS = 60.0
UNKNOWN_KEY_SECONDS = 1.0
"""The least time between reads for the sake of unknown keys, which anybody can name."""

_ALL = "all"


class KeyRing:
    """Keys of the store, parsed and unsealed once each."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._fresh = CoalescedReader(self._read)
        self._read_at = float("-inf")
        self._signer: SigningKey | None = None
        self._verifiers: dict[str, SigningKey] = {}

    async def reload(self) -> list[DictRow]:
        """Take up the keys as they are stored now."""
        return await self._fresh.read(_ALL) or []

    async def signer(self) -> SigningKey:
        """The key that signs; IdpUnavailableError while there is none."""
        await self._refresh(REFRESH_SECONDS)
        if self._signer is None:
            raise IdpUnavailableError("There is no signing key.")
        return self._signer

    async def follow(self, kid: str | None) -> None:
        """Take up the key that signs, as a fresh read named it: what a rotation or revocation ended signs no more."""
        if self._signer is None or self._signer.kid != kid:
            await self.reload()

    async def verified(self, token: str) -> Signed:
        """What a token of ours says. Whether its key still counts is for a fresh read to say. InvalidTokenError."""
        await self._refresh(REFRESH_SECONDS)
        try:
            return signing.verified(token, self._verifiers)
        except UnknownKeyError:
            await self._refresh(UNKNOWN_KEY_SECONDS)
        return signing.verified(token, self._verifiers)

    async def published(self) -> list[dict[str, Any]]:
        """The public keys as stored now: a key counts as published from the moment when it was written."""
        return [signing.ordered_members(row["public_jwk"]) for row in await self.reload()]

    async def _refresh(self, oldest: float) -> None:
        if time.monotonic() - self._read_at >= oldest:
            await self.reload()

    async def _read(self, _: Collection[str]) -> Mapping[str, list[DictRow]]:
        rows = await self._store.rows()
        self._verifiers = {
            row["kid"]: self._verifiers.get(row["kid"]) or signing.public_key(row["public_jwk"]) for row in rows
        }
        self._signer = next((self._unsealed(row) for row in rows if row["state"] == KeyState.ACTIVE), None)
        self._read_at = time.monotonic()
        return {_ALL: rows}

    def _unsealed(self, row: DictRow) -> SigningKey:
        at_hand = self._signer
        return at_hand if at_hand is not None and at_hand.kid == row["kid"] else self._store.unsealed(row)
