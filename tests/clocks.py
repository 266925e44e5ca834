"""Clocks that tests set."""

import asyncio
from itertools import count

import pytest

from idp_providers.self_hosted.clock import Clock

CHECK_SECONDS = 0.02


def let_checks_take_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every check of a slow hash takes `CHECK_SECONDS` of CPU time, however slow the machine is.

    A rest after it is a multiple of that, and on a clock that stands still a longer one would not end in time.
    """
    used = count()
    monkeypatch.setattr("idp_providers.self_hosted.slow_hashes.time.thread_time", lambda: next(used) * CHECK_SECONDS)


class JumpingClock(Clock):
    """Whoever waits takes the clock to where the wait ends, and goes on."""

    def __init__(self) -> None:
        self.moment = 1000.0

    def now(self) -> float:
        return self.moment

    async def wait_until(self, moment: float) -> None:
        self.moment = max(self.moment, moment)
        await asyncio.sleep(0)


class StandingClock(Clock):
    """Whoever waits stays there until the test moves the clock."""

    def __init__(self) -> None:
        self.moment = 1000.0
        self._waits: dict[asyncio.Event, float] = {}

    def now(self) -> float:
        return self.moment

    async def wait_until(self, moment: float) -> None:
        if moment > self.moment:
            over = asyncio.Event()
            self._waits[over] = moment
            try:
                await over.wait()
            finally:
                self._waits.pop(over, None)

    async def waits(self, count: int) -> list[float]:
        """The moments that are waited for, as soon as there are so many."""
        async with asyncio.timeout(60):
            while len(self._waits) < count:
                await asyncio.sleep(0.001)
        return sorted(self._waits.values())

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += seconds
        for over in [over for over, moment in self._waits.items() if moment <= self.moment]:
            del self._waits[over]
            over.set()
