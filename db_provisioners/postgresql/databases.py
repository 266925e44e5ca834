"""Databases as wholes: the statements that make, mark, open, seal and drop one."""

from typing import Literal as OneOf
from uuid import UUID

from psycopg.sql import SQL, Composed, Identifier, Literal

from db_provisioners.contract import Host
from db_provisioners.names import owner_of
from db_provisioners.postgresql.markers import Marked, marker
from db_provisioners.postgresql.server import Connection

Strategy = OneOf["wal_log", "file_copy"]


def create_statement(name: str, template: str, strategy: Strategy) -> Composed:
    """Nobody can connect to the new database until it is marked and closed to others."""
    return SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY {} ALLOW_CONNECTIONS false").format(
        Identifier(name), Identifier(owner_of(name)), Identifier(template), Literal(strategy)
    )


def create_empty_statement(name: str) -> Composed:
    return SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' ALLOW_CONNECTIONS false").format(
        Identifier(name), Identifier(owner_of(name))
    )


def drop_statement(name: str) -> Composed:
    """Without FORCE, which only a superuser may use while autovacuum, a superuser's process, is inside.

    The plain statement sends autovacuum away itself; other sessions have been ended before.
    """
    return SQL("DROP DATABASE IF EXISTS {}").format(Identifier(name))


async def mark(administrator: Connection, host: Host, target: UUID, name: str, oid: int) -> None:
    """Shut PUBLIC out, for the template's access list is not copied, and sign."""
    text = marker(host, Marked.DATABASE, target, oid)
    async with administrator.transaction():
        await administrator.execute(SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(Identifier(name)))
        await administrator.execute(SQL("COMMENT ON DATABASE {} IS {}").format(Identifier(name), Literal(text)))


async def allow_connections(administrator: Connection, name: str) -> None:
    await administrator.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(Identifier(name)))


async def seal(administrator: Connection, name: str) -> None:
    """Turn a database into a template that nobody can enter any more."""
    statement = SQL("ALTER DATABASE {} IS_TEMPLATE true ALLOW_CONNECTIONS false").format(Identifier(name))
    await administrator.execute(statement)


async def shut(administrator: Connection, name: str) -> None:
    """Close a database for good: a template could not be dropped, an open one could be entered meanwhile."""
    statement = SQL("ALTER DATABASE {} IS_TEMPLATE false ALLOW_CONNECTIONS false").format(Identifier(name))
    await administrator.execute(statement)
