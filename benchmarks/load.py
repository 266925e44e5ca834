"""A load generator: keep-alive connections, each with one request under way, on raw protocols of uvloop."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import cast

import httptools
import uvloop

from benchmarks.figures import milliseconds, percentile

HOST = "127.0.0.1"
GRACE_SECONDS = 30


class UnexpectedAnswerError(Exception):
    """A benchmark of refusals would measure nothing."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one run saw. `busy` is the share of one core that the generator itself used."""

    seconds: float
    latencies: Sequence[float]
    busy: float

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


@dataclass(frozen=True)
class Rounds:
    """Several runs of the same load."""

    loads: Sequence[Load]

    @property
    def rate(self) -> float:
        """Requests per second in the median round."""
        return median(load.rate for load in self.loads)

    @property
    def busy(self) -> float:
        return max(load.busy for load in self.loads)

    def latency(self, percent: int) -> float:
        """Milliseconds, over the requests of all rounds."""
        return milliseconds(percentile([value for load in self.loads for value in load.latencies], percent))


def request(method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    given = {"Host": HOST, **(headers or {}), **({"Content-Length": str(len(body))} if method == "POST" else {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def drive(port: int, requests: Iterator[bytes], *, expected: int, connections: int, seconds: float) -> Load:
    """Keep every connection busy for that long. UnexpectedAnswerError unless all answers have the expected status."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_drive(port, requests, expected, connections, seconds))


async def _drive(port: int, requests: Iterator[bytes], expected: int, connections: int, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    callers = [_Caller(requests, expected, loop.create_future()) for _ in range(connections)]
    for caller in callers:
        await loop.create_connection(partial(_itself, caller), HOST, port)
    started, used = time.perf_counter(), time.process_time()
    for caller in callers:
        caller.begin(until=started + seconds)
    async with asyncio.timeout(seconds + GRACE_SECONDS):
        await asyncio.gather(*(caller.finished for caller in callers))
    elapsed = time.perf_counter() - started
    latencies = [latency for caller in callers for latency in caller.latencies]
    return Load(seconds=elapsed, latencies=latencies, busy=(time.process_time() - used) / elapsed)


def _itself(caller: "_Caller") -> "_Caller":
    return caller


class _Caller(asyncio.Protocol):
    """One connection. Also the listener of its parser, which calls the `on_…` methods."""

    def __init__(self, requests: Iterator[bytes], expected: int, finished: "asyncio.Future[None]") -> None:
        self.latencies: list[float] = []
        self.finished = finished
        self._requests = requests
        self._expected = expected
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def begin(self, until: float) -> None:
        self._until = until
        self._send()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"The connection ended: {exc}")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self.latencies.append(now - self._sent)
        status = self._parser.get_status_code()
        if status != self._expected:
            self._fail(f"{status} instead of {self._expected}: {self._body[:500]!r}")
        elif now < self._until:
            self._send()
        elif not self.finished.done():
            self.finished.set_result(None)
            self._transport.close()

    def _send(self) -> None:
        self._body = b""
        following = next(self._requests)
        self._sent = time.perf_counter()
        self._transport.write(following)

    def _fail(self, reason: str) -> None:
        if not self.finished.done():
            self.finished.set_exception(UnexpectedAnswerError(reason))
            self._transport.close()
