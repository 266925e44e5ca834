"""From whatever is left of a database of ours to nothing: database, then login, then owner role."""

from datetime import timedelta
from functools import partial
from uuid import UUID

from psycopg import errors

from db_provisioners.contract import Handle, Host, Progress
from db_provisioners.errors import ForeignDatabaseError
from db_provisioners.names import owner_of
from db_provisioners.postgresql.databases import drop_statement, shut
from db_provisioners.postgresql.long_statements import LongStatements
from db_provisioners.postgresql.ownership import Note, Standing, judge, refuse_foreign
from db_provisioners.postgresql.roles import close_login, drop_role, join
from db_provisioners.postgresql.server import Connection, Server
from db_provisioners.postgresql.sightings import Sighting, look

_SOON = timedelta(milliseconds=250)


class _ReplacedError(Exception):
    """What a queued drop was to remove is not there any more."""


# A database that appeared late, was replaced, or another session at the same work: look again from the top.
_LOOK_AGAIN = (
    _ReplacedError,
    errors.DependentObjectsStillExist,
    errors.InternalError_,  # tuple concurrently updated
    errors.InvalidCatalogName,
    errors.ObjectInUse,
    errors.ObjectNotInPrerequisiteState,  # a drop that has begun
    errors.UndefinedObject,
)

_END_SESSIONS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = %s AND usename IN (%s, current_user) AND pid <> pg_backend_pid()
"""


class Removal:
    def __init__(self, server: Server, host: Host, statements: LongStatements) -> None:
        self._server = server
        self._host = host
        self._statements = statements

    async def advance(self, name: str, target: UUID, handle: Handle) -> Progress:
        try:
            async with self._server.administer() as administrator:
                return await self._remove(administrator, name, target, handle)
        except _LOOK_AGAIN:
            return Progress(done=False, handle=handle, message="Waiting for another session.", retry_after=_SOON)

    async def _remove(self, administrator: Connection, name: str, target: UUID, handle: Handle) -> Progress:
        seen = await look(administrator, name)
        verdict = judge(self._host, target, seen, Note.of(handle))
        if verdict.database is Standing.FOREIGN:
            refuse_foreign(name, verdict)
        if seen.being_created:
            return Progress(done=False, handle=handle, message="The server is still creating it.", retry_after=_SOON)
        if seen.database:
            await _lock_out(administrator, seen, login_is_ours=verdict.login is Standing.OURS)
            check = partial(self._prove_again, target, Note.of(handle), name, seen.database.oid)
            if not await self._statements.finished("drop", name, drop_statement(name), check=check):
                return Progress(done=False, handle=handle, message="The server is dropping it.", retry_after=_SOON)
        if verdict.login is Standing.OURS:
            await drop_role(administrator, name)
        if verdict.owner is Standing.OURS:
            await drop_role(administrator, owner_of(name))
        left = judge(self._host, target, await look(administrator, name), Note.of(handle))
        if left.foreign:
            raise ForeignDatabaseError(
                f"What is left of the name {name} was not touched: nothing proves that we made it."
            )
        if left.anything:
            return Progress(done=False, handle=handle, message="Something of it appeared late.", retry_after=_SOON)
        return Progress(done=True, handle={}, message="Nothing of it is left.", fraction=1.0)

    async def _prove_again(self, target: UUID, note: Note, name: str, oid: int, session: Connection) -> None:
        """A drop waits for its turn: what stands there then need not be what the call has judged."""
        seen = await look(session, name)
        verdict = judge(self._host, target, seen, note)
        if seen.database is None or seen.database.oid != oid or verdict.database is not Standing.OURS:
            raise _ReplacedError


async def _lock_out(administrator: Connection, seen: Sighting, *, login_is_ours: bool) -> None:
    """Nobody comes in any more, and who is inside leaves; membership in the login lets us end its sessions."""
    if login_is_ours:
        await close_login(administrator, seen.name)
        await join(administrator, seen.name)
    if seen.database and not seen.database.invalid:
        await shut(administrator, seen.name)
    await administrator.execute(_END_SESSIONS, (seen.name, seen.name if login_is_ours else ""))
