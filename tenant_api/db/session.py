"""The unit of work of a request: the only generator dependency and the only commit."""

from collections.abc import AsyncIterator

from litestar.datastructures import State
from psycopg import AsyncConnection
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.urls import sqlalchemy_url

SessionFactory = async_sessionmaker[AsyncSession]


def create_engine(
    url: str, *, pool_size: int, statement_timeout_seconds: float, lock_timeout_seconds: float
) -> AsyncEngine:
    """Connections for requests: bounded in number and in time."""
    return create_async_engine(
        sqlalchemy_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "prepare_threshold": None,
            "options": (
                f"-c statement_timeout={int(statement_timeout_seconds * 1000)} "
                f"-c lock_timeout={int(lock_timeout_seconds * 1000)} -c timezone=UTC"
            ),
            "application_name": "tenant-api",
        },
    )


def session_factory(engine: AsyncEngine) -> SessionFactory:
    """Sessions whose rows stay readable after the commit."""
    return async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)


async def provide_session(state: State) -> AsyncIterator[AsyncSession]:
    """Commit before the answer leaves, roll back on any exception. A connection is taken on first use."""
    sessions: SessionFactory = state.runtime.sessions
    async with sessions.begin() as session:
        yield session


async def driver_connection(session: AsyncSession) -> AsyncConnection:
    """The psycopg connection beneath a session, inside its open transaction."""
    raw = await (await session.connection()).get_raw_connection()
    connection = raw.driver_connection
    assert isinstance(connection, AsyncConnection)
    return connection
