"""What a worker writes about an operation that it holds. Every write demands the fence of its claim."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import CursorResult, func, text
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.session import SessionFactory
from tenant_api.db.tables import Operation, OperationStep
from tenant_api.operations.plan import Outcome, Write
from tenant_api.operations.queue import CHANNEL, Claim
from tenant_api.operations.states import State

RELEASED: dict[str, Any] = {"lease_owner": None, "lease_until": None}


class LeaseLostError(Exception):
    """Another worker holds the operation now: stop silently, write nothing."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where an operation stands: its finished steps, whether somebody asked to cancel it, whether its time is up."""

    finished: frozenset[str]
    begun: bool
    cancel_requested: bool
    overdue: bool


class Record:
    """The writes of one claim."""

    def __init__(self, sessions: SessionFactory, held: Claim) -> None:
        self._sessions = sessions
        self._held = held
        self.undo = State(held.undo) if held.undo else None

    async def progress(self) -> Progress:
        """What is known before the next step."""
        async with self._sessions.begin() as session:
            operation, overdue = await self._fenced(session)
            steps = (await session.exec(self._steps())).all()
        return Progress(
            finished=frozenset(step.name for step in steps if step.finished_at is not None),
            begun=bool(steps),
            cancel_requested=operation.cancel_requested,
            overdue=overdue,
        )

    async def begin_step(self, name: str) -> int:
        """Note that a step starts; answers which attempt at it this is."""
        async with self._sessions.begin() as session:
            await self._fenced(session)
            tried = select(func.coalesce(func.max(OperationStep.attempt), 0)).where(
                col(OperationStep.operation_id) == self._held.id, col(OperationStep.name) == name
            )
            attempt = int((await session.exec(tried)).one()) + 1
            session.add(OperationStep(operation_id=self._held.id, name=name, attempt=attempt))
            await self._change(session, step=name)
        return attempt

    async def note(self, outcome: Outcome) -> None:
        """Save the progress of a step that is not done; a failure before it is forgiven."""
        async with self._sessions.begin() as session:
            await self._fenced(session)
            await outcome.write(session)
            await self._change(session, message=outcome.message, fraction=outcome.fraction, attempts=0)

    async def finish_step(self, name: str, attempt: int, outcome: Outcome) -> None:
        """Save a step's effect and its end together."""
        async with self._sessions.begin() as session:
            await self._fenced(session)
            await outcome.write(session)
            await session.exec(
                update(OperationStep)
                .where(
                    col(OperationStep.operation_id) == self._held.id,
                    col(OperationStep.name) == name,
                    col(OperationStep.attempt) == attempt,
                )
                .values(finished_at=func.now())
            )
            await self._change(session, message=outcome.message, fraction=outcome.fraction, attempts=0)

    async def wait(self, delay: timedelta, *, attempts: int = 0, error: dict[str, Any] | None = None) -> None:
        """Give the operation back until it is due again."""
        async with self._sessions.begin() as session:
            await self._fenced(session)
            await self._change(
                session,
                state=State.WAITING,
                run_after=func.now() + delay,
                attempts=attempts,
                error=error,
                **RELEASED,
            )

    async def begin_undo(self, end: State, error: dict[str, Any] | None, *, deadline: timedelta) -> None:
        """Decide that all that was made is taken back, by a deadline of its own, whatever happens to this worker."""
        async with self._sessions.begin() as session:
            await self._fenced(session)
            await self._change(session, undo=end.value, error=error, attempts=0, deadline=func.now() + deadline)
        self.undo = end

    async def finish(
        self, end: State, write: Write, error: dict[str, Any] | None = None, *, undone: bool = False
    ) -> None:
        """The last word. What was undone is forgotten, so that a retry starts from nothing.

        An undo that failed stays decided: a retry goes on with it.
        """
        async with self._sessions.begin() as session:
            await self._fenced(session)
            await write(session)
            if undone:
                await session.exec(delete(OperationStep).where(col(OperationStep.operation_id) == self._held.id))
                await self._change(session, undo=None)
            if error is not None or end is State.SUCCEEDED:
                await self._change(session, error=error)
            await self._change(session, state=end, finished_at=func.now(), **RELEASED)
            await session.exec(text(f"NOTIFY {CHANNEL}"))  # type: ignore[call-overload]  # a statement without rows

    def _steps(self) -> Any:
        return select(OperationStep).where(col(OperationStep.operation_id) == self._held.id)

    async def _fenced(self, session: AsyncSession) -> tuple[Operation, bool]:
        """Lock our row; with it, whether its deadline has passed. LeaseLostError if it is no longer ours."""
        mine = select(Operation, col(Operation.deadline) < func.now()).where(
            col(Operation.number) == self._held.number,
            col(Operation.fence) == self._held.fence,
            col(Operation.state) == State.RUNNING,
        )
        row = (await session.exec(mine.with_for_update())).first()
        if row is None:
            raise LeaseLostError
        return row

    async def _change(self, session: AsyncSession, **values: Any) -> None:
        statement = update(Operation).where(col(Operation.number) == self._held.number).values(**values)
        result: CursorResult[Any] = await session.exec(statement)
        assert result.rowcount == 1


def operation_error(code: str, message: str, *, retryable: bool) -> dict[str, Any]:
    """An error as jobs show it. The message must hold no secret."""
    return {"code": code, "message": message[:2000], "retryable": retryable}
