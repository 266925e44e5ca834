"""A worker may die at any moment of a tenant's removal: another one finishes it, and nothing of the tenant is left."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from tests.api import bodies
from tests.api.service import Api, serving
from tests.crash.cases import Kill, Watch, killed_and_recovered, statements_of, watching
from tests.crash.checker import check
from tests.crash.environment import TEMPLATE, Environment
from tests.crash.figures import described, percentile
from tests.crash.proxy import KillPoint, Moment
from tests.crash.statements import changes, every_moment, of_one_operation
from tests.engine.jobs import until
from tests.managed.stores import MANAGE, at_work, on_server

pytestmark = [pytest.mark.crash, pytest.mark.xdist_group("crash"), pytest.mark.anyio, pytest.mark.timeout(500)]

LANES = 4
ONE_IN = 4  # of the moments; all of them take three minutes
OPEN = "SELECT count(*) FROM operations WHERE finished_at IS NULL"
LEFT = """
SELECT (SELECT count(*) FROM tenants WHERE id = %(id)s)
    + (SELECT count(*) FROM vendors WHERE tenant_id = %(id)s)
    + (SELECT count(*) FROM data_stores WHERE tenant_id = %(id)s)
    + (SELECT count(*) FROM managed_data_stores WHERE tenant_id = %(id)s)
    + (SELECT count(*) FROM operations WHERE tenant_id = %(id)s)
    + (SELECT count(*) FROM tenant_clients WHERE tenant_id = %(id)s)
    + (SELECT count(*) FROM idp_clients WHERE lower(client_id) = lower(%(key)s))
"""


class Town:
    """A tenant with a database, and an application whose credential reaches it."""

    def __init__(self, api: Api, name: str) -> None:
        self.api, self.name = api, name

    async def found(self) -> "Town":
        self.id = await self.api.made("/v3/tenants", {"name": self.name})
        answer = await self.api.post(MANAGE, {"name": "Year", "databaseTemplate": TEMPLATE}, tenant=self.name)
        assert answer.status_code == 202, answer.text
        return self

    async def settle(self) -> None:
        """Once its database stands."""
        vendor = await self.api.made("/v3/vendors", bodies.vendor(), tenant=self.name)
        [shown] = (await self.api.get(MANAGE, tenant=self.name)).json()
        body = bodies.application(vendor, dataStoreIds=[shown["dataStoreId"]])
        self.key = (await self.api.post("/v3/applications", body, tenant=self.name)).json()["key"]


@asynccontextmanager
async def towns(environment: Environment, lane: str, number: int) -> AsyncIterator[tuple[str, Watch, list[Town]]]:
    """So many tenants in a service of their own, which has no worker any more."""
    async with (
        environment.service_database() as database,
        watching(environment, database) as watch,
        serving(environment.superuser.url(database), multi_tenancy=True, **environment.provisioner()) as api,
    ):
        built = [await Town(api, f"{lane}x{index}").found() for index in range(number)]

        async def all_made() -> bool:
            await asyncio.sleep(0.5)
            return await (await watch.execute(OPEN)).fetchone() == (0,)

        async with at_work(api):
            await until(all_made, seconds=240)
        for town in built:
            await town.settle()
        yield database, watch, built


async def killed_in_turn(environment: Environment, lane: str, points: Sequence[KillPoint]) -> list[Kill]:
    """One tenant after the other is removed by a worker that dies, each at its own point."""
    kills = []
    async with towns(environment, lane, len(points)) as (database, watch, built):
        for town, point in zip(built, points, strict=True):
            kill = await killed_and_recovered(environment, database, watch, ("remove", town.id), point)
            assert kill.state == "succeeded", kill
            row = await (await watch.execute(LEFT, {"id": town.id, "key": town.key})).fetchone()
            assert row == (0,), kill
            assert on_server(environment.superuser.url(), f"ta_{town.name}_") == [], kill
            kills.append(kill)
        found = await asyncio.to_thread(check, environment, [database], beginning=f"ta_{lane}")
        assert found.all == []
    return kills


async def test_a_worker_killed_at_a_change_of_a_removal_leaves_nothing_behind(environment: Environment) -> None:
    async with towns(environment, "dry", 1) as (database, watch, [town]):
        said = of_one_operation(await statements_of(environment, database, watch, ("remove", town.id)))
    last = changes(said)[-1]
    # What is as after one change is as before the next.
    points = [
        point for point in every_moment(changes(said)) if point.moment is not Moment.AFTER or point.number == last
    ]
    assert len(points) > 2 * 8  # claim, three steps begun and ended, stages of a drop
    points = [*points[::ONE_IN], points[-1]]
    lanes = [points[lane::LANES] for lane in range(LANES)]
    killed = await asyncio.gather(
        *(killed_in_turn(environment, f"lane{lane}", chosen) for lane, chosen in enumerate(lanes))
    )
    kills = [kill for lane in killed for kill in lane]
    waits = [kill.waited for kill in kills if kill.waited is not None]
    print(f"\n{len(kills)} kills, {len(points)} points; {described(waits)}")
    assert [str(kill) for kill in kills if kill.statement is None] == []
    assert percentile(waits, 0.99) <= 5
