"""Comparisons that nobody asked for: each tenant when it is due, by one replica, within what they may repair."""

import asyncio
from typing import Any

import pytest

from tenant_api.identity import schedule
from tenant_api.identity.schedule import OPEN_AT_ONCE, enqueue_due, keep_comparing
from tests.api import bodies
from tests.engine.jobs import until
from tests.identity.outside.reconciling import asked, bend, drift
from tests.identity.outside.world import World, outside

pytestmark = pytest.mark.anyio

HOURLY = {"RECONCILIATION__INTERVAL_MINUTES": "60"}
JOBS = "SELECT id, tenant_id, created_by FROM operations WHERE kind = 'identity.reconcile' ORDER BY number"
AN_HOUR_LATER = "UPDATE operations SET created_at = created_at - interval '61 min' RETURNING 1"


async def all_ended(world: World) -> bool:
    return not await world.rows("SELECT 1 FROM operations WHERE finished_at IS NULL")


async def worked(world: World) -> None:
    async with world.working():
        await until(lambda: all_ended(world))


async def last_report(world: World) -> dict[str, Any]:
    job_id = (await world.rows(JOBS))[-1]["id"]
    found: dict[str, Any] = (await world.api.get(f"/v3/identity/reconciliations/{job_id}")).json()
    return found


async def test_a_tenant_is_due_once_in_an_interval_and_only_reported_on(service_url: str) -> None:
    async with outside(service_url, **HOURLY) as world:
        runtime = world.api.runtime
        assert await enqueue_due(runtime) == 0  # nothing to compare
        key = (await world.application(await world.vendor()))["key"]
        world.provider.uproot(key)
        assert [await enqueue_due(runtime), await enqueue_due(runtime)] == [1, 0]
        await worked(world)
        found = await last_report(world)
        assert (drift(found), found["dryRun"], found["repair"]) == ({"missing": [key]}, True, "NotAsked")
        assert await enqueue_due(runtime) == 0
        await world.rows(AN_HOUR_LATER)
        assert await enqueue_due(runtime) == 1
        assert {job["created_by"] for job in await world.rows(JOBS)} == {"system"}
        assert key not in world.at_provider()


async def test_it_repairs_within_its_own_limit(service_url: str) -> None:
    async with outside(service_url, **HOURLY, RECONCILIATION__SCHEDULED_LIMIT="1") as world:
        vendor = await world.vendor()
        keys = [(await world.application(vendor))["key"] for _ in range(2)]
        for key in keys:
            await bend(world, key, enabled=False)
        await enqueue_due(world.api.runtime)
        await worked(world)
        assert (await last_report(world))["repair"] == "TooMuch"
        await bend(world, keys[0], enabled=True)
        await world.rows(AN_HOUR_LATER)
        await enqueue_due(world.api.runtime)
        await worked(world)
        assert (await last_report(world))["repair"] == "Started"
        await world.brought_in_line()
        await world.assert_agreement()
        assert world.provider.held[keys[1]].enabled


async def test_many_replicas_enqueue_each_tenant_once_and_few_at_a_time(service_url: str) -> None:
    async with outside(service_url, multi_tenancy=True, **HOURLY) as world:
        tenants = set()
        for _ in range(OPEN_AT_ONCE + 3):
            body = bodies.tenant()
            tenants.add(await world.api.made("/v3/tenants", body))
            vendor = await world.api.made("/v3/vendors", bodies.vendor(), tenant=body["name"])
            await world.api.post("/v3/applications", bodies.application(vendor), tenant=body["name"])
        for expected in (OPEN_AT_ONCE, 2 * OPEN_AT_ONCE, len(tenants), len(tenants)):
            await asyncio.gather(*(enqueue_due(world.api.runtime) for _ in range(8)))
            assert len(await world.rows(JOBS)) == expected
            await worked(world)
        assert {job["tenant_id"] for job in await world.rows(JOBS)} == tenants


async def test_a_comparison_that_somebody_asked_for_counts(service_url: str) -> None:
    async with outside(service_url, **HOURLY) as world:
        await world.application(await world.vendor())
        await asked(world)
        await world.rows(AN_HOUR_LATER)
        assert await enqueue_due(world.api.runtime) == 0  # it has not ended
        await worked(world)
        assert await enqueue_due(world.api.runtime) == 1


async def test_the_schedule_keeps_the_newest_only(service_url: str) -> None:
    async with outside(service_url, **HOURLY) as world:
        await world.application(await world.vendor())
        for _ in range(12):
            assert await enqueue_due(world.api.runtime) == 1
            await worked(world)
            await world.rows(AN_HOUR_LATER)
        assert len(await world.rows(JOBS)) == 11


async def test_it_goes_on_from_the_start_of_a_service_until_its_end(
    service_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "EVERY_SECONDS", 3600.0)
    async with outside(service_url, **HOURLY) as world:
        await world.application(await world.vendor())
        stop = asyncio.Event()
        comparing = asyncio.create_task(keep_comparing(world.api.runtime, stop))

        async def is_enqueued() -> bool:
            return bool(await world.rows(JOBS))

        await until(is_enqueued)
        stop.set()
        await asyncio.wait_for(comparing, 30)
