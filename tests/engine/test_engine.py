"""Operations run in order, once at a time per target, and end in a state that says what happened."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from db_provisioners.errors import ProvisionerDeniedError, ProvisionerUnavailableError, VerificationError
from tenant_api.db.tables import DEFAULT_TENANT_ID
from tenant_api.operations.plan import Outcome, Plan, Step, Task
from tenant_api.operations.repository import OperationRepository
from tenant_api.web.state import Runtime
from tests.engine.conftest import Workers
from tests.engine.jobs import ended, enqueue, read, steps, until

pytestmark = pytest.mark.anyio

Run = Callable[[Task], Awaitable[Outcome]]


def logging_step(name: str, log: list[str]) -> Step:
    async def run(task: Task) -> Outcome:
        log.append(f"{task.target}:{name}")
        return Outcome(message=f"{name} done")

    return Step(name=name, run=run)


def step_of(name: str, run: Run) -> Step:
    return Step(name=name, run=run)


async def test_steps_run_in_order_and_are_recorded(runtime: Runtime, working: Workers) -> None:
    log: list[str] = []
    plan = Plan(kind="k", steps=tuple(logging_step(name, log) for name in ("one", "two", "three")))
    operation_id = await enqueue(runtime, "k")
    async with working(plan):
        operation = await ended(runtime, operation_id)
    assert operation.state == "succeeded"
    assert log == ["a:one", "a:two", "a:three"]
    assert [(step.name, step.attempt, step.finished_at is not None) for step in await steps(runtime, operation_id)] == [
        ("one", 1, True),
        ("two", 1, True),
        ("three", 1, True),
    ]


async def test_one_target_is_first_in_first_out_and_never_twice_at_once(runtime: Runtime, working: Workers) -> None:
    running: set[str] = set()
    order: list[str] = []

    async def run(task: Task) -> Outcome:
        assert task.target not in running
        running.add(task.target)
        await asyncio.sleep(0.02)
        running.discard(task.target)
        order.append(str(task.operation_id))
        return Outcome()

    expected = [await enqueue(runtime, "k", "a") for _ in range(6)]
    others = [await enqueue(runtime, "k", f"b{number}") for number in range(6)]
    async with working(Plan(kind="k", steps=(step_of("s", run),))):
        for operation_id in (*expected, *others):
            assert (await ended(runtime, operation_id)).state == "succeeded"
    assert [entry for entry in order if entry in map(str, expected)] == [str(number) for number in expected]


async def test_a_step_that_is_not_done_is_called_again_without_losing_attempts(
    runtime: Runtime, working: Workers
) -> None:
    calls = 0

    async def run(_task: Task) -> Outcome:
        nonlocal calls
        calls += 1
        return Outcome(done=calls == 5, fraction=calls / 5)

    operation_id = await enqueue(runtime, "k", max_attempts=1)
    async with working(Plan(kind="k", steps=(step_of("s", run),))):
        operation = await ended(runtime, operation_id)
    assert (operation.state, calls, operation.fraction) == ("succeeded", 5, 1.0)
    assert [step.attempt for step in await steps(runtime, operation_id)] == [1]


async def test_a_retryable_failure_is_tried_again_until_the_attempts_are_used_up(
    runtime: Runtime, working: Workers
) -> None:
    calls = 0

    async def run(_task: Task) -> Outcome:
        nonlocal calls
        calls += 1
        raise ProvisionerUnavailableError("the server is away")

    operation_id = await enqueue(runtime, "k", max_attempts=2)
    async with working(Plan(kind="k", steps=(step_of("s", run),))):
        operation = await ended(runtime, operation_id)
    assert (operation.state, calls) == ("failed", 2)
    assert operation.error == {"code": "provisioner-unavailable", "message": "the server is away", "retryable": True}


async def test_a_final_failure_is_not_tried_again(runtime: Runtime, working: Workers) -> None:
    async def run(_task: Task) -> Outcome:
        raise ProvisionerDeniedError("no")

    operation_id = await enqueue(runtime, "k", max_attempts=5)
    async with working(Plan(kind="k", steps=(step_of("s", run),))):
        operation = await ended(runtime, operation_id)
    assert operation.state == "failed"
    assert [step.attempt for step in await steps(runtime, operation_id)] == [1]


async def test_a_defect_of_a_step_ends_its_operation_and_no_other(runtime: Runtime, working: Workers) -> None:
    async def run(task: Task) -> Outcome:
        if task.target == "bad":
            raise KeyError("s3cret detail")
        return Outcome()

    bad, good = await enqueue(runtime, "k", "bad"), await enqueue(runtime, "k", "good")
    async with working(Plan(kind="k", steps=(step_of("s", run),))):
        failed = await ended(runtime, bad)
        assert (await ended(runtime, good)).state == "succeeded"
    assert failed.state == "failed"
    assert "s3cret" not in str(failed.error)


async def test_an_unknown_kind_fails_at_once(runtime: Runtime, working: Workers) -> None:
    operation_id = await enqueue(runtime, "nobody-knows")
    async with working():
        operation = await ended(runtime, operation_id)
    assert operation.state == "failed"
    assert operation.error is not None
    assert operation.error["code"] == "unknown-kind"


async def test_an_overdue_operation_fails_instead_of_running(runtime: Runtime, working: Workers) -> None:
    log: list[str] = []
    operation_id = await enqueue(runtime, "k", deadline=timedelta(seconds=-1))
    async with working(Plan(kind="k", steps=(logging_step("s", log),))):
        operation = await ended(runtime, operation_id)
    assert (operation.state, log) == ("failed", [])
    assert operation.error is not None
    assert operation.error["code"] == "deadline-exceeded"


async def test_worthless_results_are_taken_back_before_the_operation_fails(runtime: Runtime, working: Workers) -> None:
    log: list[str] = []

    async def verify(_task: Task) -> Outcome:
        raise VerificationError("not what the template promises")

    plan = Plan(
        kind="k",
        steps=(logging_step("make", log), step_of("verify", verify)),
        undo=(logging_step("take back", log),),
        worthless=(VerificationError,),
    )
    operation_id = await enqueue(runtime, "k")
    async with working(plan):
        operation = await ended(runtime, operation_id)
    assert (operation.state, log) == ("failed", ["a:make", "a:take back"])
    assert operation.error is not None
    assert operation.error["code"] == "verification-failed"
    assert await steps(runtime, operation_id) == []


async def test_a_worker_that_stops_hands_its_operation_to_the_next(runtime: Runtime, working: Workers) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()
    log: list[str] = []

    async def slow(_task: Task) -> Outcome:
        begun.set()
        await may_end.wait()
        log.append("slow")
        return Outcome()

    plan = Plan(kind="k", steps=(logging_step("first", log), step_of("slow", slow), logging_step("last", log)))
    operation_id = await enqueue(runtime, "k")
    async with working(plan):
        await begun.wait()
        asyncio.get_running_loop().call_later(0.2, may_end.set)
    handed = await read(runtime, operation_id)
    assert (handed.state, handed.lease_owner) == ("waiting", None)
    async with working(plan):
        assert (await ended(runtime, operation_id)).state == "succeeded"
    assert log == ["a:first", "slow", "a:last"]


async def test_a_lost_lease_stops_the_work_and_its_writes(runtime: Runtime, working: Workers) -> None:
    begun = asyncio.Event()
    stopped = asyncio.Event()

    async def hang(_task: Task) -> Outcome:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError

    operation_id = await enqueue(runtime, "k")
    async with working(Plan(kind="k", steps=(step_of("hang", hang),))):
        await begun.wait()
        async with runtime.pool.connection() as connection:
            await connection.execute(
                "UPDATE operations SET fence = fence + 1, lease_owner = 'another', lease_until = now() + '1 minute'"
            )

        async def has_stopped() -> bool:
            return stopped.is_set()

        await until(has_stopped)
        operation = await read(runtime, operation_id)
    assert (operation.state, operation.lease_owner) == ("running", "another")


async def test_what_is_complete_succeeds_however_late_and_whoever_wished_otherwise(
    runtime: Runtime, working: Workers
) -> None:
    async def last(_task: Task) -> Outcome:
        async with runtime.pool.connection() as connection:
            await connection.execute("UPDATE operations SET cancel_requested = true, deadline = now() - interval '1 s'")
        return Outcome()

    log: list[str] = []
    plan = Plan(kind="k", steps=(step_of("last", last),), undo=(logging_step("take back", log),))
    operation_id = await enqueue(runtime, "k")
    async with working(plan):
        assert (await ended(runtime, operation_id)).state == "succeeded"
    assert log == []


async def test_an_undo_that_failed_is_gone_on_with(runtime: Runtime, working: Workers) -> None:
    refusals = [ProvisionerDeniedError("not now")]
    log: list[str] = []

    async def verify(_task: Task) -> Outcome:
        raise VerificationError("not what the template promises")

    async def take_back(_task: Task) -> Outcome:
        if refusals:
            raise refusals.pop()
        log.append("taken back")
        return Outcome()

    plan = Plan(
        kind="k",
        steps=(logging_step("make", log), step_of("verify", verify)),
        undo=(step_of("take back", take_back),),
        worthless=(VerificationError,),
    )
    operation_id = await enqueue(runtime, "k")
    async with working(plan):
        assert (await ended(runtime, operation_id)).undo == "failed"
        async with runtime.sessions.begin() as session:
            operations = OperationRepository(session, DEFAULT_TENANT_ID)
            operation = await operations.lock(operation_id)
            assert operation is not None
            await operations.requeue(operation, deadline=timedelta(minutes=1))
        again = await ended(runtime, operation_id)
    assert (again.state, again.undo, log) == ("failed", None, ["a:make", "taken back"])
    assert await steps(runtime, operation_id) == []
