"""A lease is kept as long as its worker lives, ends when it does not, and is nobody else's in between."""

import asyncio
import time
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from tenant_api.operations.heartbeat import Heartbeat
from tenant_api.operations.plan import Outcome, Plan, Task
from tenant_api.operations.queue import RENEW, Claim, claim, hand_back, renewal
from tenant_api.operations.states import State
from tenant_api.web.state import Runtime
from tests.engine.conftest import Workers
from tests.engine.jobs import ended, enqueue, read, steps, until
from tests.engine.test_engine import step_of

pytestmark = pytest.mark.anyio


async def claimed(runtime: Runtime, *, lease: float = 3, room: int = 10, worker: str = "one") -> list[Claim]:
    return await claim(runtime.pool, worker=worker, room=room, lease_seconds=lease)


async def lease_left(runtime: Runtime, operation_id: UUID) -> timedelta:
    """By the clock of the database."""
    async with runtime.pool.connection() as connection:
        query = "SELECT lease_until - clock_timestamp() AS rest FROM operations WHERE id = %s"
        row = await (await connection.execute(query, (operation_id,))).fetchone()
    assert row is not None
    rest: timedelta = row["rest"]
    return rest


async def test_a_claim_lasts_as_long_as_its_lease_by_the_clock_of_the_database(runtime: Runtime) -> None:
    operation_id = await enqueue(runtime, "k")
    (held,) = await claimed(runtime, lease=60)
    assert (held.id, held.fence, held.attempts) == (operation_id, 1, 0)
    assert timedelta(seconds=55) < await lease_left(runtime, operation_id) <= timedelta(seconds=60)
    assert await claimed(runtime) == []


async def test_a_lease_that_ran_out_is_claimed_again_with_a_higher_fence(runtime: Runtime) -> None:
    await enqueue(runtime, "k")
    (first,) = await claimed(runtime, lease=0.05)
    await asyncio.sleep(0.1)
    (second,) = await claimed(runtime, worker="two")
    assert (second.number, second.fence) == (first.number, first.fence + 1)


async def test_only_the_holder_of_the_newest_claim_renews(runtime: Runtime) -> None:
    operation_id = await enqueue(runtime, "k")
    (first,) = await claimed(runtime, lease=0.05)
    await asyncio.sleep(0.1)
    (second,) = await claimed(runtime, lease=1, worker="two")

    async def renewed(held: Claim) -> int:
        async with runtime.pool.connection() as connection:
            return len(await (await connection.execute(RENEW, renewal([held], 60))).fetchall())

    assert await renewed(first) == 0
    assert await lease_left(runtime, operation_id) < timedelta(seconds=2)
    assert await renewed(second) == 1
    assert await lease_left(runtime, operation_id) > timedelta(seconds=50)


async def test_what_is_handed_back_is_due_at_once_and_only_its_holder_can(runtime: Runtime) -> None:
    operation_id = await enqueue(runtime, "k")
    (first,) = await claimed(runtime, lease=0.05)
    await asyncio.sleep(0.1)
    (second,) = await claimed(runtime, lease=60, worker="two")
    await hand_back(runtime.pool, first)
    assert (await read(runtime, operation_id)).state == State.RUNNING
    await hand_back(runtime.pool, second)
    operation = await read(runtime, operation_id)
    assert (operation.state, operation.lease_owner, operation.lease_until) == (State.QUEUED, None, None)
    assert len(await claimed(runtime)) == 1


async def test_room_bounds_a_claim_and_the_oldest_come_first(runtime: Runtime) -> None:
    expected = [await enqueue(runtime, "k", f"t{number}") for number in range(5)]
    first, second = await claimed(runtime, room=2), await claimed(runtime, room=10)
    assert [held.id for held in first] == expected[:2]
    assert [held.id for held in second] == expected[2:]


async def test_only_the_head_of_a_target_is_claimed(runtime: Runtime) -> None:
    first, _second = await enqueue(runtime, "k", "a"), await enqueue(runtime, "k", "a")
    other = await enqueue(runtime, "k", "b")
    assert [held.id for held in await claimed(runtime)] == [first, other]
    assert await claimed(runtime) == []


async def test_many_claims_at_once_never_take_the_same_operation(runtime: Runtime) -> None:
    expected = [await enqueue(runtime, "k", f"t{number % 12}") for number in range(24)]
    found = await asyncio.gather(*(claimed(runtime, room=3, lease=60, worker=f"w{number}") for number in range(10)))
    taken = [held.id for claims in found for held in claims]
    assert len(taken) == len(set(taken)) <= 12
    assert set(taken) <= set(expected[:12])


async def test_a_step_that_blocks_the_event_loop_keeps_its_lease(runtime: Runtime, working: Workers) -> None:
    calls = 0

    async def block(_task: Task) -> Outcome:
        nonlocal calls
        calls += 1
        time.sleep(2.5)  # the lease is one second
        return Outcome()

    operation_id = await enqueue(runtime, "k")
    async with working(Plan(kind="k", steps=(step_of("block", block),))):
        operation = await ended(runtime, operation_id)
    assert (operation.state, operation.fence, calls) == ("succeeded", 1, 1)
    assert [step.attempt for step in await steps(runtime, operation_id)] == [1]


async def test_a_heartbeat_that_cannot_renew_gives_up_when_the_lease_has_run_out(runtime: Runtime) -> None:
    lost: list[tuple[Claim, float]] = []
    await enqueue(runtime, "k")
    since = time.monotonic()
    (held,) = await claimed(runtime, lease=1)
    nobody = runtime.database_url.rpartition("/")[0] + "/there_is_no_such_database"
    heartbeat = Heartbeat(nobody, lease_seconds=1, lost=lambda claim: lost.append((claim, time.monotonic())))
    heartbeat.hold([held], since)
    heartbeat.start()

    async def has_given_up() -> bool:
        return bool(lost)

    await until(has_given_up)
    await asyncio.to_thread(heartbeat.stop)
    assert [entry[0] for entry in lost] == [held]
    assert 1 <= lost[0][1] - since < 3


async def test_a_heartbeat_does_not_take_the_end_of_an_operation_for_its_loss(runtime: Runtime) -> None:
    lost: list[Claim] = []
    operation_id = await enqueue(runtime, "k")
    (held,) = await claimed(runtime, lease=1)
    async with runtime.pool.connection() as connection:
        await connection.execute("UPDATE operations SET state = 'succeeded', lease_until = NULL")
    heartbeat = Heartbeat(runtime.database_url, lease_seconds=1, lost=lost.append)
    heartbeat.hold([held], time.monotonic())
    heartbeat.start()
    await asyncio.sleep(1.5)
    await asyncio.to_thread(heartbeat.stop)
    assert (lost, (await read(runtime, operation_id)).lease_until) == ([], None)


async def test_times_are_those_of_the_database(runtime: Runtime) -> None:
    operation_id = await enqueue(runtime, "k", deadline=timedelta(hours=1))
    operation = await read(runtime, operation_id)
    assert isinstance(operation.created_at, datetime)
    assert operation.deadline - operation.created_at == timedelta(hours=1)
