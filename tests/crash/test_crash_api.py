"""The API may die between accepting and answering: the row is there with its job, or nothing is."""

from collections.abc import Mapping

import pytest

from tests.api import bodies
from tests.crash.calls import MANAGE, Request, Service, at_once, call, points_of, service_of
from tests.crash.cases import reaped
from tests.crash.checker import check
from tests.crash.environment import TEMPLATE, Environment
from tests.crash.processes import Worker
from tests.crash.proxy import KillPoint, Moment, Proxy
from tests.engine.jobs import until

pytestmark = [pytest.mark.crash, pytest.mark.xdist_group("crash"), pytest.mark.anyio, pytest.mark.timeout(300)]

BY_NAME = """
SELECT m.id, o.kind, o.state, o.target FROM managed_data_stores m JOIN operations o ON o.id = m.operation_id
WHERE m.name = %s
"""
JOBS_OF_NOTHING = """
SELECT count(*) FROM operations o WHERE NOT EXISTS
    (SELECT FROM managed_data_stores m WHERE o.target = '/v3/dataStores/manage/' || m.id)
"""


async def test_an_api_killed_while_it_accepts_leaves_all_or_nothing(environment: Environment) -> None:
    async with service_of(environment) as service:
        creates = await points_of(service, post("Undisturbed"))
        await at_once(*(_killed_post(service, point) for point in creates))
        assert await service.number(JOBS_OF_NOTHING) == 0
        await _work_off(service, {"Created": len(creates) + 1})
        assert check(environment, [service.database]).all == []

        ids = [row["id"] for row in (await service.healthy.get(MANAGE)).json()]
        deletes = await points_of(service, delete(ids.pop()))
        assert len(ids) >= len(deletes)
        await at_once(*(_killed_delete(service, *case) for case in zip(ids, deletes, strict=False)))
        await _work_off(service, {"Deleted": len(deletes) + 1, "Created": len(ids) - len(deletes)})
        print(f"\n{len(creates)} kills of POST, {len(deletes)} of DELETE")
        assert check(environment, [service.database]).all == []
        for spare in ids[len(deletes) :]:
            assert (await service.healthy.delete(f"{MANAGE}/{spare}")).status_code == 202
        await _work_off(service, {"Deleted": len(ids) + 1})
        assert check(environment, [service.database]).all == []


async def test_an_api_killed_while_it_makes_a_credential_leaves_no_client_behind(environment: Environment) -> None:
    async with service_of(environment) as service:
        vendor = await service.healthy.made("/v3/vendors", bodies.vendor())

        def application() -> Request:
            return "POST", "/v3/applications", bodies.application(vendor)

        points = await points_of(service, application(), 201)
        for proxy, status in await at_once(*(call(service, application(), point) for point in points)):
            assert (status, proxy.struck.is_set()) == (None, True)
        made = await service.number("SELECT count(*) FROM applications")
        assert made in {2, 3}  # undisturbed, killed after the commit, and perhaps inside it
        assert await service.number("SELECT count(*) FROM api_clients") == made
        assert await service.number("SELECT count(*) FROM idp_clients WHERE managed") == made
        assert check(environment, [service.database]).all == []


def post(name: str) -> Request:
    return "POST", MANAGE, {"name": name, "databaseTemplate": TEMPLATE}


def delete(managed_id: int) -> Request:
    return "DELETE", f"{MANAGE}/{managed_id}", None


async def _killed_post(service: Service, point: KillPoint) -> None:
    name = f"Post {point.number} {point.moment}"
    proxy, status = await call(service, post(name), point)
    assert (status, proxy.struck.is_set()) == (None, True)
    retried = await service.healthy.post(MANAGE, post(name)[2])
    if retried.status_code == 400:
        assert retried.json()["validationErrors"] == {"Name": [f"A DataStoreManage named '{name}' already exists."]}
    else:
        assert retried.status_code == 202
    _assert_all_or_nothing(proxy, point, accepted=retried.status_code == 400)
    rows = await (await service.watch.execute(BY_NAME, (name,))).fetchall()
    assert [row[1:] for row in rows] == [("createDataStore", "queued", f"{MANAGE}/{rows[0][0]}")]


async def _killed_delete(service: Service, managed_id: int, point: KillPoint) -> None:
    proxy, status = await call(service, delete(managed_id), point)
    assert (status, proxy.struck.is_set()) == (None, True)
    retried = await service.healthy.delete(f"{MANAGE}/{managed_id}")
    if retried.status_code == 400:
        assert retried.json()["validationErrors"] == {"Id": ["DataStoreManage is already queued for deletion."]}
    else:
        assert retried.status_code == 202
    _assert_all_or_nothing(proxy, point, accepted=retried.status_code == 400)
    jobs = f"SELECT count(*) FROM operations WHERE kind = 'deleteDataStore' AND target = '{MANAGE}/{managed_id}'"
    assert await service.number(jobs) == 1


def _assert_all_or_nothing(proxy: Proxy, point: KillPoint, *, accepted: bool) -> None:
    """What was accepted was committed, and what was committed was accepted; a commit under way may be either."""
    commits = proxy.statements[point.number].text == "COMMIT"
    if not commits or point.moment is not Moment.INSIDE:
        assert accepted == (commits and point.moment is Moment.AFTER)


async def _work_off(service: Service, wanted: Mapping[str, int]) -> None:
    worker = Worker(service.environment.settings(service.database, WORKERS__CONCURRENCY="8"))

    async def is_done() -> bool:
        found = [row["status"] for row in (await service.healthy.get(MANAGE)).json()]
        return {status: found.count(status) for status in set(found)} == {key: n for key, n in wanted.items() if n}

    await until(is_done, seconds=120)
    await reaped(worker)
