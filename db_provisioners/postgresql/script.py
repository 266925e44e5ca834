"""A SQL script as psql reads it: statements, the COPY data behind some of them, and backslash commands.

Only as much of the lexer as tells where a statement ends: quotes, dollar quotes, comments and parentheses. It
decides nothing about safety; that is the work of psql's restricted mode and of the login that runs the script.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

# An E or a dollar inside an identifier opens nothing.
_TOKEN = re.compile(
    rb"--[^\n]*|/\*|(?<![A-Za-z0-9_$\x80-\xff])(?:[eE]'|\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$)|['\";()\\]"
)
_LEADING = re.compile(rb"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.DOTALL)
_COPY = re.compile(rb"COPY\s.*\sFROM\s+STDIN\b", re.DOTALL | re.IGNORECASE)
_LABEL = re.compile(
    rb"^-- (?:Data for )?Name: (?P<name>.+?); Type: (?P<type>.+?); Schema: (?P<schema>.+?);", re.MULTILINE
)
_CLOSING = {
    b"'": re.compile(rb"'"),
    b'"': re.compile(rb'"'),
    b"E'": re.compile(rb"\\.|''|'", re.DOTALL),
    b"/*": re.compile(rb"/\*|\*/"),
}


class Kind(StrEnum):
    STATEMENT = "statement"
    DATA = "data"
    COMMAND = "command"
    REST = "rest"


@dataclass(frozen=True)
class Piece:
    """`text` is the script's own bytes. A `REST` holds only blanks and comments unless the script is cut off."""

    kind: Kind
    text: bytes

    @property
    def body(self) -> bytes:
        """The text behind leading blanks and comments."""
        leading = _LEADING.match(self.text)
        return self.text[leading.end() :] if leading else self.text

    @property
    def label(self) -> str | None:
        """`TABLE edfi.student`, as pg_dump announces it in front of the statement."""
        found = _LABEL.search(self.text[: len(self.text) - len(self.body)])
        if found is None:
            return None
        name, kind, schema = (found[part].decode(errors="replace") for part in ("name", "type", "schema"))
        return f"{kind} {name}" if schema == "-" else f"{kind} {schema}.{name}"


class Script:
    """Cuts lines into pieces whose texts, put together, are the script again."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._closing: re.Pattern[bytes] | None = None
        self._comments = 0
        self._parentheses = 0
        self._in_data = False

    def pieces(self, lines: Iterable[bytes]) -> Iterator[Piece]:
        for line in lines:
            if self._in_data:
                self._in_data = line.rstrip(b"\r\n") != b"\\."
                yield Piece(Kind.DATA, line)
            else:
                yield from self._pieces_of(line)
        if self._held or self.cut_off:
            yield Piece(Kind.REST, bytes(self._held))

    @property
    def cut_off(self) -> bool:
        """Whether the script ended inside a quote, a comment, a parenthesis or COPY data."""
        return self._in_data or self._closing is not None or self._parentheses > 0

    def _pieces_of(self, line: bytes) -> Iterator[Piece]:
        start = position = 0
        while position < len(line):
            if self._closing is not None:
                position = self._skip_quoted(line, position)
                continue
            token = _TOKEN.search(line, position)
            if token is None:
                break
            position = token.end()
            if token[0] == b"\\":
                yield self._piece(Kind.COMMAND, line[start:])
                return
            if token[0] == b";" and self._parentheses == 0:
                statement = bytes(self._held) + line[start:position]
                self._in_data = _COPY.match(Piece(Kind.STATEMENT, statement).body) is not None
                if self._in_data or not line[position:].strip():
                    position = len(line)
                yield self._piece(Kind.STATEMENT, line[start:position])
                start = position
            else:
                self._enter(token[0])
        self._held += line[start:]

    def _piece(self, kind: Kind, text: bytes) -> Piece:
        piece = Piece(kind, bytes(self._held) + text)
        self._held.clear()
        return piece

    def _enter(self, token: bytes) -> None:
        if token == b"(":
            self._parentheses += 1
        elif token == b")":
            self._parentheses = max(0, self._parentheses - 1)
        elif token == b"/*":
            self._comments, self._closing = 1, _CLOSING[token]
        elif token in {b"'", b'"', b"E'", b"e'"}:
            self._closing = _CLOSING[token.upper()]
        elif token.startswith(b"$"):
            self._closing = re.compile(re.escape(token))

    def _skip_quoted(self, line: bytes, position: int) -> int:
        assert self._closing is not None
        found = self._closing.search(line, position)
        if found is None:
            return len(line)
        if self._comments:
            self._comments += 1 if found[0] == b"/*" else -1
            if self._comments == 0:
                self._closing = None
        elif not (found[0].startswith(b"\\") or found[0] == b"''"):
            self._closing = None
        return found.end()
