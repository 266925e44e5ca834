"""How a tenant is removed, read top to bottom: its databases, its credentials, its rows and itself.

Every step looks at what is left, so it goes on wherever a worker died. What a request that was under way slipped in
meanwhile is found by the last step and goes the same way.
"""

from dataclasses import replace
from datetime import timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.api_clients.issuing import issuing_in
from tenant_api.db.tables import ManagedDataStore, Operation
from tenant_api.kernel.errors import ConcurrentModificationError, ConflictError
from tenant_api.managed_data_stores.service import target_of as data_store
from tenant_api.managed_data_stores.states import CREATE
from tenant_api.managed_data_stores.steps import drop, forget, withdraw
from tenant_api.operations.plan import Outcome, Plan, Run, Step, Task, Write
from tenant_api.operations.repository import OperationRepository
from tenant_api.operations.states import OPEN, State
from tenant_api.tenants.clients import TenantClientRepository
from tenant_api.tenants.remains import TenantRemains
from tenant_api.tenants.repository import REMOVE

BATCH = 500
PAUSE = timedelta(seconds=2)


class StillFilledError(ConcurrentModificationError):
    """Something slipped in while the last step looked elsewhere; the next attempt finds it."""

    retryable = True


async def databases(task: Task) -> Outcome:
    """Remove one database a call, by the steps with which one is deleted, each with its proof of ownership."""
    tenant_id = _tenant_of(task)
    async with task.runtime.sessions() as session:
        shown = await TenantRemains(session, tenant_id).next_managed()
    if shown is None:
        return Outcome(message="No database is left.")
    row, operation = shown
    if State(operation.state) in OPEN:
        return _waiting_for(operation, row, tenant_id)
    return await _removed(replace(task, tenant_id=tenant_id, target=data_store(row.id or 0)), row)


async def credentials(task: Task) -> Outcome:
    """Remove clients, some at a time: those of applications with their rows, by a job where the provider is not ours.

    The last step waits for such jobs. Clients of the service have no other rows: they go at the provider first.
    """
    tenant_id = _tenant_of(task)
    async with task.runtime.sessions() as session:
        keys = await TenantRemains(session, tenant_id).keys(most=BATCH)
        own = await TenantClientRepository(session).of_tenant(tenant_id, most=BATCH)
    if not keys and not own:
        return Outcome(message="No credential is left.")
    if own:
        await task.runtime.idp.delete_clients(own)

    async def write(session: AsyncSession) -> None:
        if keys:
            await TenantRemains(session, tenant_id).remove_keys(keys)
            await issuing_in(session, task.runtime, tenant_id).delete(keys)
        await TenantClientRepository(session).remove(own)

    return Outcome(done=False, write=write, message=f"Removed {len(keys) + len(own)} credentials.")


async def rows(task: Task) -> Outcome:
    """Remove everything that is left, and the tenant with it."""
    tenant_id = _tenant_of(task)
    for earlier in (databases, credentials):
        outcome = await earlier(task)
        if not outcome.done:
            return outcome
    async with task.runtime.sessions() as session:
        if await TenantRemains(session, tenant_id).open_jobs():
            return Outcome(done=False, message="Other jobs of the tenant are not at their end.", retry_after=PAUSE)

    async def write(session: AsyncSession) -> None:
        remains = TenantRemains(session, tenant_id)
        await remains.lock()
        if await remains.open_jobs() or await remains.next_managed() or await remains.keys(most=1):
            raise StillFilledError
        await remains.remove_all()

    return Outcome(write=write, message="The tenant is gone.")


def confirmed(step: Run) -> Run:
    """The step, for as long as nobody has resumed or renamed the tenant: a retry must not remove what is new."""

    async def run(task: Task) -> Outcome:
        async with task.runtime.sessions() as session:
            if await TenantRemains(session, _tenant_of(task)).changed_since(task.operation_id):
                raise ConflictError("The tenant was changed since its removal was confirmed. Ask for it again.")
        return await step(task)

    return run


REMOVE_PLAN = Plan(
    kind=REMOVE,
    steps=(
        Step(name="databases", run=confirmed(databases)),
        Step(name="credentials", run=confirmed(credentials)),
        Step(name="rows", run=confirmed(rows)),
    ),
)


def _tenant_of(task: Task) -> int:
    return int(task.target.rpartition("/")[2])


def _waiting_for(operation: Operation, row: ManagedDataStore, tenant_id: int) -> Outcome:
    """A database that is being made is called off; one that is being deleted comes to its end."""

    async def write(session: AsyncSession) -> None:
        operations = OperationRepository(session, tenant_id)
        locked = await operations.lock(operation.id)
        if locked is not None and locked.kind == CREATE and State(locked.state) in OPEN and not locked.cancel_requested:
            await operations.request_cancel(locked)

    message = f"Waiting for the job of data store '{row.name}'."
    return Outcome(done=False, write=write, message=message, retry_after=PAUSE)


async def _removed(task: Task, row: ManagedDataStore) -> Outcome:
    if row.data_store_id is not None:
        return await _withdrawn(task, row.data_store_id)
    dropped = await drop(task)
    if not dropped.done:
        return dropped
    forgotten = await forget(task)
    write = _both(dropped.write, forgotten.write)
    return Outcome(done=False, write=write, message=f"The database of data store '{row.name}' is gone.")


async def _withdrawn(task: Task, data_store_id: int) -> Outcome:
    """Taken from the data planes, and from the credentials and derivatives that refer to it."""
    withdrawn = await withdraw(task)

    async def release(session: AsyncSession) -> None:
        await TenantRemains(session, task.tenant_id).release(data_store_id)

    return replace(withdrawn, done=False, write=_both(release, withdrawn.write))


def _both(first: Write, second: Write) -> Write:
    async def write(session: AsyncSession) -> None:
        await first(session)
        await second(session)

    return write
