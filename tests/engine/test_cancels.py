"""A job can be stopped while it waits, and in the middle if what it made can be taken back."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest

from db_provisioners.errors import ProvisionerUnavailableError
from tenant_api.db.tables import DEFAULT_TENANT_ID
from tenant_api.kernel.errors import ConflictError
from tenant_api.operations.plan import Outcome, Plan, Step, Task, Write
from tenant_api.operations.repository import OperationRepository
from tenant_api.operations.service import JobService
from tenant_api.web.state import Runtime
from tests.api.service import serving
from tests.engine.conftest import Workers, worker_of
from tests.engine.jobs import ended, enqueue, read, steps, until
from tests.engine.test_engine import logging_step, step_of

pytestmark = pytest.mark.anyio

Ask = Callable[[JobService], Awaitable[object]]


async def ask(runtime: Runtime, plan: Plan, request: Ask) -> None:
    async with runtime.sessions.begin() as session:
        operations = OperationRepository(session, DEFAULT_TENANT_ID)
        await request(JobService(operations, {plan.kind: plan}, deadline=timedelta(minutes=5)))


async def cancel(runtime: Runtime, plan: Plan, operation_id: UUID) -> None:
    await ask(runtime, plan, lambda jobs: jobs.cancel(operation_id))


async def retry(runtime: Runtime, plan: Plan, operation_id: UUID) -> None:
    await ask(runtime, plan, lambda jobs: jobs.retry(operation_id))


class Pause:
    """A step that says when it has begun and goes on when it is told to."""

    def __init__(self) -> None:
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def __call__(self, _task: Task) -> Outcome:
        self.begun.set()
        await self.may_end.wait()
        return Outcome()


async def test_a_queued_job_is_cancelled_before_its_first_step(runtime: Runtime, working: Workers) -> None:
    log: list[str] = []
    plan = Plan(kind="k", steps=(logging_step("make", log),), undo=(logging_step("take back", log),))
    operation_id = await enqueue(runtime, "k")
    await cancel(runtime, plan, operation_id)
    async with working(plan):
        operation = await ended(runtime, operation_id)
    assert (operation.state, operation.error, log) == ("cancelled", None, [])


async def test_a_job_cancelled_in_the_middle_takes_back_what_it_made(runtime: Runtime, working: Workers) -> None:
    log: list[str] = []
    pause = Pause()
    plan = Plan(
        kind="k",
        steps=(logging_step("make", log), step_of("pause", pause), logging_step("never", log)),
        undo=(logging_step("take back", log), logging_step("clear", log)),
    )
    operation_id = await enqueue(runtime, "k")
    async with working(plan):
        await pause.begun.wait()
        await cancel(runtime, plan, operation_id)
        await cancel(runtime, plan, operation_id)
        pause.may_end.set()
        operation = await ended(runtime, operation_id)
    assert (operation.state, operation.undo) == ("cancelled", None)
    assert log == ["a:make", "a:take back", "a:clear"]
    assert await steps(runtime, operation_id) == []


async def test_a_job_that_waits_for_its_next_attempt_is_cancelled_at_once(runtime: Runtime, working: Workers) -> None:
    async def away(_task: Task) -> Outcome:
        return Outcome(done=False, retry_after=timedelta(minutes=5))

    log: list[str] = []
    plan = Plan(kind="k", steps=(step_of("away", away),), undo=(logging_step("take back", log),))
    operation_id = await enqueue(runtime, "k")
    async with working(plan):

        async def waits() -> bool:
            return (await read(runtime, operation_id)).state == "waiting"

        await until(waits)
        await cancel(runtime, plan, operation_id)
        assert (await ended(runtime, operation_id)).state == "cancelled"
    assert log == ["a:take back"]


async def test_a_job_that_cannot_be_taken_back_is_cancelled_only_before_it_begins(
    runtime: Runtime, working: Workers
) -> None:
    log: list[str] = []
    pause = Pause()
    ends: list[UUID] = []

    def note(task: Task) -> Write:
        async def write(_session: object) -> None:
            ends.append(task.operation_id)

        return write

    plan = Plan(kind="k", steps=(step_of("pause", pause), logging_step("last", log)), cancelled=note)
    begun, queued = await enqueue(runtime, "k"), await enqueue(runtime, "k")
    async with working(plan):
        await pause.begun.wait()
        with pytest.raises(ConflictError, match="has begun"):
            await cancel(runtime, plan, begun)
        await cancel(runtime, plan, queued)
        pause.may_end.set()
        assert (await ended(runtime, begun)).state == "succeeded"
        assert (await ended(runtime, queued)).state == "cancelled"
    assert (log, ends) == (["a:last"], [queued])
    with pytest.raises(ConflictError, match="has ended"):
        await cancel(runtime, plan, begun)


async def test_a_cancelled_job_that_never_began_cannot_be_retried_unless_it_can_be_taken_back(
    runtime: Runtime, working: Workers
) -> None:
    plan = Plan(kind="k", steps=(logging_step("make", []),))
    operation_id = await enqueue(runtime, "k")
    await cancel(runtime, plan, operation_id)
    async with working(plan):
        await ended(runtime, operation_id)
    with pytest.raises(ConflictError, match="again"):
        await retry(runtime, plan, operation_id)


async def test_a_cancelled_job_is_retried_from_nothing(runtime: Runtime, working: Workers) -> None:
    log: list[str] = []
    pause = Pause()
    plan = Plan(
        kind="k",
        steps=(logging_step("make", log), step_of("pause", pause), logging_step("last", log)),
        undo=(logging_step("take back", log),),
    )
    operation_id = await enqueue(runtime, "k")
    async with working(plan):
        await pause.begun.wait()
        await cancel(runtime, plan, operation_id)
        pause.may_end.set()
        await ended(runtime, operation_id)
        await retry(runtime, plan, operation_id)
        operation = await ended(runtime, operation_id)
    assert (operation.state, operation.cancel_requested) == ("succeeded", False)
    assert log == ["a:make", "a:take back", "a:make", "a:last"]


async def test_a_failed_job_is_retried_from_the_step_that_failed(runtime: Runtime, working: Workers) -> None:
    log: list[str] = []
    is_down = True

    async def fragile(_task: Task) -> Outcome:
        if is_down:
            raise ProvisionerUnavailableError("the server is away")
        return Outcome()

    plan = Plan(kind="k", steps=(logging_step("make", log), step_of("fragile", fragile), logging_step("last", log)))
    operation_id = await enqueue(runtime, "k", max_attempts=1)
    async with working(plan):
        failed = await ended(runtime, operation_id)
        is_down = False
        await retry(runtime, plan, operation_id)
        operation = await ended(runtime, operation_id)
    assert (failed.state, operation.state, operation.error, operation.attempts) == ("failed", "succeeded", None, 0)
    assert log == ["a:make", "a:last"]
    assert operation.deadline > failed.deadline
    with pytest.raises(ConflictError, match="failed or was cancelled"):
        await retry(runtime, plan, operation_id)


async def test_a_job_is_not_retried_behind_a_later_one(runtime: Runtime, working: Workers) -> None:
    async def fails(task: Task) -> Outcome:
        if str(task.operation_id) == str(first):
            raise KeyError
        return Outcome()

    plan = Plan(kind="k", steps=(step_of("s", fails),))
    first, second = await enqueue(runtime, "k"), await enqueue(runtime, "k")
    async with working(plan):
        await ended(runtime, second)
    with pytest.raises(ConflictError, match="later job"):
        await retry(runtime, plan, first)


async def test_a_later_job_that_never_happened_does_not_stand_in_the_way_of_a_retry(
    runtime: Runtime, working: Workers
) -> None:
    is_broken = True

    async def fragile(_task: Task) -> Outcome:
        if is_broken:
            raise KeyError
        return Outcome()

    plan = Plan(kind="k", steps=(step_of("s", fragile),))
    first, second = await enqueue(runtime, "k"), await enqueue(runtime, "k")
    await cancel(runtime, plan, second)
    async with working(plan):
        assert (await ended(runtime, first)).state == "failed"
        assert (await ended(runtime, second)).state == "cancelled"
        is_broken = False
        await retry(runtime, plan, first)
        assert (await ended(runtime, first)).state == "succeeded"


async def test_taking_back_has_a_deadline_of_its_own(service_url: str) -> None:
    async def never(_task: Task) -> Outcome:
        return Outcome(done=False, retry_after=timedelta(milliseconds=50))

    pause = Pause()
    plan = Plan(
        kind="k",
        steps=(step_of("pause", pause), logging_step("last", [])),
        undo=(Step(name="never", run=never),),
    )
    async with serving(service_url, WORKERS__OPERATION_DEADLINE_SECONDS="1") as api:
        operation_id = await enqueue(api.runtime, "k", deadline=timedelta(seconds=-1))
        async with worker_of(api.runtime, plan):
            assert (await ended(api.runtime, operation_id)).state == "failed"
        operation_id = await enqueue(api.runtime, "k", target="b")
        async with worker_of(api.runtime, plan):
            await pause.begun.wait()
            await cancel(api.runtime, plan, operation_id)
            pause.may_end.set()
            operation = await ended(api.runtime, operation_id)
    assert operation.state == "failed"
    assert operation.error is not None
    assert operation.error["code"] == "deadline-exceeded"
