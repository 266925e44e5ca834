"""Brings sealed columns under the newest sealing key, so that an old key can leave the ring."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from psycopg import sql

from tenant_api.db.sealed import (
    connection_string_of,
    derivative_connection_string_of,
    password_of,
    secret_answer_of,
)
from tenant_api.kernel.sealing import SealError
from tenant_api.web.state import Runtime

BATCH = 200

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SealedColumn:
    """Where sealed texts stand. `context` makes what a text is bound to from its row's key; `before` sorts first."""

    table: str
    key: str
    column: str
    context: Callable[[Any], str]
    before: Any


COLUMNS = (
    SealedColumn("data_stores", "id", "connection_string_sealed", connection_string_of, 0),
    SealedColumn("data_store_derivatives", "id", "connection_string_sealed", derivative_connection_string_of, 0),
    SealedColumn("managed_data_stores", "target_id", "password_sealed", password_of, UUID(int=0)),
    SealedColumn("api_client_secret_answers", "id", "answer_sealed", secret_answer_of, UUID(int=0)),
)

OLD = """
SELECT {key} AS key, {column} AS sealed FROM {table}
WHERE {column} IS NOT NULL AND NOT starts_with({column}, %(newest)s) AND {key} > %(after)s
ORDER BY {key} LIMIT %(batch)s
"""
RENEW = "UPDATE {table} SET {column} = %(renewed)s WHERE {key} = %(key)s AND {column} = %(sealed)s"


async def renew_seals(runtime: Runtime) -> int:
    """Rewrap what older keys sealed, in batches; answers how many texts. Repeatable, and safe beside requests.

    A text that no key of the ring opens is left alone and logged.
    """
    return sum([await _renew(runtime, column) for column in COLUMNS])


async def _renew(runtime: Runtime, place: SealedColumn) -> int:
    names = {name: sql.Identifier(getattr(place, name)) for name in ("table", "key", "column")}
    old, renew = sql.SQL(OLD).format(**names), sql.SQL(RENEW).format(**names)
    after, count = place.before, 0
    while True:
        async with runtime.pool.connection() as connection:
            parameters = {"newest": runtime.sealer.newest_prefix, "after": after, "batch": BATCH}
            rows = await (await connection.execute(old, parameters)).fetchall()
            changes = [{**row, "renewed": text} for row in rows if (text := _rewrapped(runtime, place, row))]
            if changes:
                await connection.cursor().executemany(renew, changes)
        count += len(changes)
        if len(rows) < BATCH:
            return count
        after = rows[-1]["key"]


def _rewrapped(runtime: Runtime, place: SealedColumn, row: dict[str, Any]) -> str | None:
    try:
        return runtime.sealer.rewrap(row["sealed"], place.context(row["key"]))
    except SealError as error:
        logger.warning("seal.not_renewed", table=place.table, row=str(row["key"]), reason=str(error))
        return None
