"""Which statements of a dump are not the archive's to decide, and are left out.

Owners, access lists, extensions and what belongs to the whole server are ours: the import sets them itself.
"""

import re
from dataclasses import dataclass

from db_provisioners.errors import TemplateImportError
from db_provisioners.postgresql.script import Kind, Piece

_NAME = rb"(?:\"(?:[^\"]|\"\")+\"|[A-Za-z_\x80-\xff][\w$\x80-\xff]*)"
_EXTENSION = re.compile(
    rb"CREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>" + _NAME + rb")"
    rb"(?:\s+WITH)?(?:\s+SCHEMA\s+(?P<schema>" + _NAME + rb"))?",
    re.IGNORECASE,
)
_OURS = re.compile(
    rb"""(?: CREATE\s+EXTENSION\b
           | COMMENT\s+ON\s+(?:EXTENSION|DATABASE|LANGUAGE)\b
           | (?:GRANT|REVOKE)\s
           | ALTER\s+DEFAULT\s+PRIVILEGES\b
           | ALTER\s.*\sOWNER\s+TO\s+""" + _NAME + rb"""\s*;\s*\Z
           | (?:SET|RESET)\s+(?:SESSION\s+AUTHORIZATION|ROLE)\b
           | SET\s+default_tablespace\b
           | CREATE\s+(?:OR\s+REPLACE\s+)?(?:TRUSTED\s+)?(?:PROCEDURAL\s+)?LANGUAGE\s+plpgsql\b
         )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)  # fmt: skip
_REPLICATION = re.compile(rb"(?:CREATE|ALTER)\s+(?:PUBLICATION|SUBSCRIPTION)\b", re.IGNORECASE)
_LABELS = re.compile(rb"SECURITY\s+LABEL\b", re.IGNORECASE)
_SCHEMA = re.compile(
    rb"(?:CREATE\s+SCHEMA(?:\s+IF\s+NOT\s+EXISTS)?|COMMENT\s+ON\s+SCHEMA)\s+(?P<name>" + _NAME + rb")\s*(?:;|IS\b)",
    re.IGNORECASE,
)
_TRANSACTION_TIMEOUT = re.compile(rb"SET\s+transaction_timeout\s*=\s*\w+\s*;\s*\Z")
_OLD_STRINGS = re.compile(rb"SET\s+standard_conforming_strings\s*(?:=|TO)\s*'?off\b", re.IGNORECASE)
_RESTRICTION = re.compile(rb"\\(?:un)?restrict\s+[A-Za-z0-9]+\s*\Z")


@dataclass(frozen=True)
class WantedExtension:
    name: str
    schema: str | None


def wanted_extension(piece: Piece) -> WantedExtension | None:
    """The extension that this statement would create."""
    found = _EXTENSION.match(piece.body) if piece.kind is Kind.STATEMENT else None
    if found is None:
        return None
    schema = found["schema"]
    return WantedExtension(_plain(found["name"]), _plain(schema) if schema else None)


class Rules:
    """The choice for one restore: `schemas` exist already; servers before 17 know no transaction_timeout.

    `notes` collects what was left out and could be missed.
    """

    def __init__(self, *, server_version: int, schemas: frozenset[str]) -> None:
        self._server_version = server_version
        self._schemas = schemas
        self.notes: dict[str, int] = {}

    def keep(self, piece: Piece) -> bool:
        match piece.kind:
            case Kind.STATEMENT:
                return self._keep_statement(piece.body)
            case Kind.COMMAND:
                return _RESTRICTION.match(piece.body) is None
            case _:
                return True

    def _keep_statement(self, body: bytes) -> bool:
        if _OLD_STRINGS.match(body):
            raise TemplateImportError("The archive uses strings with backslash escapes, which is not supported.")
        if _OURS.match(body):
            return False
        if _REPLICATION.match(body):
            return self._left_out("statement of logical replication")
        if _LABELS.match(body):
            return self._left_out("security label")
        if self._server_version < 170000 and _TRANSACTION_TIMEOUT.match(body):
            return False
        schema = _SCHEMA.match(body)
        return not (schema and _plain(schema["name"]) in self._schemas)

    def _left_out(self, what: str) -> bool:
        self.notes[what] = self.notes.get(what, 0) + 1
        return False


def _plain(name: bytes) -> str:
    text = name.decode(errors="replace")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()
