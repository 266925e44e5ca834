"""Requests at a constant rate: what many independent callers send, who do not wait for each other."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

import httptools

from benchmarks.figures import milliseconds, percentile
from benchmarks.load import HOST

CONNECTIONS = 128
BROKEN = 0
"""The status of a request whose connection ended."""


@dataclass(kw_only=True)
class Seen:
    """What became of the requests. Latencies, in seconds, count from when a request was due, not from when it left."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0

    def add(self, more: "Seen") -> None:
        """What another run saw."""
        self.statuses.update(more.statuses)
        self.latencies += more.latencies
        self.seconds += more.seconds

    @property
    def rate(self) -> float:
        return self.statuses.total() / self.seconds

    def latency(self, percent: int) -> float:
        """Milliseconds."""
        return milliseconds(percentile(self.latencies, percent))


class Stream:
    """Asks the ports in turns, `rate` times per second, until the event or the end of `work`."""

    def __init__(self, ports: Sequence[int], following: Callable[[], bytes], *, rate: float) -> None:
        self._ports = ports
        self._following = following
        self._rate = rate
        self._number = 0

    async def run(self, work: Awaitable[object]) -> Seen:
        """Send while `work` is under way; its failure is raised. What is due later is not sent.

        Slow rates leave a connection idle for long, and the service ends one that was idle for 5 seconds.
        """
        seen, done = Seen(), asyncio.Event()
        loop = asyncio.get_running_loop()
        callers = [_Caller() for _ in range(CONNECTIONS)]
        for number, caller in enumerate(callers):
            port = self._ports[number % len(self._ports)]
            await loop.create_connection(lambda caller=caller: caller, HOST, port)  # type: ignore[misc]
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(self._keep_asking(caller, started, seen, done))
            try:
                await work
            finally:
                done.set()
        seen.seconds = time.perf_counter() - started
        for caller in callers:
            caller.close()
        return seen

    async def _keep_asking(self, caller: "_Caller", started: float, seen: Seen, done: asyncio.Event) -> None:
        while not done.is_set():
            due = started + self._number / self._rate
            self._number += 1
            if (wait := due - time.perf_counter()) > 0 and await _comes_within(wait, done):
                return
            seen.statuses[await caller.ask(self._following())] += 1
            seen.latencies.append(time.perf_counter() - due)


async def _comes_within(seconds: float, event: asyncio.Event) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await event.wait()
    return False


class _Caller(asyncio.Protocol):
    """One keep-alive connection with one request under way."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[int] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._lost = False

    async def ask(self, request: bytes) -> int:
        """The status of the answer."""
        if self._lost:
            return BROKEN
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a protocol's signature
        self._lost = True
        self._finish(BROKEN)

    def on_message_complete(self) -> None:
        self._finish(self._parser.get_status_code())

    def _finish(self, status: int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)
