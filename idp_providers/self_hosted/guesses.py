"""Secrets that may be guesses: judged in turns, and refused at beats that tell nothing of the work behind them."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, field

from idp_providers.errors import IdpUnavailableError, ThrottledError
from idp_providers.self_hosted.clock import Clock
from idp_providers.self_hosted.slow_hashes import SlowHashes
from idp_providers.self_hosted.throttle import Throttle, name_of

MOST_GUESSES = 8192
"""Secrets of all client ids together. Most wait for a beat and cost a timer, so a flood should not fill it."""
MOST_IN_LINE = 50
"""Different secrets of one client id that wait for their turn."""
LONGEST_LINE_SECONDS = 10.0
"""The beats of a full line: far less than a call may take, which would end unjudged what the throttle should count."""

_Key = tuple[str, bytes, tuple[str, ...]]
"""A client id, which secret was sent, and the hashes that the client had then: a secret set later is another matter."""


@dataclass(eq=False)
class _Guess:
    """A secret of a client that is being judged, and how many callers wait for what comes of it."""

    judging: asyncio.Task[str | None]
    waiting: int = 0


@dataclass(eq=False)
class _Line:
    """Those who sent secrets of one client id."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class Guesses:
    """Judges secrets that take long to check, so that neither time nor load tells which client ids exist.

    A wrong secret is refused a whole number of `delay_seconds` after its turn began, the right one at once. The
    secrets of one id take turns: a second guess that is sent beside the first waits until that is refused, whether
    the id is known, where it is checked, or not, where there is nothing to do. So no id costs more than one check
    per beat. A throttled secret takes no turn and is refused at a beat too. The same secret sent many times at once
    is judged once. Callers who leave give up their place; what is unchecked when the last one leaves stays so.
    """

    def __init__(self, hashes: SlowHashes, throttle: Throttle, clock: Clock, delay_seconds: float) -> None:
        self._hashes = hashes
        self._throttle = throttle
        self._clock = clock
        self._delay = delay_seconds
        self._most_in_line = min(MOST_IN_LINE, LONGEST_LINE_SECONDS / delay_seconds) if delay_seconds else MOST_IN_LINE
        self._guesses: dict[_Key, _Guess] = {}
        self._lines: dict[bytes, _Line] = {}

    def close(self) -> None:
        """Let all go who wait, with IdpUnavailableError; a second call does no harm."""
        for guess in self._guesses.values():
            guess.judging.cancel()

    async def judge(self, client_id: str, secret: bytes, hashes: Sequence[str]) -> str | None:
        """Which of the client's hashes is of the secret; None or ThrottledError at a beat.

        IdpUnavailableError at once when too many wait.
        """
        key = client_id, self._hashes.digest(secret), tuple(hashes)
        guess = self._guesses.get(key) or self._begin(key, secret)
        guess.waiting += 1
        try:
            await asyncio.wait({guess.judging})
        finally:
            guess.waiting -= 1
            if not guess.waiting:
                self._forget(key, guess)
        if guess.judging.cancelled():
            raise IdpUnavailableError("The service is stopping.")
        return guess.judging.result()

    def _begin(self, key: _Key, secret: bytes) -> _Guess:
        if len(self._guesses) >= MOST_GUESSES:
            raise IdpUnavailableError("Too many secrets are being judged at once.")
        # An empty context: what is shared belongs to no request, whichever happened to start it.
        guess = _Guess(asyncio.create_task(self._judged(secret, *key), context=Context()))
        # A failure that nobody waits for any more is no news.
        guess.judging.add_done_callback(lambda judging: judging.cancelled() or judging.exception())
        self._guesses[key] = guess
        return guess

    def _forget(self, key: _Key, guess: _Guess) -> None:
        guess.judging.cancel()
        if self._guesses.get(key) is guess:
            del self._guesses[key]

    async def _judged(self, secret: bytes, client_id: str, digest: bytes, hashes: Sequence[str]) -> str | None:
        arrived = self._clock.now()
        try:
            self._throttle.admit(client_id, digest)
        except ThrottledError:
            await self._beat(arrived)
            raise
        wrong = False
        try:
            async with self._turn(client_id):
                began = self._clock.now()
                found = await self._hashes.find(secret, hashes)
                if wrong := found is None:
                    self._throttle.found_wrong(client_id, digest)
                    await self._beat(began)
        finally:
            if not wrong:
                self._throttle.forgive(client_id)
        return found

    @asynccontextmanager
    async def _turn(self, client_id: str) -> AsyncIterator[None]:
        name = name_of(client_id)
        line = self._lines.setdefault(name, _Line())
        if line.length >= self._most_in_line:
            raise IdpUnavailableError("Too many secrets of this client are being judged at once.")
        line.length += 1
        try:
            async with line.turn:
                yield
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[name]

    async def _beat(self, began: float) -> None:
        """Wait for the next whole number of delays after `began`, at least one."""
        if self._delay:
            beats = math.ceil((self._clock.now() - began) / self._delay)
            await self._clock.wait_until(began + max(1, beats) * self._delay)
