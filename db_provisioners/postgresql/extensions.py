"""Extensions that an archive wants: made before its code runs, or left out if nothing of it uses them."""

import re
from collections.abc import Iterable, Sequence

from psycopg.sql import SQL, Identifier

from db_provisioners.errors import TemplateImportError
from db_provisioners.postgresql.roles import join
from db_provisioners.postgresql.rules import WantedExtension
from db_provisioners.postgresql.server import Connection

# What a database owner may make without being superuser, in the version that the server would take.
_AVAILABLE = """
SELECT v.name::text FROM pg_available_extensions e
JOIN pg_available_extension_versions v ON (v.name, v.version) = (e.name, e.default_version)
WHERE v.name = ANY(%s) AND (v.trusted OR NOT v.superuser)
"""

_BODIES = """
SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), p.prosrc
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND l.lanname NOT IN ('c', 'internal')
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
"""

_KNOWN = """
SELECT proname::text FROM pg_proc UNION SELECT relname::text FROM pg_class UNION SELECT typname::text FROM pg_type
UNION SELECT word FROM pg_get_keywords()
"""

# Words of PL/pgSQL that SQL does not know and that a parenthesis may follow.
_PLPGSQL = frozenset({"elsif", "elseif", "while", "perform", "raise", "assert", "slice", "open", "using", "exit"})

_LITERAL = re.compile(r"'(?:[^']|'')*'")
_DYNAMIC = re.compile(r"\bEXECUTE\b", re.IGNORECASE)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_CALL = re.compile(
    r"(?<![\w$\"])(?:(?P<before>WITH|RECURSIVE|AS|CURSOR|INTO|JOIN|FROM|TABLE|INDEX|DECLARE)\s+)?"
    r"(?:\"?[\w$]+\"?\s*\.\s*)*\"?(?P<name>[A-Za-z_][\w$]*)\"?\s*\(",
    re.IGNORECASE,
)


async def available(administrator: Connection, wanted: Iterable[WantedExtension]) -> set[str]:
    found = await administrator.execute(_AVAILABLE, ([extension.name for extension in wanted],))
    return {row[0] for row in await found.fetchall()}


async def make(inside: Connection, extensions: Sequence[WantedExtension], owner: str) -> frozenset[str]:
    """Make them in the still empty database, owned by `owner`; the schemas that they brought along."""
    schemas = {extension.schema for extension in extensions if extension.schema} - {"public", "pg_catalog"}
    await join(inside, owner)
    await inside.execute(SQL("SET ROLE {}").format(Identifier(owner)))
    for schema in sorted(schemas):
        await inside.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
    for extension in extensions:
        await inside.execute(
            SQL("CREATE EXTENSION IF NOT EXISTS {} WITH SCHEMA {} CASCADE").format(
                Identifier(extension.name), Identifier(extension.schema or "public")
            )
        )
    await inside.execute("RESET ROLE")
    return frozenset(schemas)


async def refuse_use(visitor: Connection, left_out: Sequence[str]) -> None:
    """TemplateImportError if a function body could need an extension that is not there.

    Objects that need one did not restore; bodies are only looked at when they run. So a body is suspect if it says
    the extension's name or calls something that the database does not have.
    """
    found = await visitor.execute(_KNOWN)
    known = {row[0].lower() for row in await found.fetchall()}
    found = await visitor.execute(_BODIES)
    for function, body in await found.fetchall():
        if suspect := suspicious_word(body, known, left_out):
            names = ", ".join(left_out)
            raise TemplateImportError(
                f"The function {function} uses {suspect}, and the server does not offer the extension {names}."
            )


def suspicious_word(body: str, known: set[str], left_out: Sequence[str]) -> str | None:
    text = _COMMENT.sub(" ", body)
    if not _DYNAMIC.search(text):
        text = _LITERAL.sub(" ", text)
    for name in left_out:
        if re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text, re.IGNORECASE):
            return name
    local = {found["name"].lower() for found in _CALL.finditer(text) if found["before"]}
    called = [found["name"] for found in _CALL.finditer(text) if not found["before"]]
    return next((name for name in called if name.lower() not in known | local | _PLPGSQL), None)
