"""With the setting, an API client is read by its key without naming its tenant (contract section 6.2, call 5)."""

from collections.abc import AsyncIterator

import pytest

from tests.api import bodies
from tests.api.problems import is_missing, is_problem
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

REQUIRED = "The 'Tenant' header is required when multi-tenancy is enabled"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def owned(api: Api, tenant: str) -> str:
    """The key of an API client of a new tenant."""
    await api.made("/v3/tenants", {"name": tenant})
    vendor = await api.made("/v3/vendors", bodies.vendor(), tenant=tenant)
    key: str = (await api.post("/v3/applications", bodies.application(vendor), tenant=tenant)).json()["key"]
    return key


@pytest.fixture
async def open_fleet(service_url: str) -> AsyncIterator[Api]:
    async with serving(service_url, multi_tenancy=True, API__TENANT_BY_KEY="true") as api:
        yield api


async def test_the_header_is_required_by_default(fleet: Api) -> None:
    key = await owned(fleet, "North")
    is_problem(await fleet.get(f"/v3/apiClients/{key}"), 400, "bad-request", REQUIRED)
    assert (await fleet.get(f"/v3/apiClients/{key}", tenant="North")).status_code == 200


async def test_a_key_says_whose_it_is(open_fleet: Api) -> None:
    for tenant in ("North", "South", "West"):
        key = await owned(open_fleet, tenant)
        with_header = await open_fleet.get(f"/v3/apiClients/{key}", tenant=tenant)
        for path in (f"/v3/apiClients/{key}", f"/V3/APICLIENTS/{key}/"):
            for headers in ({}, {"Tenant": " "}):
                answer = await open_fleet.get(path, caller="metadata", headers=headers)
                assert (answer.status_code, answer.json()) == (200, with_header.json())


async def test_a_header_that_is_there_counts(open_fleet: Api) -> None:
    key = await owned(open_fleet, "North")
    await open_fleet.made("/v3/tenants", {"name": "South"})
    assert (await open_fleet.get(f"/v3/apiClients/{key}", tenant="South")).status_code == 404
    answer = await open_fleet.get(f"/v3/apiClients/{key}", tenant="Nowhere")
    is_problem(answer, 400, "bad-request", "Invalid tenant: Nowhere")


async def test_nothing_else_goes_without_the_header(open_fleet: Api) -> None:
    key = await owned(open_fleet, "North")
    client_id = (await open_fleet.get(f"/v3/apiClients/{key}")).json()["id"]
    for method, path in [
        ("GET", "/v3/apiClients"),
        ("GET", f"/v3/apiClients/{client_id}"),
        ("GET", f"/v3/apiClients/{key}/secrets"),
        ("DELETE", f"/v3/apiClients/{key}"),
        ("PUT", f"/v3/apiClients/{key}"),
        ("GET", "/v3/applications/1"),
    ]:
        is_problem(await open_fleet.call(method, path), 400, "bad-request", REQUIRED)


async def test_a_key_that_is_not_there_tells_strangers_nothing(open_fleet: Api) -> None:
    key = await owned(open_fleet, "North")
    for asked in (key, UNKNOWN):
        answer = await open_fleet.get(f"/v3/apiClients/{asked}", caller=None)
        is_problem(answer, 401, "security:authentication")
    is_missing(await open_fleet.get(f"/v3/apiClients/{UNKNOWN}"), "ApiClient not found")


async def test_a_suspended_tenant_is_not_served_by_its_keys(open_fleet: Api) -> None:
    key = await owned(open_fleet, "North")
    tenants = {tenant["name"]: tenant["id"] for tenant in (await open_fleet.get("/v3/tenants")).json()}
    answer = await open_fleet.post(f"/v3/tenants/{tenants['North']}/suspend")
    assert answer.status_code == 204
    assert (await open_fleet.get(f"/v3/apiClients/{key}")).status_code == 404


@pytest.mark.parametrize("home", ["North", "(default)"])
async def test_a_bound_client_reads_the_keys_of_its_own_tenant_alone(service_url: str, home: str) -> None:
    settings = {"API__TENANT_BY_KEY": "true", "IDENTITY__TENANT_BOUND_CLIENTS": "true"}
    async with serving(service_url, multi_tenancy=True, **settings) as api:
        keys = {name: await owned(api, name) for name in ("North", "South")}
        async with api.runtime.pool.connection() as connection:
            await connection.execute(
                "INSERT INTO tenant_clients (client_id, tenant_id) SELECT 'metadata', id FROM tenants WHERE name = %s",
                (home,),
            )
        if own := keys.get(home):
            assert (await api.get(f"/v3/apiClients/{own}", caller="metadata")).status_code == 200
        for key in (keys["South"], UNKNOWN):
            answer = await api.get(f"/v3/apiClients/{key}", caller="metadata")
            is_problem(answer, 403, "security:authorization")
