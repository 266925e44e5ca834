"""Several workers share the work, wake each other, and replace one another."""

import asyncio
import os
import signal
import time
from collections import Counter
from contextlib import suppress
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from tenant_api.backing import attached
from tenant_api.db.tables import Operation
from tenant_api.operations.plan import Outcome, Plan, Task
from tenant_api.operations.states import OPEN
from tenant_api.runtime import open_runtime
from tenant_api.settings import load_settings
from tenant_api.web.state import Runtime
from tests.api.service import environment, serving
from tests.crash.processes import Forked, be_quiet
from tests.engine.conftest import Workers, worker_of
from tests.engine.jobs import ended, enqueue, read, steps, until
from tests.engine.test_engine import step_of

pytestmark = pytest.mark.anyio


async def done(_task: Task) -> Outcome:
    return Outcome()


async def test_two_workers_share_ten_operations_and_run_none_twice(service_url: str) -> None:
    runs: Counter[str] = Counter()

    async def run(task: Task) -> Outcome:
        runs[str(task.operation_id)] += 1
        await asyncio.sleep(0.05)
        return Outcome()

    plan = Plan(kind="k", steps=(step_of("s", run),))
    async with serving(service_url) as one, serving(service_url) as two:
        expected = [await enqueue(one.runtime, "k", f"t{number}") for number in range(10)]
        async with worker_of(one.runtime, plan), worker_of(two.runtime, plan):
            for operation_id in expected:
                operation = await ended(one.runtime, operation_id)
                assert (operation.state, operation.fence) == ("succeeded", 1)
    assert runs == Counter({str(operation_id): 1 for operation_id in expected})


async def test_an_idle_worker_is_woken_long_before_its_next_poll(service_url: str) -> None:
    started: list[float] = []

    async def run(_task: Task) -> Outcome:
        started.append(time.monotonic())
        return Outcome()

    plan = Plan(kind="k", steps=(step_of("s", run),))
    async with serving(service_url, WORKERS__POLL_SECONDS="30") as api, worker_of(api.runtime, plan):
        await until(lambda: _listens(api.runtime))
        for target in ("a", "b", "c"):
            asked = time.monotonic()
            await ended(api.runtime, await enqueue(api.runtime, "k", target))
            assert started[-1] - asked < 10


async def test_an_operation_whose_worker_was_killed_is_claimed_again_within_five_seconds(service_url: str) -> None:
    async with serving(service_url) as api:
        operation_id = await enqueue(api.runtime, "k")
        doomed = Forked(_work_forever, environment(service_url))

        async def begun() -> bool:
            return (await read(api.runtime, operation_id)).step == "s"

        await until(begun)
        async with worker_of(api.runtime, Plan(kind="k", steps=(step_of("s", done),))):
            await asyncio.sleep(4)  # longer than the lease: the other worker lives and keeps it
            assert (await read(api.runtime, operation_id)).fence == 1
            os.kill(doomed.pid, signal.SIGKILL)
            killed = time.monotonic()
            operation = await ended(api.runtime, operation_id)
            assert time.monotonic() - killed < 5
        await asyncio.to_thread(doomed.join)
        found = await steps(api.runtime, operation_id)
    assert (operation.state, operation.fence) == ("succeeded", 2)
    assert [(step.attempt, step.finished_at is None) for step in found] == [(1, True), (2, False)]


async def test_an_operation_survives_the_loss_of_all_connections(runtime: Runtime, working: Workers) -> None:
    cut = 0

    async def run(_task: Task) -> Outcome:
        nonlocal cut
        if cut < 3:
            cut += 1
            await asyncio.to_thread(_cut_all, runtime)
        return Outcome()

    operation_id = await enqueue(runtime, "k")
    plan = Plan(kind="k", steps=tuple(step_of(name, run) for name in ("one", "two", "three", "four")))
    async with working(plan):
        operation = await outcome(runtime, operation_id)
    assert (operation.state, operation.error, cut) == ("succeeded", None, 3)


async def test_a_connection_lost_inside_a_step_is_no_defect_of_the_step(runtime: Runtime, working: Workers) -> None:
    cut = 0

    async def run(task: Task) -> Outcome:
        nonlocal cut
        async with task.runtime.sessions.begin() as session:
            connection = await session.connection()
            if not cut:
                cut += 1
                await asyncio.to_thread(_cut_all, runtime)
            await connection.exec_driver_sql("SELECT 1")
        return Outcome()

    operation_id = await enqueue(runtime, "k")
    async with working(Plan(kind="k", steps=(step_of("s", run),))):
        operation = await outcome(runtime, operation_id)
    assert (operation.state, operation.error, cut) == ("succeeded", None, 1)


async def test_a_worker_goes_on_after_its_database_was_away(runtime: Runtime, working: Workers) -> None:
    async with working(Plan(kind="k", steps=(step_of("s", done),))):
        assert (await outcome(runtime, await enqueue(runtime, "k"))).state == "succeeded"
        for _ in range(3):
            await asyncio.to_thread(_cut_all, runtime)
            assert (await outcome(runtime, await enqueue(runtime, "k"))).state == "succeeded"
        await until(lambda: _listens(runtime))


async def test_calls_that_outlast_the_drain_are_interrupted_and_handed_back(service_url: str) -> None:
    running: set[str] = set()

    async def hang(task: Task) -> Outcome:
        running.add(task.target)
        try:
            await asyncio.Event().wait()
        finally:
            running.discard(task.target)
        raise AssertionError

    async with serving(service_url, WORKERS__DRAIN_SECONDS="0.2") as api:
        handed = [await enqueue(api.runtime, "k", target) for target in ("a", "b", "c")]
        async with worker_of(api.runtime, Plan(kind="k", steps=(step_of("s", hang),))):

            async def all_run() -> bool:
                return len(running) == 3

            await until(all_run)
        assert running == set()
        found = [await read(api.runtime, operation_id) for operation_id in handed]
    assert [(operation.state, operation.lease_owner) for operation in found] == [("waiting", None)] * 3


async def outcome(runtime: Runtime, operation_id: UUID) -> Operation:
    """The operation once it has ended; our own look may be cut off too."""

    async def has_ended() -> bool:
        with suppress(OperationalError):
            return (await read(runtime, operation_id)).state not in OPEN
        return False

    await until(has_ended)
    return await read(runtime, operation_id)


async def _listens(runtime: Runtime) -> bool:
    """A session that still says LISTEN does not hear yet; an idle one has said it."""
    query = """
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND query = 'LISTEN operations' AND state = 'idle'
    """
    async with runtime.pool.connection() as connection:
        return (await connection.execute(query)).rowcount > 0


def _cut_all(runtime: Runtime) -> None:
    """As a restart of the server or a failing network would."""
    with psycopg.connect(runtime.database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _work_forever(environ: dict[str, str]) -> None:
    be_quiet()
    asyncio.run(_work_on(environ))


async def _work_on(environ: dict[str, str]) -> None:
    async def hang(_task: Task) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    settings = load_settings(environ)
    with attached(settings) as backing:
        async with (
            open_runtime(settings, backing) as runtime,
            worker_of(runtime, Plan(kind="k", steps=(step_of("s", hang),))),
        ):
            await asyncio.Event().wait()
