"""Databases for tests: cloned from one migrated template per run, empty otherwise, dropped in the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier

from tenant_api.embedded import ServerAddress
from tests.parts import run

MIGRATED = "migrated"


@contextmanager
def temporary_database(server: ServerAddress, *, template: str = "template0") -> Iterator[str]:
    """Yield the URL of a database of one's own."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(
            SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(Identifier(name), Identifier(template))
        )
    try:
        yield server.url(name)
    finally:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


def migrated_template(server: ServerAddress) -> str:
    """Return the name of the run's sealed template, migrated by the first process that asks."""
    from tenant_api.db import migrations

    with run.lock(MIGRATED), psycopg.connect(server.url(), autocommit=True) as connection:
        if not _is_sealed(connection):
            connection.execute(SQL("DROP DATABASE IF EXISTS {}").format(Identifier(MIGRATED)))
            connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(MIGRATED)))
            migrations.upgrade(server.url(MIGRATED))
            connection.execute(
                SQL("ALTER DATABASE {} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false").format(Identifier(MIGRATED))
            )
    return MIGRATED


def _is_sealed(connection: psycopg.Connection) -> bool:
    return bool(connection.execute("SELECT FROM pg_database WHERE datname = %s AND datistemplate", [MIGRATED]).rowcount)
