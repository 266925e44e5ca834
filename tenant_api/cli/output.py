"""What a command prints: one JSON document with `--json`, else text for people; progress where it can be seen."""

import json
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output and nothing else.")


class Report(Protocol):
    """Takes what is known of work under way."""

    def __call__(self, message: str, fraction: float | None = None) -> None: ...


class Output:
    """Writes to standard output. Errors are not its business."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        # As it is: a generated secret may hold `:x:`, which rich would make an emoji of.
        self.console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)

    def say(self, text: str = "") -> None:
        """A line for people; silent with `--json`."""
        if not self.as_json:
            self.console.print(printable(text))

    def result(self, value: Any, *lines: str) -> None:
        """The outcome: `value` as JSON, or the lines that say the same."""
        if self.as_json:
            self.document(value)
        else:
            for line in lines:
                self.console.print(printable(line))

    def document(self, value: Any) -> None:
        """One JSON document on lines of its own."""
        sys.stdout.write(printable(json.dumps(value, indent=2, ensure_ascii=False, default=str)) + "\n")
        sys.stdout.flush()

    def members(self, item: Mapping[str, Any]) -> None:
        """One object, a member per line; objects within it follow indented."""
        self.result(item, *_lines(item))

    def table(self, items: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
        """Objects of one kind: a table on a terminal, lines with tabs elsewhere."""
        if self.as_json:
            self.document(items)
            return
        rows = [[shown(item.get(column)) for column in columns] for item in items]
        if not self.console.is_terminal:
            for row in [list(columns), *rows]:
                sys.stdout.write("\t".join(row) + "\n")
            return
        table = Table(*columns, box=None, header_style="bold")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    @contextmanager
    def progress(self, title: str) -> Iterator[Report]:
        """Show work under way: a moving line on a terminal, a plain line per change elsewhere."""
        if self.as_json:
            yield _silent
        elif self.console.is_terminal:
            with _moving(self.console, title) as report:
                yield report
        else:
            self.say(title)
            yield _Lines()


class _Lines:
    def __init__(self) -> None:
        self._last = ""

    def __call__(self, message: str, fraction: float | None = None) -> None:
        line = printable(message if fraction is None else f"{message} ({fraction:.0%})")
        if line != self._last:
            sys.stdout.write(f"     {line}\n")
            sys.stdout.flush()
            self._last = line


@contextmanager
def _moving(console: Console, title: str) -> Iterator[Report]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(printable(title), total=None)

        def report(message: str, fraction: float | None = None) -> None:
            progress.update(task, description=printable(f"{title}: {message}"))
            if fraction is not None:
                progress.update(task, total=1.0, completed=fraction)

        yield report


def _silent(message: str, fraction: float | None = None) -> None:
    """With `--json` only the outcome counts."""


def _lines(item: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    width = max((len(name) for name in item), default=0)
    for name, value in item.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{name}"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{name.ljust(width)}  {shown(value)}"


def printable(text: str, but: str = "\n") -> str:
    """Text that others wrote, as it may reach a terminal: characters that steer one are spelt out, as JSON does it."""
    return "".join(
        character if character in but or unicodedata.category(character)[0] != "C" else _spelt(character)
        for character in text
    )


def _spelt(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) < 0x80 else json.dumps(character)[1:-1]


def shown(value: Any) -> str:
    """A JSON value in a cell or behind a name: one line, and nothing that steers a terminal."""
    return printable(_shown(value), but="")


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        return ", ".join(map(str, value)) or "-"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
