"""Lets a plugin write inside the transaction of the request that calls it, and nothing more than that."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import DictRow, dict_row
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.session import driver_connection, is_reading
from tenant_api.web.state import Pool

_session: ContextVar[AsyncSession | None] = ContextVar("unit_of_work", default=None)


@contextmanager
def joined(session: AsyncSession) -> Iterator[None]:
    """Plugin calls inside this block belong to the session's transaction."""
    token = _session.set(session)
    try:
        yield
    finally:
        _session.reset(token)


class JoinedStatements:
    """A connection reduced to executing statements: a plugin can neither commit nor roll back for its caller."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection

    async def execute(self, query: Any, params: Any = None) -> AsyncCursor[DictRow]:
        """Run one statement; rows come as dictionaries."""
        cursor = self._connection.cursor(row_factory=dict_row)
        return await cursor.execute(query, params)


@asynccontextmanager
async def statements(pool: Pool) -> AsyncIterator[JoinedStatements]:
    """The caller's transaction in a savepoint, or a transaction of its own where the caller has none."""
    session = _session.get()
    if session is not None and not is_reading(session):
        async with session.begin_nested():
            yield JoinedStatements(await driver_connection(session))
        return
    async with pool.connection() as connection, connection.transaction():
        yield JoinedStatements(connection)
