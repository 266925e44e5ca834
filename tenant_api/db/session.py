"""The unit of work of a request: the only generator dependency and the only commit."""

import select
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import psycopg
from litestar.datastructures import State
from litestar.types import Scope
from psycopg import AsyncConnection
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.connection import ServiceConnection
from tenant_api.db.urls import sqlalchemy_url

AUTOCOMMIT = "AUTOCOMMIT"
ASK_AFTER_SECONDS = 30.0
"""A connection that was idle for longer is asked whether it still stands before it is used."""


def create_engine(
    url: str, *, pool_size: int, statement_timeout_seconds: float, lock_timeout_seconds: float
) -> AsyncEngine:
    """Connections for requests: bounded in number and in time."""
    engine = create_async_engine(
        sqlalchemy_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,
        connect_args={
            "prepare_threshold": None,
            "options": (
                f"-c statement_timeout={int(statement_timeout_seconds * 1000)} "
                f"-c lock_timeout={int(lock_timeout_seconds * 1000)} -c timezone=UTC"
            ),
            "application_name": "tenant-api",
            "async_creator_fn": ServiceConnection.connect,
        },
    )
    _ask_doubtful_connections(engine)
    return engine


def _ask_doubtful_connections(engine: AsyncEngine) -> None:
    """Replace broken connections before somebody gets them, without a round trip for each that is fine.

    A connection that the server has ended has something to read: the end. Only firewalls end idle ones silently.
    """

    @event.listens_for(engine.sync_engine, "checkin")
    def _note(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def _ask(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        idle_since = record.info.get("idle_since")
        if idle_since is None:
            return  # new: refusing it as well would end the pool's attempts with an error that nobody retries
        doubtful = time.monotonic() - idle_since > ASK_AFTER_SECONDS or _has_news(connection.driver_connection)
        if doubtful and not _stands(engine, connection):
            raise InvalidatePoolError


def _stands(engine: AsyncEngine, connection: DBAPIConnection) -> bool:
    try:
        return engine.dialect.do_ping(connection)
    except psycopg.Error:
        return False


def _has_news(connection: AsyncConnection) -> bool:
    readable = select.poll()
    try:
        readable.register(connection.fileno(), select.POLLIN)
    except psycopg.Error:
        return True
    return bool(readable.poll(0))


class SessionFactory(async_sessionmaker[AsyncSession]):
    """Makes sessions whose rows stay readable after the commit."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine, class_=AsyncSession, expire_on_commit=False)
        self._reading = engine.execution_options(isolation_level=AUTOCOMMIT)

    def reading(self) -> AsyncSession:
        """A session for reads alone: every statement on its own, without BEGIN before and COMMIT after it.

        A statement sees what was committed when it began, exactly as in a READ COMMITTED transaction. Locks end
        with their statement, and there is nothing to roll back.
        """
        return self(bind=self._reading)


def session_factory(engine: AsyncEngine) -> SessionFactory:
    """The sessions of one process."""
    return SessionFactory(engine)


async def provide_session(state: State, scope: Scope) -> AsyncIterator[AsyncSession]:
    """Commit before the answer leaves, roll back on any exception. A connection is taken on first use.

    A GET changes nothing and gets a session for reads.
    """
    sessions: SessionFactory = state.runtime.sessions
    async with sessions.reading() if scope.get("method") == "GET" else sessions.begin() as session:
        try:
            yield session
        except Exception:
            with suppress(DBAPIError):  # on a broken connection: what broke it is the failure to tell
                await session.rollback()
            raise


def is_reading(session: AsyncSession) -> bool:
    """Whether a session is for reads alone, so that there is no transaction that anybody could join."""
    return session.get_bind().get_execution_options().get("isolation_level") == AUTOCOMMIT


async def driver_connection(session: AsyncSession) -> AsyncConnection:
    """The psycopg connection beneath a session, inside its open transaction."""
    raw = await (await session.connection()).get_raw_connection()
    connection = raw.driver_connection
    assert isinstance(connection, AsyncConnection)
    return connection
