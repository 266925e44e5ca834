"""The life of a managed data store, read top to bottom: how it is created, taken back and deleted."""

from dataclasses import dataclass

from pydantic import SecretStr
from sqlalchemy import and_, func, not_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from db_provisioners.contract import DatabaseSpec, Handle, Progress
from db_provisioners.errors import VerificationError
from tenant_api.db.sealed import connection_string_of
from tenant_api.db.tables import DataStore, ManagedDataStore, Operation
from tenant_api.kernel.connection_strings import npgsql_keywords
from tenant_api.managed_data_stores.repository import ManagedDataStoreRepository
from tenant_api.managed_data_stores.service import refuse_dependants
from tenant_api.managed_data_stores.spec import read_spec
from tenant_api.managed_data_stores.states import CREATE, DELETE
from tenant_api.operations.plan import Outcome, Plan, Step, Task, Write
from tenant_api.operations.states import State


@dataclass(frozen=True, kw_only=True)
class _Target:
    id: int
    row: ManagedDataStore
    spec: DatabaseSpec
    handle: Handle
    password: SecretStr


async def provision(task: Task) -> Outcome:
    """Make the roles and the database, one stage a call."""
    target = await _target(task)
    progress = await task.runtime.provisioner.provision(target.spec, target.handle)
    return _moved(task, target, progress)


async def verify(task: Task) -> Outcome:
    """Prove, as the tenant's login, that the copy equals its template."""
    target = await _target(task)
    progress = await task.runtime.provisioner.verify(target.spec, target.handle, target.password)
    return _moved(task, target, progress)


async def register(task: Task) -> Outcome:
    """Show the database to the data planes, its connection string sealed."""
    target = await _target(task)
    where = await task.runtime.provisioner.connect(target.spec, target.handle)
    health = await task.runtime.provisioner.health(target.spec, target.handle, target.password)
    connection_string = npgsql_keywords(
        host=where.host,
        port=where.port,
        username=where.username,
        password=target.password.get_secret_value(),
        database=where.database,
    )

    async def write(session: AsyncSession) -> None:
        store = DataStore(tenant_id=task.tenant_id, name=target.row.name, data_store_type=target.row.database_template)
        session.add(store)
        await session.flush()
        assert store.id is not None
        context = connection_string_of(store.id)
        store.connection_string_sealed = task.runtime.sealer.seal(connection_string.encode(), context)
        await _managed(session, task).change(
            target.id,
            data_store_id=store.id,
            server_version=health.server_version,
            size_bytes=health.size_bytes,
            last_refreshed=func.now(),
        )

    return Outcome(write=write, message="The database is ready.")


async def withdraw(task: Task) -> Outcome:
    """Take the database from the data planes before anything is dropped; refused while somebody uses it."""
    target = await _target(task)

    async def write(session: AsyncSession) -> None:
        managed = _managed(session, task)
        await refuse_dependants(managed, target.row)
        if target.row.data_store_id is not None:
            await managed.remove_data_store(target.row.data_store_id)

    return Outcome(write=write, message="The data store is no longer offered.")


async def drop(task: Task) -> Outcome:
    """Remove the database and its roles, one stage a call, after proof that they are ours."""
    target = await _target(task)
    progress = await task.runtime.provisioner.delete(target.spec, target.handle)
    return _moved(task, target, progress)


async def forget(task: Task) -> Outcome:
    """Leave a tombstone without secrets; the name is free again."""
    target = await _target(task)

    async def write(session: AsyncSession) -> None:
        await _managed(session, task).change(target.id, deleted_at=func.now(), password_sealed=None, handle={})

    return Outcome(write=write, message="The database is gone.")


async def clear_handle(task: Task) -> Outcome:
    """After an undo nothing is left that a handle could describe; it was never shown to a data plane."""
    target = await _target(task)

    async def write(session: AsyncSession) -> None:
        await _managed(session, task).change(target.id, handle={})

    return Outcome(write=write, message="Everything that was made has been removed.")


def keep_previous_operation(task: Task) -> Write:
    """A delete that was cancelled before it began never happened: the operation before it tells the status again."""

    async def write(session: AsyncSession) -> None:
        never_happened = and_(col(Operation.kind) == DELETE, col(Operation.state) == State.CANCELLED)
        earlier = (
            select(Operation.id)
            .where(col(Operation.target) == task.target, col(Operation.id) != task.operation_id, not_(never_happened))
            .order_by(col(Operation.number).desc())
            .limit(1)
            .scalar_subquery()
        )
        await _managed(session, task).change(_id_of(task), operation_id=earlier)

    return write


CREATE_PLAN = Plan(
    kind=CREATE,
    steps=(
        Step(name="provision", run=provision),
        Step(name="verify", run=verify),
        Step(name="register", run=register),
    ),
    undo=(Step(name="takeBack", run=drop), Step(name="clear", run=clear_handle)),
    worthless=(VerificationError,),
)
DELETE_PLAN = Plan(
    kind=DELETE,
    steps=(Step(name="withdraw", run=withdraw), Step(name="drop", run=drop), Step(name="forget", run=forget)),
    cancelled=keep_previous_operation,
)


def _id_of(task: Task) -> int:
    return int(task.target.rpartition("/")[2])


def _managed(session: AsyncSession, task: Task) -> ManagedDataStoreRepository:
    return ManagedDataStoreRepository(session, task.tenant_id)


async def _target(task: Task) -> _Target:
    async with task.runtime.sessions() as session:
        shown = await _managed(session, task).find(_id_of(task))
        assert shown is not None, "rows of managed data stores are never deleted"
        row = shown[0]
        spec, handle, password = await read_spec(session, task.runtime, row.target_id)
    return _Target(id=_id_of(task), row=row, spec=spec, handle=handle, password=SecretStr(password))


def _moved(task: Task, target: _Target, progress: Progress) -> Outcome:
    """Save the plugin's note in any case: it is how a later call, or a delete, finds what was made."""

    async def write(session: AsyncSession) -> None:
        await _managed(session, task).change(target.id, handle=dict(progress.handle))

    return Outcome(
        done=progress.done,
        write=write,
        message=progress.message or None,
        fraction=progress.fraction,
        retry_after=progress.retry_after,
    )
