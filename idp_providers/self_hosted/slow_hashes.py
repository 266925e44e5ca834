"""Deliberately slow hashes, computed beside the event loop and never twice for one proven secret."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
import sys
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from idp_providers.errors import IdpUnavailableError

THREADS = max(1, min(2, (os.cpu_count() or 1) // 2))
"""Never all cores: the loop, which grants tokens for generated secrets, needs one."""
NICENESS = 10
"""How far the threads step back: whoever sends wrong secrets takes the time that nobody else wants."""
MOST_WAITING = 64
MOST_REMEMBERED = 1024

_IMPORTED_ITERATIONS = 210_000
_IMPORTED_HEAD = b"\x01" + (16).to_bytes(4, "little")
_IMPORTED_LENGTH = len(_IMPORTED_HEAD) + 16 + 32

_argon2id = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class SlowHashes:
    """Argon2id, and the PBKDF2 of imported clients, in threads of their own.

    A secret that was proven once is known again by a digest under a key that lives only in this process. What
    was not proven is always computed, so that a wrong secret costs the same as an unknown client. Beyond
    `MOST_WAITING` distinct checks callers are told to come back, instead of queueing without end.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="slow-hash", initializer=_step_back)
        self._running: dict[tuple[str, bytes], asyncio.Future[bool]] = {}
        self._proven: OrderedDict[str, bytes] = OrderedDict()
        self._digest_key = os.urandom(32)
        self.decoy = _argon2id.hash(os.urandom(32))

    def close(self) -> None:
        """Let go of the threads; a second call does no harm."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, secret: bytes) -> str:
        """Argon2id in PHC form, known as proven from now on. IdpUnavailableError when too many others wait."""
        if len(self._running) >= MOST_WAITING:
            raise IdpUnavailableError("Too many secrets are being checked at once.")
        made = await asyncio.get_running_loop().run_in_executor(self._threads, _argon2id.hash, secret)
        self._remember(made, self.digest(secret))
        return made

    async def verify(self, secret: bytes, stored: str) -> bool:
        """Whether `stored` is a hash of `secret`. IdpUnavailableError when too many others wait."""
        if self.knows(secret, stored):
            return True
        digest = self.digest(secret)
        if not await asyncio.shield(self._check(secret, stored, digest)):
            return False
        self._remember(stored, digest)
        return True

    def knows(self, secret: bytes, stored: str) -> bool:
        """Whether the secret was proven before; costs next to nothing."""
        if not hmac.compare_digest(self._proven.get(stored, b""), self.digest(secret)):
            return False
        self._proven.move_to_end(stored)
        return True

    def digest(self, secret: bytes) -> bytes:
        """By which this process tells secrets apart without keeping them."""
        return hmac.digest(self._digest_key, secret, "sha256")

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


def _step_back() -> None:
    """Only Linux gives threads a priority of their own; elsewhere this would be the whole process."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


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
