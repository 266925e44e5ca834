"""A run on the terminal, or as JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from benchmarks.figures import Cell, Section, Table


@dataclass(frozen=True, kw_only=True)
class Report:
    """`circumstances` are what a figure depends on besides the code."""

    circumstances: dict[str, str]
    sections: tuple[Section, ...]

    def as_json(self) -> str:
        """Rows become objects with the columns as members."""
        sections = [
            {
                **asdict(section),
                "results": _members(section.results),
                "breakdowns": {table.title: _members(table) for table in section.breakdowns},
            }
            for section in self.sections
        ]
        return json.dumps({"circumstances": self.circumstances, "sections": sections}, indent=2)

    def as_text(self) -> str:
        """Plain columns."""
        return "\n".join([*_circumstances(self.circumstances), *(line for s in self.sections for line in _section(s))])


def _members(table: Table) -> dict[str, dict[str, Cell]]:
    return {row.label: dict(zip(table.columns, row.cells, strict=True)) for row in table.rows}


def _circumstances(circumstances: dict[str, str]) -> Iterator[str]:
    for name, value in circumstances.items():
        yield f"{name}: {value}"


def _section(section: Section) -> Iterator[str]:
    yield ""
    yield f"== {section.title} =="
    yield f"baseline (ratio 1.00): {section.baseline}"
    yield from _table(section.results)
    for table in section.breakdowns:
        yield from _table(table)
    yield f"what holds the ratio: {section.verdict}"


def _table(table: Table) -> Iterator[str]:
    rows = [[row.label, *map(_shown, row.cells)] for row in table.rows]
    heads = [table.title, *table.columns]
    widths = [max(len(line[column]) for line in [heads, *rows]) for column in range(len(heads))]
    for line in [heads, *rows]:
        label, *figures = (
            text.ljust(width) if not index else text.rjust(width)
            for index, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  ".join(["", label, *figures])


def _shown(cell: Cell) -> str:
    if cell is None:
        return "-"
    return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.2f}"
