"""A route under load: where it is, what is sent to it, and what a good answer is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.effort import Effort
from benchmarks.figures import Cell
from benchmarks.load import Load, Rounds, drive
from benchmarks.profiled import Profile, Profiler


@dataclass(frozen=True, kw_only=True)
class Target:
    label: str
    port: int
    profiler: Profiler
    requests: Iterator[bytes]
    expected: int = 200

    def load(self, effort: Effort, seconds: float) -> Load:
        """One run."""
        return drive(self.port, self.requests, expected=self.expected, connections=effort.connections, seconds=seconds)

    def profile(self, effort: Effort) -> Profile:
        """Where the CPU time of its process goes; a run of its own, so that sampling disturbs no figure."""
        self.profiler.begin()
        load = self.load(effort, effort.profile_seconds)
        return self.profiler.end(len(load.latencies))


COLUMNS = ("per s", "ratio", "p50 ms", "p99 ms", "CPU ms", "generator busy %")


def alternate(targets: Sequence[Target], effort: Effort) -> list[Rounds]:
    """Load the targets in turns, after a warm-up of each."""
    for target in targets:
        target.load(effort, effort.warm_up_seconds)
    rounds = [[target.load(effort, effort.seconds) for target in targets] for _ in range(effort.rounds)]
    return [Rounds(loads) for loads in zip(*rounds, strict=True)]


def alone(targets: Sequence[Target], effort: Effort) -> list[Rounds]:
    """As `alternate`, with a single caller, so that nobody waits in a queue."""
    return alternate(targets, replace(effort, connections=1))


def cells(rounds: Rounds, baseline: float | None = None, cost: float | None = None) -> tuple[Cell, ...]:
    """One row's figures: the ratio is that of the rates, the cost that of the answering process."""
    ratio = None if baseline is None else rounds.rate / baseline
    return (rounds.rate, ratio, rounds.latency(50), rounds.latency(99), cost, 100 * rounds.busy)
