"""Playing an archive into a database with psql, as whoever the connection string names.

A custom-format archive is turned into a script first, so that one filter serves every format. Runs in a thread of
its own: pipes, files and the filter are blocking work.
"""

import codecs
import gzip
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO

from db_provisioners.errors import TemplateImportError
from db_provisioners.postgresql.archive import Archive, Format
from db_provisioners.postgresql.rules import Rules, WantedExtension, wanted_extension
from db_provisioners.postgresql.script import Kind, Script
from db_provisioners.postgresql.tools import clean_environment

_PG_RESTORE = (
    "--no-owner", "--no-privileges", "--no-tablespaces", "--no-publications", "--no-subscriptions",
    "--no-security-labels", "--no-statistics",
)  # fmt: skip
_PSQL = ("--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse", "--file=-")
_SAID = re.compile(
    r"^(?:psql|pg_restore):(?:<stdin>:(?P<line>\d+):)?\s*(?:ERROR|error|FATAL):\s*(?P<text>.+)$", re.MULTILINE
)
_TAIL = 16_384
_PG_DUMP_HEAD, _PG_DUMP_END = b"-- PostgreSQL database dump\n", b"-- PostgreSQL database dump complete\n"


@dataclass
class Outline:
    """What an archive announces before anything of it runs."""

    statements: int = 0
    extensions: list[WantedExtension] = field(default_factory=list)


class Restore:
    """One archive on its way into one database. `stop` may be called from another thread at any time."""

    def __init__(self, archive: Archive, tools: Path, folder: Path) -> None:
        self._archive = archive
        self._tools = tools
        self._folder = folder
        self._children: list[subprocess.Popen[bytes]] = []
        self._stopped = ""
        self._outline = Outline()
        self.fraction = 0.0

    def outline(self) -> Outline:
        """Read the whole script once, without the data of a custom-format archive; refuse what is cut off."""
        outline = self._outline = Outline()
        script = Script()
        first, last = b"", b""
        with self._lines("--schema-only") as lines:
            for piece in script.pieces(lines):
                if piece.kind is Kind.DATA:
                    continue
                first, last = first or piece.text, last[-_TAIL:] + piece.text
                outline.statements += 1 + ((piece.label or "").startswith("TABLE "))
                if wanted := wanted_extension(piece):
                    outline.extensions.append(wanted)
        if script.cut_off or (_PG_DUMP_HEAD in first and _PG_DUMP_END not in last):
            raise TemplateImportError("The archive is cut off.")
        return outline

    def run(self, conninfo: str, passfile: Path, rules: Rules) -> None:
        """TemplateImportError names the entry of the archive that PostgreSQL refused."""
        entries: list[tuple[int, str]] = []
        with tempfile.TemporaryFile(dir=self._folder) as said:
            psql = self._start("psql", *_PSQL, conninfo, passfile=passfile, said=said, stdin=subprocess.PIPE)
            assert psql.stdin is not None
            try:
                with self._lines() as lines:
                    self._feed(psql.stdin, lines, rules, entries)
            except BrokenPipeError:
                pass  # psql gave up, and says why below
            except BaseException:
                psql.kill()
                raise
            finally:
                with suppress(BrokenPipeError):
                    psql.stdin.close()
                code = psql.wait()
            if code != 0:
                raise TemplateImportError(self._stopped or _refusal(said, entries))
        self.fraction = 1.0

    def stop(self, why: str) -> None:
        """A second reason changes nothing."""
        self._stopped = self._stopped or why
        for child in self._children:
            child.kill()

    def _feed(self, psql: IO[bytes], lines: Iterable[bytes], rules: Rules, entries: list[tuple[int, str]]) -> None:
        # Under a key that the archive cannot know, psql refuses every backslash command that the archive brings.
        psql.write(f"\\restrict {secrets.token_hex(24)}\n".encode())
        line, statements = 2, 0
        for piece in Script().pieces(lines):
            if piece.kind is Kind.STATEMENT:
                statements += 1
                if label := piece.label:
                    entries.append((line, label))
                if self._archive.format is Format.CUSTOM:
                    self.fraction = min(0.99, statements / max(1, self._outline.statements))
            if rules.keep(piece):
                psql.write(piece.text)
                line += piece.text.count(b"\n")
        psql.flush()

    @contextmanager
    def _lines(self, *only: str) -> Iterator[Iterable[bytes]]:
        """The archive as the lines of a script."""
        try:
            with ExitStack() as stack:
                if self._archive.format is Format.PLAIN:
                    yield self._measured(stack.enter_context(self._archive.open()))
                else:
                    yield stack.enter_context(self._converted(only))
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise TemplateImportError("The archive is cut off or damaged.") from None

    def _measured(self, file: BinaryIO) -> Iterator[bytes]:
        raw = file.fileobj if isinstance(file, gzip.GzipFile) else file  # type: ignore[unreachable]
        size = max(1, self._archive.file_size)
        for number, line in enumerate(file):
            yield line.removeprefix(codecs.BOM_UTF8) if number == 0 else line
            if number % 1000 == 0:
                self.fraction = min(0.99, raw.tell() / size)

    @contextmanager
    def _converted(self, only: tuple[str, ...]) -> Iterator[Iterable[bytes]]:
        with tempfile.TemporaryFile(dir=self._folder) as said:
            file = str(self._unzipped())
            child = self._start("pg_restore", *_PG_RESTORE, *only, "--file=-", file, said=said, stdout=subprocess.PIPE)
            assert child.stdout is not None
            try:
                with child.stdout:
                    yield child.stdout
            except BaseException:
                child.kill()
                raise
            finally:
                code = child.wait()
            if code != 0:
                raise TemplateImportError(self._stopped or _refusal(said, []))

    def _unzipped(self) -> Path:
        """pg_restore jumps about in its file, so a gzipped archive is unpacked first."""
        if not self._archive.gzipped:
            return self._archive.path
        unzipped = self._folder / "archive"
        if not unzipped.exists():
            with self._archive.open() as source, unzipped.open("wb") as target:
                shutil.copyfileobj(source, target, 1024 * 1024)
        return unzipped

    def _start(
        self,
        tool: str,
        *arguments: str,
        said: IO[bytes],
        passfile: Path | None = None,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        if self._stopped:
            raise TemplateImportError(f"The import was stopped: {self._stopped}")
        child = subprocess.Popen(
            [str(self._tools / tool), *arguments],
            stdin=stdin,
            stdout=stdout,
            stderr=said,
            cwd=self._folder,
            env=clean_environment(self._folder, passfile),
        )
        self._children.append(child)
        return child


def _refusal(said: IO[bytes], entries: list[tuple[int, str]]) -> str:
    """One sentence out of what a tool wrote; the tail is enough, for it stops at the first error."""
    said.seek(max(0, said.seek(0, os.SEEK_END) - _TAIL))
    text = said.read().decode(errors="replace")
    found = _SAID.search(text)
    if found is None:
        return f"The archive cannot be restored: {text.strip()[-500:] or 'the tool stopped without a word'}."
    line = int(found["line"] or 0)
    entry = next((label for start, label in reversed(entries) if start <= line), None)
    where = f" at {entry}" if entry else f" near line {line}" if line else ""
    return f"The archive cannot be restored{where}: {found['text'].strip()}."
