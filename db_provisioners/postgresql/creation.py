"""From nothing to a marked database with its own login, one stage a call.

1. The owner role with its marker, in one transaction: proof that exists before the database does.
2. The clone, which nobody can enter; `PUBLIC` shut out, its marker written, its OID reported.
3. Connections, grants, and last the login. Until it is open nobody but us has been inside, and from then on the
   administrator never enters again.
"""

from datetime import timedelta

from psycopg import errors

from db_provisioners.contract import DatabaseSpec, Handle, Host, Progress
from db_provisioners.errors import InvalidDatabaseError
from db_provisioners.names import is_physical_name, owner_of
from db_provisioners.postgresql.databases import Strategy, allow_connections, create_statement, mark
from db_provisioners.postgresql.grants import give_schema, grant_connecting, grant_data
from db_provisioners.postgresql.long_statements import LongStatements
from db_provisioners.postgresql.ownership import Note, claim, judge, refuse_foreign
from db_provisioners.postgresql.roles import create_role, open_login
from db_provisioners.postgresql.server import Connection, Server
from db_provisioners.postgresql.sightings import Sighting, look
from db_provisioners.postgresql.templates import ensure_objects_owner, sealed

_SOON = timedelta(milliseconds=250)

# Somebody else moved at the same time, a killed worker's server process for example: look again, decide again.
_LOOK_AGAIN = (
    errors.DuplicateDatabase,
    errors.DuplicateObject,
    errors.InternalError_,  # tuple concurrently updated
    errors.InvalidCatalogName,
    errors.ObjectInUse,
    errors.UndefinedObject,
    errors.UniqueViolation,
)


class Creation:
    def __init__(self, server: Server, host: Host, statements: LongStatements, *, file_copy_above: int) -> None:
        self._server = server
        self._host = host
        self._statements = statements
        self._file_copy_above = file_copy_above

    async def advance(self, spec: DatabaseSpec, handle: Handle) -> Progress:
        if not is_physical_name(spec.physical_name):
            raise InvalidDatabaseError("The physical name is not one that this service generates.")
        try:
            async with self._server.administer() as administrator:
                return await self._stage(administrator, spec, Note.of(handle))
        except _LOOK_AGAIN:
            return Progress(done=False, handle=handle, message="Waiting for another session.", retry_after=_SOON)

    async def _stage(self, administrator: Connection, spec: DatabaseSpec, note: Note) -> Progress:
        seen = await look(administrator, spec.physical_name)
        verdict = judge(self._host, spec.target_id, seen, claim(self._host, spec.target_id, seen, note))
        refuse_foreign(spec.physical_name, verdict)
        if seen.being_created:
            return _waiting(note)
        if seen.owner is None:
            oid = await create_role(
                administrator, self._host, spec.target_id, owner_of(spec.physical_name), member=True
            )
            return _reached(Note(owner=oid), "Reserved the name.")
        if seen.owner.oid != note.owner:
            return _reached(Note(owner=seen.owner.oid), "Found the reserved name.")
        if seen.database is None:
            return await self._clone(administrator, spec, note)
        _refuse_half_deleted(seen)
        if not verdict.marked:
            return await self._mark(administrator, spec, note)
        if seen.database.oid != note.database:
            return _reached(Note(owner=note.owner, database=seen.database.oid), "Found the copied template.")
        return await self._open(administrator, spec, seen, note)

    async def _clone(self, administrator: Connection, spec: DatabaseSpec, note: Note) -> Progress:
        template = await sealed(administrator, self._host, spec.template)
        strategy: Strategy = "file_copy" if template.size_bytes > self._file_copy_above else "wal_log"
        statement = create_statement(spec.physical_name, template.database, strategy)
        if not await self._statements.finished("create", spec.physical_name, statement):
            return _waiting(note)
        return await self._mark(administrator, spec, note)

    async def _mark(self, administrator: Connection, spec: DatabaseSpec, note: Note) -> Progress:
        """Judge once more: what stands there now need not be what this call saw or made."""
        seen = await look(administrator, spec.physical_name)
        refuse_foreign(spec.physical_name, judge(self._host, spec.target_id, seen, note))
        if seen.database is None:
            return _waiting(note)
        await mark(administrator, self._host, spec.target_id, spec.physical_name, seen.database.oid)
        return _reached(Note(owner=note.owner, database=seen.database.oid), "Copied the template.")

    async def _open(self, administrator: Connection, spec: DatabaseSpec, seen: Sighting, note: Note) -> Progress:
        name = spec.physical_name
        if seen.login and seen.login.can_login:
            return _finished(note, seen.login.oid)
        await allow_connections(administrator, name)
        if seen.login is None:
            login = await create_role(administrator, self._host, spec.target_id, name, member=False)
        else:
            login = seen.login.oid
        await grant_connecting(administrator, name, name, ddl=spec.template.ddl)
        owner = await ensure_objects_owner(administrator, self._host)
        async with self._server.enter(name) as inside:
            if spec.template.ddl:
                await give_schema(inside, name, owner)
            else:
                await grant_data(inside, name, owner)
        await open_login(administrator, name, spec.login_verifier)
        return _finished(note, login)


def _refuse_half_deleted(seen: Sighting) -> None:
    """Connections are allowed before the login is made, so a login without connections is a started delete."""
    if seen.database and (seen.database.invalid or (seen.login and not seen.database.allows_connections)):
        raise InvalidDatabaseError(f"The database {seen.name} is half deleted.")


def _waiting(note: Note) -> Progress:
    return Progress(done=False, handle=note.handle, message="The server is copying the template.", retry_after=_SOON)


def _reached(note: Note, message: str) -> Progress:
    return Progress(done=False, handle=note.handle, message=message)


def _finished(note: Note, login: int) -> Progress:
    complete = Note(owner=note.owner, database=note.database, login=login)
    return Progress(done=True, handle=complete.handle, message="The database stands.", fraction=1.0)
