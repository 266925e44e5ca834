"""How many rows an Ed-Fi database holds, without running anything that a tenant planted in it.

Only ordinary tables are counted: no views, no rules, no row security, and owned by the role that owns the
template's objects (or by the login, where the template says that it changes the schema). The session has the
tenant's rights anyway; this keeps the numbers honest and the work bounded.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass, field

from psycopg import errors
from psycopg.sql import SQL, Composed, Identifier

from db_provisioners.postgresql.server import Connection

TABLES = {
    "educationOrganizations": "educationorganization",
    "localEducationAgencies": "localeducationagency",
    "schools": "school",
    "students": "student",
    "staff": "staff",
    "sections": "section",
    "studentSchoolAssociations": "studentschoolassociation",
}

_COUNTABLE = """
SELECT c.relname::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'edfi' AND c.relname = ANY(%(names)s) AND c.relkind IN ('r', 'p')
  AND NOT c.relhasrules AND NOT c.relrowsecurity AND pg_get_userbyid(c.relowner) = ANY(%(owners)s)
"""


@dataclass
class Counts:
    """`estimated` names the counts that are the planner's guess, because counting took too long."""

    rows: dict[str, int] = field(default_factory=dict)
    estimated: list[str] = field(default_factory=list)


async def count_rows(visitor: Connection, owners: Collection[str], *, seconds: float) -> Counts:
    """Count within that time altogether, as far as it reaches."""
    counts = Counts()
    deadline = time.monotonic() + seconds
    found = await visitor.execute(_COUNTABLE, {"names": list(TABLES.values()), "owners": list(owners)})
    countable = {row[0] for row in await found.fetchall()}
    for name, table in TABLES.items():
        if table not in countable:
            continue
        rows = await _counted(visitor, table, deadline - time.monotonic())
        if rows is None:
            rows = await _estimated(visitor, table)
            counts.estimated.append(name)
        counts.rows[name] = rows
    return counts


async def _counted(visitor: Connection, table: str, seconds: float) -> int | None:
    if seconds < 0.001:
        return None
    try:
        async with visitor.transaction():
            await _limit(visitor, seconds)
            found = await visitor.execute(_from(SQL("SELECT count(*) FROM {}"), table))
            row = await found.fetchone()
    except errors.QueryCanceled:
        return None
    assert row is not None
    return int(row[0])


async def _estimated(visitor: Connection, table: str) -> int:
    """The planner's own guess, which knows the size of the file also where nothing was analyzed yet."""
    found = await visitor.execute(_from(SQL("EXPLAIN (FORMAT JSON) SELECT FROM {}"), table))
    row = await found.fetchone()
    assert row is not None
    return int(row[0][0]["Plan"]["Plan Rows"])


async def _limit(visitor: Connection, seconds: float) -> None:
    milliseconds = str(max(1, int(seconds * 1000)))
    await visitor.execute("SELECT set_config('statement_timeout', %s, true)", (milliseconds,))


def _from(query: SQL, table: str) -> Composed:
    return query.format(Identifier("edfi", table))
