"""What a section found: tables, and one sentence about what holds the ratio."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

Cell = float | int | None


@dataclass(frozen=True)
class Row:
    """One line of a table: what was measured, and a figure for each column that applies."""

    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class Section:
    """`baseline` says what a ratio of 1.00 is; the verdict follows from the breakdowns."""

    title: str
    baseline: str
    results: Table
    breakdowns: tuple[Table, ...]
    verdict: str


def percentile(values: Sequence[float], percent: int) -> float:
    """By linear interpolation; of a single value, that value."""
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


def milliseconds(seconds: float) -> float:
    return seconds * 1000
