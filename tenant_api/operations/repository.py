"""Operations as the API reads them and enqueues them, inside the caller's transaction."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, text
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.among import among
from tenant_api.db.listing import ListQuery, ListRules
from tenant_api.db.pages import Listing, Page
from tenant_api.db.tables import Operation, OperationStep
from tenant_api.kernel.caller import current_caller
from tenant_api.operations.plan import Write
from tenant_api.operations.queue import CHANNEL
from tenant_api.operations.states import State

JOB_LISTS = ListRules(
    filters={
        "kind": (str, lambda value: col(Operation.kind) == value),
        "target": (str, lambda value: col(Operation.target) == value),
    },
    order_by={"createdAt": col(Operation.number), "kind": col(Operation.kind), "target": col(Operation.target)},
    default_order="createdAt",
    direction_alone=True,
    repeating={"kind"},
)
LISTING = Listing[Operation](rules=JOB_LISTS, key=col(Operation.number))


class OperationRepository:
    """Operations of one tenant."""

    def __init__(self, session: AsyncSession, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def enqueue(self, kind: str, target: str, *, deadline: timedelta, max_attempts: int) -> UUID:
        """Add to the target's queue. The caller holds a lock on the target's row, so that numbers are in order."""
        operation_id = uuid4()
        due: Any = func.now() + deadline
        self._session.add(
            Operation(
                id=operation_id,
                tenant_id=self._tenant_id,
                kind=kind,
                target=target,
                deadline=due,
                max_attempts=max_attempts,
                created_by=current_caller(),
            )
        )
        await self._session.flush()
        await self.wake_workers()
        return operation_id

    async def find(self, operation_id: UUID) -> Operation | None:
        """One operation."""
        own = select(Operation).where(col(Operation.id) == operation_id, col(Operation.tenant_id) == self._tenant_id)
        return (await self._session.exec(own)).first()

    async def lock(self, operation_id: UUID) -> Operation | None:
        """One operation, ours until the transaction ends."""
        own = select(Operation).where(col(Operation.id) == operation_id, col(Operation.tenant_id) == self._tenant_id)
        return (await self._session.exec(own.with_for_update())).first()

    async def page(self, query: ListQuery) -> Page[Operation]:
        """A list as asked for."""
        own = select(Operation).where(col(Operation.tenant_id) == self._tenant_id)
        return await LISTING.page(self._session, own, query)

    async def steps_of(self, operation_ids: Sequence[UUID]) -> dict[UUID, list[OperationStep]]:
        """The steps of several operations, in the order in which they began."""
        found: dict[UUID, list[OperationStep]] = {operation_id: [] for operation_id in operation_ids}
        statement = (
            select(OperationStep)
            .where(among(col(OperationStep.operation_id), operation_ids))
            .order_by(col(OperationStep.started_at), col(OperationStep.attempt))
        )
        for step in await self._session.exec(statement):
            found[step.operation_id].append(step)
        return found

    async def is_last_of_target(self, operation: Operation) -> bool:
        """Whether nothing was enqueued for the target since that is to happen or has happened."""
        later = select(Operation.number).where(
            col(Operation.target) == operation.target,
            col(Operation.number) > operation.number,
            col(Operation.state) != State.CANCELLED,
        )
        return (await self._session.exec(later.limit(1))).first() is None

    async def request_cancel(self, operation: Operation) -> None:
        """Ask the engine to cancel; a sleeping operation becomes due at once."""
        await self._change(operation, cancel_requested=True, run_after=func.now())

    async def requeue(self, operation: Operation, *, deadline: timedelta) -> None:
        """Start over from the first unfinished step, with fresh attempts and a fresh deadline."""
        await self._change(
            operation,
            state=State.QUEUED,
            attempts=0,
            error=None,
            message=None,
            fraction=None,
            cancel_requested=False,
            finished_at=None,
            run_after=func.now(),
            deadline=func.now() + deadline,
        )

    async def write(self, write: Write) -> None:
        """Change a feature's rows along with an operation."""
        await write(self._session)

    async def wake_workers(self) -> None:
        """Delivered when the transaction commits."""
        connection = await self._session.connection()
        await connection.execute(text(f"NOTIFY {CHANNEL}"))

    async def _change(self, operation: Operation, **values: Any) -> None:
        await self._session.exec(update(Operation).where(col(Operation.number) == operation.number).values(**values))
        await self._session.refresh(operation)
        await self.wake_workers()
