"""Roles: made together with their marker, opened as the last step of a create, dropped by name once proved ours."""

import re
from uuid import UUID

from psycopg.sql import SQL, Identifier, Literal

from db_provisioners.contract import Host
from db_provisioners.errors import InvalidDatabaseError
from db_provisioners.postgresql.markers import Marked, marker
from db_provisioners.postgresql.server import Connection

_VERIFIER = re.compile(r"SCRAM-SHA-256\$\d{1,7}:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+")


async def create_role(administrator: Connection, host: Host, target: UUID, name: str, *, member: bool) -> int:
    """A marked role that cannot log in yet; its OID. `member`: the administrator may act for it."""
    async with administrator.transaction():
        await administrator.execute(SQL("CREATE ROLE {} NOLOGIN").format(Identifier(name)))
        if member:
            await join(administrator, name)
        oid = await _oid(administrator, name)
        text = marker(host, Marked.ROLE, target, oid)
        await administrator.execute(SQL("COMMENT ON ROLE {} IS {}").format(Identifier(name), Literal(text)))
    return oid


async def open_login(administrator: Connection, name: str, verifier: str) -> None:
    """Let the role log in with the password of that SCRAM verifier."""
    if not _VERIFIER.fullmatch(verifier):
        raise InvalidDatabaseError("The login's verifier is not a SCRAM-SHA-256 verifier.")
    statement = SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(Identifier(name), Literal(verifier))
    await administrator.execute(statement)


async def close_login(administrator: Connection, name: str) -> None:
    await administrator.execute(SQL("ALTER ROLE {} NOLOGIN").format(Identifier(name)))


async def join(administrator: Connection, name: str) -> None:
    """Make the administrator a member, which lets him act for the role and end its sessions."""
    await administrator.execute(SQL("GRANT {} TO CURRENT_USER").format(Identifier(name)))


async def leave(administrator: Connection, name: str) -> None:
    await administrator.execute(SQL("REVOKE {} FROM CURRENT_USER").format(Identifier(name)))


async def drop_role(administrator: Connection, name: str) -> None:
    await administrator.execute(SQL("DROP ROLE IF EXISTS {}").format(Identifier(name)))


async def _oid(administrator: Connection, name: str) -> int:
    found = await administrator.execute("SELECT oid::bigint FROM pg_roles WHERE rolname = %s", (name,))
    row = await found.fetchone()
    assert row is not None
    return int(row[0])
