"""Deliberately slow hashes, computed beside the event loop and never twice for one proven secret."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from idp_providers.errors import IdpUnavailableError

THREADS = 2
MOST_WAITING = 64
MOST_REMEMBERED = 1024

_IMPORTED_ITERATIONS = 210_000
_IMPORTED_HEAD = b"\x01" + (16).to_bytes(4, "little")
_IMPORTED_LENGTH = len(_IMPORTED_HEAD) + 16 + 32

_argon2id = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class SlowHashes:
    """Argon2id, and the PBKDF2 of imported clients, in two threads.

    A secret that was proven once is known again by a digest under a key that lives only in this process. What
    was not proven is always computed, so that a wrong secret costs the same as an unknown client. Beyond
    `MOST_WAITING` distinct checks callers are told to come back, instead of queueing without end.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="slow-hash")
        self._running: dict[tuple[str, bytes], asyncio.Future[bool]] = {}
        self._proven: OrderedDict[str, bytes] = OrderedDict()
        self._digest_key = os.urandom(32)
        self._decoy = _argon2id.hash(os.urandom(32))

    def close(self) -> None:
        """Let go of the threads; a second call does no harm."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, secret: bytes) -> str:
        """Argon2id in PHC form."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _argon2id.hash, secret)

    async def verify(self, secret: bytes, stored: str) -> bool:
        """Whether `stored` is a hash of `secret`. IdpUnavailableError when too many others wait."""
        digest = hmac.digest(self._digest_key, secret, "sha256")
        if hmac.compare_digest(self._proven.get(stored, b""), digest):
            self._proven.move_to_end(stored)
            return True
        if not await asyncio.shield(self._check(secret, stored, digest)):
            return False
        self._remember(stored, digest)
        return True

    async def pretend(self, secret: bytes) -> None:
        """The work of refusing a wrong secret, for a client that does not exist."""
        await self.verify(secret, self._decoy)

    def _check(self, secret: bytes, stored: str, digest: bytes) -> "asyncio.Future[bool]":
        key = (stored, digest)
        if running := self._running.get(key):
            return running
        if len(self._running) >= MOST_WAITING:
            raise IdpUnavailableError("Too many secrets are being checked at once.")
        check = asyncio.get_running_loop().run_in_executor(self._threads, _matches, secret, stored)
        self._running[key] = check
        check.add_done_callback(lambda _: self._running.pop(key))
        return check

    def _remember(self, stored: str, digest: bytes) -> None:
        self._proven[stored] = digest
        if len(self._proven) > MOST_REMEMBERED:
            self._proven.popitem(last=False)


def is_argon2id(stored: str) -> bool:
    return stored.startswith("$argon2id$")


def is_outdated(stored: str) -> bool:
    """Whether an argon2id hash was made with other parameters than ours."""
    return _argon2id.check_needs_rehash(stored)


def _matches(secret: bytes, stored: str) -> bool:
    if is_argon2id(stored):
        try:
            return _argon2id.verify(stored, secret)
        except (Argon2Error, InvalidHashError):
            return False
    return _matches_imported(secret, stored)


def _matches_imported(secret: bytes, stored: str) -> bool:
    """PBKDF2-HMAC-SHA256 as OpenIddict clients bring it: base64 of 0x01, the salt's length, salt, key."""
    try:
        blob = base64.b64decode(stored, validate=True)
    except (ValueError, binascii.Error):
        return False
    if len(blob) != _IMPORTED_LENGTH or not blob.startswith(_IMPORTED_HEAD):
        return False
    salt, key = blob[len(_IMPORTED_HEAD) : -32], blob[-32:]
    return hmac.compare_digest(hashlib.pbkdf2_hmac("sha256", secret, salt, _IMPORTED_ITERATIONS), key)
