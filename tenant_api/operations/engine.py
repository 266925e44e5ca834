"""Runs one claimed operation, step by step, until it ends, waits or is no longer ours."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import structlog
from psycopg import OperationalError as DriverError
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as SessionTimeout

from db_provisioners.errors import ProvisionerError
from idp_providers.errors import IdpError
from tenant_api.kernel.errors import TenantApiError
from tenant_api.operations.plan import Plan, Plans, Step, Task, nothing
from tenant_api.operations.queue import Claim
from tenant_api.operations.record import LeaseLostError, Record, operation_error
from tenant_api.operations.states import State
from tenant_api.web.state import Runtime

SHORT_WAIT = timedelta(seconds=1)
"""Up to here a worker waits itself; beyond, it gives the operation back until it is due."""
FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 300.0
PASSING = (OSError, OperationalError, InterfaceError, SessionTimeout, DriverError, PoolTimeout)
"""Our own database or the network was away: nobody's fault, and over when it is back."""

logger = structlog.get_logger(__name__)


class Engine:
    """One worker's hands. `draining` makes it hand operations back between two calls."""

    def __init__(self, runtime: Runtime, plans: Plans) -> None:
        self._runtime = runtime
        self._plans = plans
        self.draining = False

    async def run(self, held: Claim) -> bool:
        """Work on an operation; answers False if it should be handed back at once.

        LeaseLostError if another worker took over. Every other outcome is in the operation's row afterwards.
        """
        record = Record(self._runtime.sessions, held)
        plan = self._plans.get(held.kind)
        if plan is None:
            error = operation_error(
                "unknown-kind", f"No worker knows operations of kind {held.kind!r}.", retryable=False
            )
            await record.finish(State.FAILED, nothing, error)
            return True
        work = _Work(self._runtime, plan, held, record)
        while not self.draining:
            if await work.advance():
                return True
        return False


class _Work:
    """One claim on one operation."""

    def __init__(self, runtime: Runtime, plan: Plan, held: Claim, record: Record) -> None:
        self._plan = plan
        self._held = held
        self._record = record
        self._attempts = held.attempts
        self._open: tuple[str, int] | None = None
        self._task = Task(runtime=runtime, operation_id=held.id, tenant_id=held.tenant_id, target=held.target)

    async def advance(self) -> bool:
        """One call of one step; True when there is nothing more to do in this claim."""
        progress = await self._record.progress()
        step = self._next(progress.finished)
        if step is None:  # what is complete ends so, however late and whoever wished otherwise
            await self._end()
            return True
        if self._record.undo is None and progress.cancel_requested and (self._plan.undo or not progress.begun):
            return await self._cancel(begun=progress.begun)
        if progress.overdue:
            await self._fail(operation_error("deadline-exceeded", await self._plan.overdue(self._task), retryable=True))
            return True
        try:
            return await self._call(step)
        except LeaseLostError:
            raise
        except (ProvisionerError, IdpError, TenantApiError, *PASSING) as error:
            return await self._after(error)
        except Exception as error:  # a defect of ours must not take the other operations down
            logger.exception("operation.step.failed", operation=str(self._held.id), step=step.name)
            return await self._after(error)

    def _next(self, finished: frozenset[str]) -> Step | None:
        steps = self._plan.undo if self._record.undo else self._plan.steps
        return next((step for step in steps if step.name not in finished), None)

    async def _call(self, step: Step) -> bool:
        if self._open is None or self._open[0] != step.name:
            self._open = (step.name, await self._record.begin_step(step.name))
        outcome = await step.run(self._task)
        self._attempts = 0
        if outcome.done:
            await self._record.finish_step(step.name, self._open[1], outcome)
            self._open = None
            logger.info("operation.step.finished", operation=str(self._held.id), step=step.name)
            return False
        await self._record.note(outcome)
        if outcome.retry_after > SHORT_WAIT:
            await self._record.wait(outcome.retry_after)
            return True
        await asyncio.sleep(outcome.retry_after.total_seconds())
        return False

    async def _after(self, error: Exception) -> bool:
        self._open = None
        retryable = bool(getattr(error, "retryable", isinstance(error, PASSING)))
        described = _described(error, retryable=retryable)
        self._attempts += 1
        if self._record.undo is None and isinstance(error, self._plan.worthless):
            return await self._undo(State.FAILED, described)
        if retryable and self._attempts < self._held.max_attempts:
            delay = _backoff(self._attempts)
            logger.info("operation.retry", operation=str(self._held.id), attempt=self._attempts, error=described)
            await self._record.wait(delay, attempts=self._attempts, error=described)
            return True
        await self._fail(described)
        return True

    async def _cancel(self, *, begun: bool) -> bool:
        if begun:
            return await self._undo(State.CANCELLED, None)
        await self._record.finish(State.CANCELLED, self._plan.cancelled(self._task))
        return True

    async def _undo(self, end: State, error: dict[str, Any] | None) -> bool:
        workers = self._task.runtime.settings.workers
        await self._record.begin_undo(end, error, deadline=timedelta(seconds=workers.operation_deadline_seconds))
        self._attempts = 0
        return False

    async def _end(self) -> None:
        end = self._record.undo or State.SUCCEEDED
        write = self._plan.cancelled(self._task) if end is State.CANCELLED else nothing
        await self._record.finish(end, write, undone=self._record.undo is not None)
        logger.info("operation.ended", operation=str(self._held.id), kind=self._held.kind, state=end)

    async def _fail(self, error: dict[str, Any]) -> None:
        await self._record.finish(State.FAILED, nothing, error)
        logger.warning("operation.failed", operation=str(self._held.id), kind=self._held.kind, error=error)


def _described(error: Exception, *, retryable: bool) -> dict[str, Any]:
    """What jobs may show of an error: plugins and our own refusals speak for themselves, the rest stays in the log."""
    if isinstance(error, ProvisionerError):
        return operation_error(error.code, str(error), retryable=retryable)
    if isinstance(error, IdpError):
        return operation_error("identity-provider", str(error), retryable=retryable)
    if isinstance(error, TenantApiError):
        return operation_error(error.code, error.detail, retryable=retryable)
    if isinstance(error, PASSING):
        return operation_error("service-unavailable", "The service's own database did not answer.", retryable=retryable)
    return operation_error("unexpected", "The step failed unexpectedly; the log has the details.", retryable=retryable)


def _backoff(attempt: int) -> timedelta:
    """Doubling, capped, with jitter so that many operations do not come back together."""
    seconds = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (attempt - 1))
    return timedelta(seconds=seconds * random.uniform(0.75, 1.25))  # noqa: S311 - spreads load, protects nothing
