"""Runs migrations under an advisory lock, with lock and statement timeouts."""

import time

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from tenant_api.db import tables  # noqa: F401 - registers every table
from tenant_api.db.base import metadata
from tenant_api.db.urls import sqlalchemy_url

LOCK = 0x74656E616E74
WAIT_SECONDS = 120


def ours(name: str | None, kind: str, _parents: object) -> bool:
    """Tables of plugins are migrated by plain SQL and are not compared."""
    return not (kind == "table" and name is not None and name.startswith("idp_"))


def lock(connection: Connection) -> None:
    """Poll for the lock: a blocked waiter would keep a snapshot open under CREATE INDEX CONCURRENTLY."""
    give_up = time.monotonic() + WAIT_SECONDS
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}):
        connection.commit()
        if time.monotonic() > give_up:
            raise TimeoutError("another migration of this database has been running for two minutes")
        time.sleep(0.1)
    connection.commit()


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=ours,
        compare_type=True,
        transaction_per_migration=True,
    )
    lock(connection)
    connection.execute(text("SET lock_timeout = '4s'"))
    connection.execute(text("SET statement_timeout = '60s'"))
    connection.commit()
    with context.begin_transaction():
        context.run_migrations()


engine = create_engine(sqlalchemy_url(context.config.attributes["url"]), poolclass=NullPool)
with engine.connect() as connection:
    migrate(connection)
engine.dispose()
