"""A tenant that is not empty is removed by a job, once somebody has confirmed what goes with it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tenant_api.templates.importing import import_template
from tests.api import bodies
from tests.api.problems import breaks_rules, is_bad_parameter, is_missing, is_problem
from tests.api.service import Api, serving
from tests.engine.jobs import until
from tests.managed.stores import at_work

pytestmark = pytest.mark.anyio

NORTH, SOUTH = "North", "South"
MANAGE = "/v3/dataStores/manage"
KINDS = [
    "managedDataStores",
    "dataStores",
    "dataStoreContexts",
    "dataStoreDerivatives",
    "vendors",
    "applications",
    "apiClients",
    "claimSets",
    "profiles",
    "clients",
]
LEFT = """
SELECT table_name FROM information_schema.columns
WHERE column_name = 'tenant_id' AND table_schema = 'public' ORDER BY table_name
"""
ORPHANS = "SELECT client_id FROM idp_clients WHERE managed AND client_id NOT IN (SELECT client_id FROM api_clients)"


class Town:
    """One of everything in one tenant, a database included."""

    def __init__(self, api: Api, name: str) -> None:
        self.api, self.name = api, name

    async def build(self) -> "Town":
        api, tenant = self.api, self.name
        self.id = await api.made("/v3/tenants", {"name": tenant})
        vendor = await api.made("/v3/vendors", bodies.vendor(company="Acme"), tenant=tenant)
        store = await api.made("/v3/dataStores", bodies.data_store(name="By hand"), tenant=tenant)
        await api.post("/v3/dataStoreContexts", bodies.context(store), tenant=tenant)
        await api.post("/v3/dataStoreDerivatives", bodies.derivative(store), tenant=tenant)
        profile = await api.made("/v3/profiles", bodies.profile("Narrow"), tenant=tenant)
        await api.post("/v3/claimSets", {"claimSetName": "Own"}, tenant=tenant)
        accepted = await api.post(MANAGE, {"name": "Year 2026", "databaseTemplate": "Tiny"}, tenant=tenant)
        assert accepted.status_code == 202, accepted.text
        async with at_work(api):
            await until(self.is_created)
        self.stores = [store, (await api.get(MANAGE, tenant=tenant)).json()[0]["dataStoreId"]]
        body = bodies.application(vendor, applicationName="App", dataStoreIds=self.stores, profileIds=[profile])
        self.credential = (await api.post("/v3/applications", body, tenant=tenant)).json()
        return self

    async def is_created(self) -> bool:
        [shown] = (await self.api.get(MANAGE, tenant=self.name)).json()
        return bool(shown["status"] == "Created")

    async def removal(self) -> dict[str, Any]:
        answer = await self.api.get(f"/v3/tenants/{self.id}/removal")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def remove(self) -> str:
        """Confirm what there is; the id of the job."""
        confirmation = (await self.removal())["confirmation"]
        answer = await self.api.post(f"/v3/tenants/{self.id}/removal", {"confirmation": confirmation})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["jobId"])


@pytest.fixture
async def api(service_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    archive = tmp_path / "tiny.sql"
    archive.write_text("SELECT 1;")
    async with serving(service_url, multi_tenancy=True, WORKERS__POLL_SECONDS="0.1") as api:
        async for _ in import_template(api.runtime, "Tiny", archive):
            pass
        yield api


@pytest.fixture
async def north(api: Api) -> Town:
    return await Town(api, NORTH).build()


async def job_of(api: Api, job_id: str) -> dict[str, Any]:
    return dict((await api.get(f"/v3/jobs/{job_id}")).json())


async def ended(api: Api, job_id: str) -> dict[str, Any]:
    async def has_ended() -> bool:
        return (await job_of(api, job_id))["status"] in {"Completed", "Error", "Cancelled"}

    await until(has_ended)
    return await job_of(api, job_id)


def tenants_with_rows(service_url: str, tenant_id: int) -> list[str]:
    """Tables in which something of a tenant is left."""
    with psycopg.connect(service_url, autocommit=True) as connection:
        tables = [row[0] for row in connection.execute(LEFT)]
        assert {"vendors", "operations", "managed_data_stores", "tenant_clients"} <= set(tables)
        count = "SELECT count(*) FROM {} WHERE tenant_id = %s"
        return [table for table in tables if connection.execute(count.format(table), (tenant_id,)).fetchone() != (0,)]


async def test_a_removal_says_exactly_what_it_would_remove(north: Town) -> None:
    shown = await north.removal()
    contents = shown["contents"]
    assert list(contents) == KINDS
    assert {kind: found["count"] for kind, found in contents.items()} == {
        **dict.fromkeys(KINDS, 1),
        "dataStores": 2,
        "clients": 0,
    }
    assert contents["vendors"]["names"] == ["Acme"]
    assert contents["dataStores"]["names"] == ["By hand", "Year 2026"]
    assert contents["dataStoreContexts"]["names"] == ["By hand: schoolYear=2026"]
    assert contents["dataStoreDerivatives"]["names"] == ["By hand: ReadReplica"]
    assert contents["applications"]["names"] == ["App"]
    assert contents["apiClients"]["names"] == [f"App ({north.credential['key']})"]
    assert contents["managedDataStores"]["names"][0].startswith("Year 2026 (ta_north_year_2026_")
    assert {name: shown[name] for name in ("id", "name", "suspended", "jobId")} == {
        "id": north.id,
        "name": NORTH,
        "suspended": False,
        "jobId": None,
    }


async def test_names_are_bounded_and_counts_are_not(api: Api) -> None:
    tenant_id = await api.made("/v3/tenants", {"name": NORTH})
    companies = [f"Company {number:03}" for number in range(120)]
    await asyncio.gather(
        *(api.made("/v3/vendors", bodies.vendor(company=company), tenant=NORTH) for company in companies)
    )
    shown = (await api.get(f"/v3/tenants/{tenant_id}/removal")).json()
    vendors = shown["contents"]["vendors"]
    assert (vendors["count"], len(vendors["names"])) == (120, 100)
    newest = max((await api.get("/v3/vendors", tenant=NORTH)).json(), key=lambda vendor: vendor["id"])
    assert newest["company"] not in vendors["names"]
    await api.put(f"/v3/vendors/{newest['id']}", {**bodies.vendor(company="Renamed"), "id": newest["id"]}, tenant=NORTH)
    assert (await api.get(f"/v3/tenants/{tenant_id}/removal")).json()["confirmation"] != shown["confirmation"]


async def test_a_confirmed_removal_leaves_nothing_of_the_tenant(service_url: str, api: Api, north: Town) -> None:
    south = await Town(api, SOUTH).build()
    before = (await south.removal())["contents"]
    confirmation = (await north.removal())["confirmation"]
    answer = await api.post(f"/v3/tenants/{north.id}/removal", {"confirmation": confirmation})
    job_id = answer.json()["jobId"]
    assert (answer.status_code, answer.json()) == (202, {"jobId": job_id})
    assert answer.headers["location"] == f"http://tenant-api.test/v3/tenants/{north.id}/removal"
    assert answer.headers["operation-location"] == f"http://tenant-api.test/v3/jobs/{job_id}"
    async with at_work(api):
        job = await ended(api, job_id)
    assert (job["status"], job["kind"], job["target"]) == ("Completed", "removeTenant", f"/v3/tenants/{north.id}")
    assert [step["name"] for step in job["steps"]] == ["databases", "credentials", "rows"]
    assert tenants_with_rows(service_url, north.id) == []
    with psycopg.connect(service_url, autocommit=True) as connection:
        assert connection.execute(ORPHANS).fetchall() == []
        assert connection.execute("SELECT count(*) FROM idp_clients WHERE managed").fetchone() == (1,)
    is_missing(
        await api.get(f"/v3/tenants/{north.id}"), f"Tenant {north.id} not found. It may have been recently deleted."
    )
    assert (await api.grant(north.credential)).status_code == 401
    assert (await south.removal())["contents"] == before
    assert (await api.grant(south.credential)).status_code == 200


async def test_the_job_of_a_removal_outlives_the_tenant(api: Api, north: Town) -> None:
    job_id = await north.remove()
    async with at_work(api):
        await ended(api, job_id)
    for tenant in (None, "(default)"):
        assert (await api.get(f"/v3/jobs/{job_id}", tenant=tenant)).json()["status"] == "Completed"
    other = await api.made("/v3/tenants", {"name": SOUTH})
    assert other != north.id
    is_missing(await api.get(f"/v3/jobs/{job_id}", tenant=SOUTH), f"Job {job_id} not found.")
    assert (await api.get("/v3/jobs")).status_code == 400
    assert [job["id"] for job in (await api.get("/v3/jobs", tenant="(default)")).json()] == [job_id]


async def test_a_tenant_s_own_jobs_need_its_header(api: Api, north: Town) -> None:
    [job] = (await api.get("/v3/jobs", tenant=NORTH)).json()
    is_missing(await api.get(f"/v3/jobs/{job['id']}"), f"Job {job['id']} not found.")


async def test_what_changed_since_must_be_confirmed_again(api: Api, north: Town) -> None:
    confirmation = (await north.removal())["confirmation"]
    await api.made("/v3/vendors", bodies.vendor(), tenant=NORTH)
    sentence = (
        "What belongs to tenant 'North' is not what was confirmed. "
        "Read what its removal would remove again, and confirm that."
    )
    for outdated in (confirmation, "x"):
        answer = await api.post(f"/v3/tenants/{north.id}/removal", {"confirmation": outdated})
        is_problem(answer, 409, "conflict", sentence)
    assert (await api.get("/v3/vendors", tenant=NORTH)).status_code == 200
    for body in ({}, {"confirmation": ""}, {"confirmation": None}):
        answer = await api.post(f"/v3/tenants/{north.id}/removal", body)
        breaks_rules(answer, {"Confirmation": ["'Confirmation' must not be empty."]})


async def test_a_confirmation_is_of_one_tenant(api: Api) -> None:
    ids = [await api.made("/v3/tenants", {"name": name}) for name in (NORTH, SOUTH)]
    shown = [(await api.get(f"/v3/tenants/{tenant_id}/removal")).json() for tenant_id in ids]
    assert shown[0]["contents"] == shown[1]["contents"]
    answer = await api.post(f"/v3/tenants/{ids[1]}/removal", {"confirmation": shown[0]["confirmation"]})
    assert answer.status_code == 409


async def test_a_tenant_that_is_being_removed_is_closed_and_stays_so(api: Api, north: Town) -> None:
    job_id = await north.remove()
    is_problem(await api.get("/v3/vendors", tenant=NORTH), 400, "bad-request", "Invalid tenant: North")
    assert (await api.grant(north.credential)).status_code == 401
    shown = await north.removal()
    assert (shown["suspended"], shown["jobId"]) == (True, job_id)
    sentence = f"Tenant 'North' is being removed by job {job_id}."
    path = f"/v3/tenants/{north.id}"
    for method, where, body in (
        ("POST", f"{path}/resume", None),
        ("POST", f"{path}/suspend", None),
        ("PUT", path, {"id": north.id, "name": "New"}),
        ("DELETE", path, None),
        ("POST", f"{path}/removal", {"confirmation": shown["confirmation"]}),
    ):
        is_problem(await api.call(method, where, body), 409, "conflict", sentence)


async def test_a_removal_is_called_off_only_before_it_begins(api: Api, north: Town) -> None:
    job_id = await north.remove()
    assert (await api.post(f"/v3/jobs/{job_id}/cancel")).status_code == 202
    async with at_work(api):
        assert (await ended(api, job_id))["status"] == "Cancelled"
    is_problem(
        await api.post(f"/v3/jobs/{job_id}/retry"),
        409,
        "conflict",
        "The job was cancelled before it began. Ask for it again instead.",
    )
    shown = await north.removal()
    assert (shown["suspended"], shown["jobId"]) == (True, None)
    assert (await api.post(f"/v3/tenants/{north.id}/resume")).status_code == 204
    assert (await api.grant(north.credential)).status_code == 200
    job_id = await north.remove()
    async with at_work(api):
        await ended(api, job_id)
    assert (await api.post(f"/v3/jobs/{job_id}/cancel")).status_code == 409


async def test_a_database_that_is_being_made_is_called_off_first(service_url: str, api: Api, north: Town) -> None:
    accepted = await api.post(MANAGE, {"name": "Next year", "databaseTemplate": "Tiny"}, tenant=NORTH)
    assert accepted.status_code == 202
    job_id = await north.remove()
    async with at_work(api):
        assert (await ended(api, job_id))["status"] == "Completed"
    assert tenants_with_rows(service_url, north.id) == []


async def test_a_failed_removal_is_retried_only_as_it_was_confirmed(service_url: str, api: Api, north: Town) -> None:
    """A row that some later feature might leave behind stands for any cause of a failure."""
    with psycopg.connect(service_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE later (tenant_id bigint REFERENCES tenants)")
        connection.execute("INSERT INTO later VALUES (%s)", (north.id,))
        job_id = await north.remove()
        async with at_work(api):
            assert (await ended(api, job_id))["status"] == "Error"
        shown = await north.removal()
        assert (shown["suspended"], shown["contents"]["apiClients"]["count"]) == (True, 0)
        connection.execute("DELETE FROM later")
        await api.post(f"/v3/tenants/{north.id}/resume")
        await api.made("/v3/vendors", bodies.vendor(), tenant=NORTH)
        await api.post(f"/v3/tenants/{north.id}/suspend")
        await api.post(f"/v3/jobs/{job_id}/retry")
        async with at_work(api):
            job = await ended(api, job_id)
    assert job["errorMessage"] == "The tenant was changed since its removal was confirmed. Ask for it again."
    assert (await north.removal())["contents"]["vendors"]["count"] == 2
    job_id = await north.remove()
    async with at_work(api):
        assert (await ended(api, job_id))["status"] == "Completed"


async def test_a_failed_removal_goes_on_where_it_stood(service_url: str, api: Api, north: Town) -> None:
    with psycopg.connect(service_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE later (tenant_id bigint REFERENCES tenants)")
        connection.execute("INSERT INTO later VALUES (%s)", (north.id,))
        job_id = await north.remove()
        async with at_work(api):
            assert (await ended(api, job_id))["status"] == "Error"
        connection.execute("DROP TABLE later")
    assert (await api.post(f"/v3/jobs/{job_id}/retry")).status_code == 202
    async with at_work(api):
        job = await ended(api, job_id)
    assert (job["status"], [step["name"] for step in job["steps"]]) == (
        "Completed",
        ["databases", "credentials", "rows", "rows"],
    )
    assert tenants_with_rows(service_url, north.id) == []


async def test_an_empty_tenant_can_be_removed_in_this_way_too(api: Api) -> None:
    tenant_id = await api.made("/v3/tenants", {"name": NORTH})
    town = Town(api, NORTH)
    town.id = tenant_id
    job_id = await town.remove()
    async with at_work(api):
        assert (await ended(api, job_id))["status"] == "Completed"
    assert (await api.get("/v3/tenants")).json() == []


async def test_what_is_added_at_the_same_time_is_confirmed_or_refused_or_removed(service_url: str, api: Api) -> None:
    for number in range(5):
        name = f"Tenant{number}"
        town = Town(api, name)
        town.id = await api.made("/v3/tenants", {"name": name})
        vendor = await api.made("/v3/vendors", bodies.vendor(), tenant=name)
        confirmation = (await town.removal())["confirmation"]
        added, accepted = await asyncio.gather(
            api.post("/v3/applications", bodies.application(vendor), tenant=name),
            api.post(f"/v3/tenants/{town.id}/removal", {"confirmation": confirmation}),
        )
        assert accepted.status_code in {202, 409}
        if accepted.status_code == 202:
            async with at_work(api):
                assert (await ended(api, accepted.json()["jobId"]))["status"] == "Completed"
            assert tenants_with_rows(service_url, town.id) == []
        else:
            assert added.status_code == 201
    with psycopg.connect(service_url, autocommit=True) as connection:
        assert connection.execute(ORPHANS).fetchall() == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_removals_are_of_tenants_that_can_be_removed(shared_fleet: Api, method: str) -> None:
    body = {"confirmation": "x"} if method == "POST" else None
    missing = "Tenant 999999 not found. It may have been recently deleted."
    is_missing(await shared_fleet.call(method, "/v3/tenants/999999/removal", body), missing)
    answer = await shared_fleet.call(method, "/v3/tenants/0/removal", body)
    is_problem(answer, 409, "conflict", "The default tenant cannot be changed.")
    is_bad_parameter(
        await shared_fleet.call(method, "/v3/tenants/x/removal", body),
        "The request contains one or more invalid parameters.",
    )


async def test_removals_are_shown_to_readers_and_made_by_administrators(shared_fleet: Api) -> None:
    tenant_id = await shared_fleet.made("/v3/tenants", bodies.tenant())
    path = f"/v3/tenants/{tenant_id}/removal"
    shown = await shared_fleet.get(path, caller="reader")
    assert shown.status_code == 200
    body = {"confirmation": shown.json()["confirmation"]}
    assert (await shared_fleet.post(path, body, caller="reader")).status_code == 403
    assert (await shared_fleet.get(path, caller=None)).status_code == 401


async def test_without_multi_tenancy_nothing_is_removed(shared: Api) -> None:
    assert (await shared.get("/v3/tenants/1/removal")).status_code == 404
