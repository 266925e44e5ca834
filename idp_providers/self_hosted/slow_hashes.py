"""Deliberately slow hashes, computed beside the event loop and never twice for one proven secret."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from idp_providers.errors import IdpUnavailableError
from idp_providers.self_hosted.clock import Clock

NICENESS = 10
"""How far the thread steps back: whoever sends wrong secrets takes the time that nobody else wants."""
REST = 4
"""Times the CPU time of a wrong check that pass before the next one: all guesses together take a fifth of a core.

A check and its rest must be over before the next guess at the same client has its turn (`guesses.py`), or known clients
would be refused later than unknown ones: with the default delay of 0.5 s that holds for checks of up to 0.1 s.
"""
MOST_WAITING = 64
MOST_REMEMBERED = 1024

_IMPORTED_ITERATIONS = 210_000
_IMPORTED_HEAD = b"\x01" + (16).to_bytes(4, "little")
_IMPORTED_LENGTH = len(_IMPORTED_HEAD) + 16 + 32

_argon2id = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class SlowHashes:
    """Argon2id, and the PBKDF2 of imported clients, one at a time in a thread of its own.

    A secret that was proven once is known again by a digest under a key that lives only in this process. After a
    wrong one the thread rests, so that guesses cannot keep a core busy. Beyond `MOST_WAITING` checks callers are told
    to come back, instead of queueing without end.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="slow-hash", initializer=_step_back)
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._rested_at = 0.0
        self._usual_seconds = 0.0
        self._proven: OrderedDict[str, bytes] = OrderedDict()
        self._digest_key = os.urandom(32)

    def close(self) -> None:
        """Let go of the thread; a second call does no harm."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def hash(self, secret: bytes) -> str:
        """Argon2id in PHC form, known as proven from now on. IdpUnavailableError when too many others wait."""
        with self._place():
            made = await asyncio.get_running_loop().run_in_executor(self._thread, _argon2id.hash, secret)
        self._remember(made, self.digest(secret))
        return made

    async def verify(self, secret: bytes, stored: str) -> bool:
        """Whether `stored` is a hash of `secret`. IdpUnavailableError when too many others wait."""
        if self.knows(secret, stored):
            return True
        async with self._rested_turn():
            right = await asyncio.get_running_loop().run_in_executor(self._thread, self._compute, secret, stored)
        if right:
            self._remember(stored, self.digest(secret))
        return right

    async def find(self, secret: bytes, hashes: Sequence[str]) -> str | None:
        """The hash that is of the secret. Where there is none at all, the time that one costs passes without work."""
        for stored in hashes:
            if await self.verify(secret, stored):
                return stored
        if not hashes:
            async with self._rested_turn():
                pass
            await self._clock.wait_until(self._clock.now() + self._usual_seconds)
        return None

    def knows(self, secret: bytes, stored: str) -> bool:
        """Whether the secret was proven before; costs next to nothing."""
        if not hmac.compare_digest(self._proven.get(stored, b""), self.digest(secret)):
            return False
        self._proven.move_to_end(stored)
        return True

    def digest(self, secret: bytes) -> bytes:
        """By which this process tells secrets apart without keeping them."""
        return hmac.digest(self._digest_key, secret, "sha256")

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._waiting >= MOST_WAITING:
            raise IdpUnavailableError("Too many secrets are being checked at once.")
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    @asynccontextmanager
    async def _rested_turn(self) -> AsyncIterator[None]:
        with self._place():
            async with self._turn:
                await self._clock.wait_until(self._rested_at)
                yield

    def _compute(self, secret: bytes, stored: str) -> bool:
        """In the thread: its own CPU time counts, not how long others kept it from running."""
        began, worked = self._clock.now(), time.thread_time()
        right = _matches(secret, stored)
        ended = self._clock.now()
        self._usual_seconds = ended - began
        if not right:
            self._rested_at = ended + REST * (time.thread_time() - worked)
        return right

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
