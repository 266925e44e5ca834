"""Rules about jobs; knows no HTTP and no SQL."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from tenant_api.db.listing import ListQuery
from tenant_api.db.pages import Page
from tenant_api.db.tables import Operation
from tenant_api.kernel.errors import ConflictError, NotFoundError
from tenant_api.operations.plan import Plans
from tenant_api.operations.repository import OperationRepository
from tenant_api.operations.schemas import JobRead
from tenant_api.operations.states import OPEN, RETRYABLE, State


class JobService:
    """Jobs of the addressed tenant."""

    def __init__(self, operations: OperationRepository, plans: Plans, *, deadline: timedelta) -> None:
        self._operations = operations
        self._plans = plans
        self._deadline = deadline

    async def get(self, job_id: UUID) -> JobRead:
        """One job; NotFoundError."""
        operation = await self._operations.find(job_id)
        return await self._shown(_found(operation, job_id))

    async def page(self, query: ListQuery) -> Page[JobRead]:
        """A list as asked for, oldest first."""
        page = await self._operations.page(query)
        items = await self._all_shown(page.items)
        return Page(items=items, following=page.following, total=page.total, beyond=page.beyond, ahead=page.ahead)

    async def cancel(self, job_id: UUID) -> JobRead:
        """Ask a job to stop at the next pause and take back what it made. Repeatable.

        ConflictError if it has ended, or has begun something that cannot be taken back.
        """
        operation = _found(await self._operations.lock(job_id), job_id)
        state = State(operation.state)
        if state not in OPEN:
            raise ConflictError("The job has ended and cannot be cancelled.")
        plan = self._plans.get(operation.kind)
        if operation.started_at is not None and not (plan and plan.undo):
            raise ConflictError("The job has begun and cannot be taken back.")
        if not operation.cancel_requested:
            await self._operations.request_cancel(operation)
        return await self._shown(operation)

    async def retry(self, job_id: UUID) -> JobRead:
        """Run a failed or cancelled job again, from the first step that it did not finish.

        ConflictError if the target has moved on since, or never heard of it: a job that cannot be taken back is
        cancelled only before it begins.
        """
        operation = _found(await self._operations.lock(job_id), job_id)
        state = State(operation.state)
        if state not in RETRYABLE:
            raise ConflictError("Only a job that failed or was cancelled can be retried.")
        plan = self._plans.get(operation.kind)
        if state is State.CANCELLED and not (plan and plan.undo):
            raise ConflictError("The job was cancelled before it began. Ask for it again instead.")
        if not await self._operations.is_last_of_target(operation):
            raise ConflictError("A later job of the same target exists; this one can no longer be retried.")
        await self._operations.requeue(operation, deadline=self._deadline)
        if plan and plan.retried:
            await self._operations.write(plan.retried(operation.tenant_id))
        return await self._shown(operation)

    async def _shown(self, operation: Operation) -> JobRead:
        return (await self._all_shown([operation]))[0]

    async def _all_shown(self, operations: Sequence[Operation]) -> list[JobRead]:
        steps = await self._operations.steps_of([operation.id for operation in operations])
        return [JobRead.of(operation, steps[operation.id]) for operation in operations]


def _found(operation: Operation | None, job_id: UUID) -> Operation:
    if operation is None:
        raise NotFoundError(f"Job {job_id} not found.")
    return operation
