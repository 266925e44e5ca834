"""What the sampler of another process saw while a load ran, attributed to parts of the work."""

import json
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Row, Table, milliseconds
from benchmarks.sampler import SIGNAL

Parts = Mapping[str, Sequence[str]]
REST = "event loop, sockets and the rest"
DEADLINE_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Profile:
    """CPU seconds, and the stacks in which they were spent: innermost frame first, as `file:function`."""

    cpu_seconds: float
    stacks: Sequence[tuple[int, Sequence[str]]]
    requests: int

    @property
    def cost(self) -> float:
        """Milliseconds of CPU per request."""
        return milliseconds(self.cpu_seconds) / self.requests

    @property
    def samples(self) -> int:
        return sum(count for count, _ in self.stacks)

    def costs(self, parts: Parts) -> dict[str, float]:
        """The milliseconds of each part, greatest first. A stack belongs to the first part that a frame of it names."""
        counts: Counter[str] = Counter()
        for count, frames in self.stacks:
            counts[_part_of(frames, parts)] += count
        return {part: self.cost * count / counts.total() for part, count in counts.most_common()}


class Profiler:
    """Switches the sampler of one process on and off."""

    def __init__(self, pid: int, file: Path) -> None:
        self._pid = pid
        self._file = file

    def begin(self) -> None:
        """Start sampling."""
        self._file.unlink(missing_ok=True)
        os.kill(self._pid, SIGNAL)

    def end(self, requests: int) -> Profile:
        """Stop, and read what was seen while so many requests were answered."""
        os.kill(self._pid, SIGNAL)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not self._file.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"The process {self._pid} wrote no profile.")
            time.sleep(0.01)
        seen = json.loads(self._file.read_text(encoding="utf-8"))
        return Profile(cpu_seconds=seen["cpuSeconds"], stacks=seen["stacks"], requests=requests)


def costs_table(title: str, costs: Mapping[str, float]) -> Table:
    """Where the CPU time of a request goes."""
    total = sum(costs.values())
    rows = [Row(part, (cost, 100 * cost / total)) for part, cost in costs.items()]
    return Table(title=title, columns=("CPU ms", "%"), rows=(*rows, Row("together", (total, 100.0))))


def greatest(costs: Mapping[str, float], count: int = 4) -> str:
    """The greatest parts as a phrase."""
    return ", ".join(f"{part} {cost:.2f}" for part, cost in list(costs.items())[:count])


def _part_of(frames: Sequence[str], parts: Parts) -> str:
    return next(
        (part for part, marks in parts.items() if any(mark in frame for frame in frames for mark in marks)), REST
    )
