"""The database that an archive is restored into, and that becomes the template."""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

from psycopg.sql import SQL, Identifier

from db_provisioners.contract import Host
from db_provisioners.errors import ForeignDatabaseError, ProvisionerUnavailableError, TemplateImportError
from db_provisioners.names import owner_of
from db_provisioners.postgresql.databases import allow_connections, create_empty_statement, mark, seal
from db_provisioners.postgresql.extensions import make
from db_provisioners.postgresql.grants import grant_connecting
from db_provisioners.postgresql.long_statements import LongStatements
from db_provisioners.postgresql.objects import hand_over, owned_by
from db_provisioners.postgresql.ownership import Note, claim
from db_provisioners.postgresql.removal import Removal
from db_provisioners.postgresql.roles import close_login, create_role, drop_role, join, open_login
from db_provisioners.postgresql.rules import WantedExtension
from db_provisioners.postgresql.server import Connection, Login, Server
from db_provisioners.postgresql.sightings import look
from db_provisioners.postgresql.templates import ensure_objects_owner, objects_owner, template_database

_REMOVAL_SECONDS = 60
_END_SESSIONS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s"


class Staging:
    def __init__(self, server: Server, host: Host, statements: LongStatements, removal: Removal) -> None:
        self._server = server
        self._host = host
        self._statements = statements
        self._removal = removal

    async def remove(self, template_id: UUID) -> None:
        """Whatever an import of this id left, finished or not."""
        name = template_database(template_id)
        deadline = time.monotonic() + _REMOVAL_SECONDS
        while time.monotonic() < deadline:
            note = await self._claim(name, template_id)
            progress = await self._removal.advance(name, template_id, note.handle)
            if progress.done:
                return
            await asyncio.sleep(progress.retry_after.total_seconds())
        raise ProvisionerUnavailableError(f"The remains of the template database {name} cannot be dropped yet.")

    async def create(self, template_id: UUID) -> Note:
        """An empty database of ours, marked and closed to all others."""
        name = template_database(template_id)
        async with self._server.administer() as administrator:
            owner = await create_role(administrator, self._host, template_id, owner_of(name), member=True)
            while not await self._statements.finished("create", name, create_empty_statement(name)):
                pass
            seen = await look(administrator, name)
            if seen.database is None or seen.database.owner != owner:
                raise ForeignDatabaseError(f"The staging database {name} was replaced by another session.")
            await mark(administrator, self._host, template_id, name, seen.database.oid)
        return Note(owner=owner, database=seen.database.oid)

    async def let_in(self, template_id: UUID, login: Login, extensions: Sequence[WantedExtension]) -> frozenset[str]:
        """Make the extensions while nobody else is inside, then the throwaway login; the schemas made for them."""
        name = login.database
        async with self._server.administer() as administrator:
            owner = await ensure_objects_owner(administrator, self._host)
            await create_role(administrator, self._host, template_id, login.user, member=False)
            await allow_connections(administrator, name)
            await grant_connecting(administrator, name, owner, ddl=True)
            async with self._server.enter(name) as inside:
                schemas = await make(inside, extensions, owner)
                for schema in sorted(schemas | {"public"}):
                    await _allow_creating(inside, schema, login.user)
            await grant_connecting(administrator, name, login.user, ddl=True)
            await open_login(administrator, login.user, _verifier(administrator, login))
        return schemas

    async def take_over(self, login: Login) -> None:
        """Give every object to the role of all templates, get rid of the throwaway login and seal."""
        owner = objects_owner(self._host)
        async with self._server.administer() as administrator:
            await close_login(administrator, login.user)
            await join(administrator, login.user)
            await administrator.execute(_END_SESSIONS, (login.user,))
            async with self._server.enter(login.database) as inside:
                await _allow_creating(inside, "public", owner)
                await hand_over(inside, await owned_by(inside, login.user), owner)
                if left := [owned for owned in await owned_by(inside, login.user) if not owned.follows_table]:
                    raise TemplateImportError(
                        f"The archive makes a {left[0].kind}, which cannot be part of a template."
                    )
                # Only its rights and default rights are left.
                await inside.execute(SQL("DROP OWNED BY {}").format(Identifier(login.user)))
                await inside.execute(SQL("REVOKE ALL ON SCHEMA public FROM {}").format(Identifier(owner)))
            await administrator.execute(
                SQL("REVOKE ALL ON DATABASE {} FROM {}").format(Identifier(login.database), Identifier(owner))
            )
            await drop_role(administrator, login.user)
            await seal(administrator, login.database)

    async def _claim(self, name: str, template_id: UUID) -> Note:
        """An import keeps no handle of its own."""
        async with self._server.administer() as administrator:
            return claim(self._host, template_id, await look(administrator, name), Note())


async def _allow_creating(inside: Connection, schema: str, role: str) -> None:
    await inside.execute(SQL("GRANT USAGE, CREATE ON SCHEMA {} TO {}").format(Identifier(schema), Identifier(role)))


def _verifier(administrator: Connection, login: Login) -> str:
    """Computed here by libpq; the password itself is never part of a statement."""
    password = login.password.get_secret_value().encode()
    return administrator.pgconn.encrypt_password(password, login.user.encode(), b"scram-sha-256").decode()
