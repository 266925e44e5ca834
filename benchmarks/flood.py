"""Right secrets at a constant rate, alone and while somebody guesses."""

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator
from uuid import uuid4

import uvloop

from benchmarks.crowd import Crowd
from benchmarks.figures import Row, Section, Table
from benchmarks.service import Service
from benchmarks.storm_effort import StormEffort
from benchmarks.stream import Seen, Stream
from benchmarks.tokens import token_request
from tenant_api.kernel.secrets import generate_client_secret

PATH = "/connect/token"
COLUMNS = ("good per s", "p50 ms", "p99 ms", "p50 / alone", "bad per s", "of them 401", "CPU ms of one")


def measure(service: Service, crowd: Crowd, effort: StormEffort) -> Section:
    """One process; the flood is bounded. Every right secret must get its token."""
    ports = [service.port]
    good = _cycle(crowd)
    service.administrator_headers()  # an operator who was there before the flood stays known during it
    with service.api() as api:
        operator = api.access.client_id
    floods: dict[str, Callable[[], bytes] | None] = {
        "alone": None,
        "while applications' secrets are guessed": _guesses(crowd),
        "while ids are made up that look like applications'": lambda: _wrong(str(uuid4())),
        "while ids are made up that look like operators'": lambda: _wrong(f"operator-{uuid4().hex}"),
        "while one operator's secret is guessed": lambda: _wrong(operator),
    }

    async def both(flood: Callable[[], bytes] | None) -> tuple[Seen, Seen]:
        rights = Stream(ports, good, rate=effort.good).run(asyncio.sleep(effort.flood_seconds))
        if flood is None:
            return await rights, Seen()
        wrongs = Stream(ports, flood, rate=effort.bad).run(asyncio.sleep(effort.flood_seconds))
        return await asyncio.gather(rights, wrongs)

    async def cost(kind: Callable[[], bytes]) -> float:
        """Of one such request in the answering process; a run of its own, so that sampling disturbs no latency."""
        service.profiler.begin()
        sent = await Stream(ports, kind, rate=effort.bad).run(asyncio.sleep(effort.flood_seconds))
        return service.profiler.end(sent.statuses.total()).cost

    seen = {label: (Seen(), Seen()) for label in floods}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(both(None))
        for _ in range(effort.rounds):
            for label, flood in floods.items():
                for total, more in zip(seen[label], runner.run(both(flood)), strict=True):
                    total.add(more)
        costs = {label: runner.run(cost(flood or good)) for label, flood in floods.items()}
    alone = seen["alone"][0].latency(50)
    slowest = max(right.latency(50) for right, _ in seen.values()) / alone
    lost = sum(right.statuses.total() - right.statuses[200] for right, _ in seen.values())
    return Section(
        title=f"{effort.good:g} right secrets per second while {effort.bad:g} wrong ones arrive",
        baseline="the same right secrets alone",
        results=Table(
            title="one process of the service, RS256", columns=COLUMNS, rows=tuple(_rows(seen, alone, costs))
        ),
        breakdowns=(),
        verdict=f"The slowest p50 is {slowest:.2f} times that without a flood; {lost} right secrets got no token.",
    )


def _rows(seen: dict[str, tuple[Seen, Seen]], alone: float, costs: dict[str, float]) -> Iterator[Row]:
    """The cost is that of a token in the first row, of a refusal in the others."""
    for label, (right, wrong) in seen.items():
        median, tail = right.latency(50), right.latency(99)
        flood = (wrong.rate, wrong.statuses[401]) if wrong.seconds else (None, None)
        yield Row(label, (right.statuses[200] / right.seconds, median, tail, median / alone, *flood, costs[label]))


def _cycle(crowd: Crowd) -> Callable[[], bytes]:
    pairs = itertools.cycle(random.sample(list(crowd.credentials), min(1000, len(crowd.credentials))))
    return lambda: token_request(PATH, *next(pairs))


def _guesses(crowd: Crowd) -> Callable[[], bytes]:
    keys = itertools.cycle([key for key, _ in crowd.credentials[:1000]])
    return lambda: _wrong(next(keys))


def _wrong(client_id: str) -> bytes:
    return token_request(PATH, client_id, generate_client_secret())
