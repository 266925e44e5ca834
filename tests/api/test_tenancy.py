"""Tenants never see, change or refer to each other's things (contract section 5)."""

import re

import pytest

from tests.api import bodies
from tests.api.problems import is_missing, is_problem, is_unresolved
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

NORTH, SOUTH = "North", "South"


class Town:
    """One of everything in one tenant."""

    def __init__(self, api: Api, tenant: str) -> None:
        self.api, self.tenant = api, tenant

    async def build(self) -> "Town":
        tenant = self.tenant
        self.tenant_id = await self.api.made("/v3/tenants", {"name": tenant})
        self.vendor = await self.api.made("/v3/vendors", bodies.vendor(company="Acme"), tenant=tenant)
        self.store = await self.api.made("/v3/dataStores", bodies.data_store(), tenant=tenant)
        body = bodies.application(self.vendor, applicationName="App", dataStoreIds=[self.store])
        self.credential = (await self.api.post("/v3/applications", body, tenant=tenant)).json()
        self.application = self.credential["id"]
        [client] = (await self.api.get("/v3/apiClients", tenant=tenant)).json()
        self.client, self.key = client["id"], client["clientId"]
        return self


@pytest.fixture(scope="module")
async def north(shared_fleet: Api) -> Town:
    return await Town(shared_fleet, NORTH).build()


@pytest.fixture(scope="module")
async def south(shared_fleet: Api, north: Town) -> Town:
    return await Town(shared_fleet, SOUTH).build()


async def test_everything_of_another_tenant_is_missing(shared_fleet: Api, north: Town, south: Town) -> None:
    vendor = f"Vendor {north.vendor} not found. It may have been recently deleted."
    store = f"DataStore {north.store} not found. It may have been recently deleted."
    calls = [
        ("GET", f"/v3/vendors/{north.vendor}", None, vendor),
        ("GET", f"/v3/vendors/{north.vendor}/applications", None, vendor),
        ("PUT", f"/v3/vendors/{north.vendor}", bodies.vendor(id=north.vendor), vendor),
        ("DELETE", f"/v3/vendors/{north.vendor}", None, vendor),
        ("GET", f"/v3/dataStores/{north.store}", None, store),
        ("GET", f"/v3/dataStores/{north.store}/applications", None, store),
        ("PUT", f"/v3/dataStores/{north.store}", bodies.data_store(id=north.store), store),
        ("DELETE", f"/v3/dataStores/{north.store}", None, store),
        ("GET", f"/v3/applications/{north.application}", None, "Application not found"),
        (
            "PUT",
            f"/v3/applications/{north.application}",
            bodies.application(south.vendor, id=north.application),
            "Application not found",
        ),
        ("DELETE", f"/v3/applications/{north.application}", None, "Application not found"),
        ("GET", f"/v3/apiClients/{north.client}", None, "ApiClient not found"),
        ("GET", f"/v3/apiClients/{north.key}", None, "ApiClient not found"),
        (
            "PUT",
            f"/v3/apiClients/{north.client}",
            bodies.api_client(south.application, [south.store], id=north.client),
            "ApiClient not found",
        ),
        ("PUT", f"/v3/apiClients/{north.client}/reset-credential", None, "ApiClient not found"),
        ("DELETE", f"/v3/apiClients/{north.client}", None, "ApiClient not found"),
    ]
    for method, path, body, detail in calls:
        is_missing(await shared_fleet.call(method, path, body, tenant=SOUTH), detail)
        if method == "GET":
            assert (await shared_fleet.get(path, tenant=NORTH)).status_code == 200
    assert (await shared_fleet.grant(north.credential)).status_code == 200


async def test_references_to_things_of_another_tenant_lead_nowhere(shared_fleet: Api, north: Town, south: Town) -> None:
    application = bodies.application(south.vendor)
    client = bodies.api_client(south.application, [south.store])
    for path, own, body, detail in [
        (
            "/v3/applications",
            south.application,
            {**application, "vendorId": north.vendor},
            "Reference 'VendorId' does not exist.",
        ),
        (
            "/v3/applications",
            south.application,
            {**application, "dataStoreIds": [south.store, north.store]},
            "Data store does not exist.",
        ),
        (
            "/v3/apiClients",
            south.client,
            {**client, "applicationId": north.application},
            f"Application with ID {north.application} not found.",
        ),
        (
            "/v3/apiClients",
            south.client,
            {**client, "dataStoreIds": [south.store, north.store]},
            f"The following DataStoreIds were not found in database: {north.store}",
        ),
    ]:
        is_unresolved(await shared_fleet.post(path, body, tenant=SOUTH), detail)
        is_unresolved(await shared_fleet.put(f"{path}/{own}", {**body, "id": own}, tenant=SOUTH), detail)


async def test_lists_hold_the_tenant_s_own_things_alone(shared_fleet: Api, north: Town, south: Town) -> None:
    for path, name in [
        ("/v3/vendors", "vendor"),
        ("/v3/dataStores", "store"),
        ("/v3/applications", "application"),
        ("/v3/apiClients", "client"),
    ]:
        for town in (north, south):
            listed = (await shared_fleet.get(path, tenant=town.tenant)).json()
            assert [item["id"] for item in listed] == [getattr(town, name)]
        foreign = (await shared_fleet.get(f"{path}?id={getattr(north, name)}", tenant=SOUTH)).json()
        assert [item["id"] for item in foreign if path != "/v3/apiClients"] == []
    listed = await shared_fleet.get(f"/v3/apiClients?applicationid={north.application}", tenant=SOUTH)
    assert listed.json() == []


async def test_names_are_unique_within_a_tenant_only(shared_fleet: Api, north: Town, south: Town) -> None:
    for town in (north, south):
        answer = await shared_fleet.post("/v3/vendors", bodies.vendor(company="Acme"), tenant=town.tenant)
        assert answer.status_code == 200
        assert answer.headers["location"].endswith(f"/{town.vendor}")


async def test_a_data_store_names_its_tenant(shared_fleet: Api, north: Town) -> None:
    shown = (await shared_fleet.get(f"/v3/dataStores/{north.store}", tenant=NORTH)).json()
    assert shown["tenantId"] == north.tenant_id


@pytest.mark.parametrize("headers", [{}, {"Tenant": ""}, {"Tenant": "  "}])
async def test_a_request_must_say_which_tenant(shared_fleet: Api, headers: dict[str, str]) -> None:
    for caller in ("admin", None):
        answer = await shared_fleet.get("/v3/vendors", headers=headers, caller=caller)
        is_problem(answer, 400, "bad-request", "The 'Tenant' header is required when multi-tenancy is enabled")


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Nowhere", "Nowhere"), ("<b>x</b>", "bx/b"), ("a'; DROP TABLE tenants--", "a DROP TABLE tenants--")],
)
async def test_an_unknown_tenant_is_refused_in_safe_letters(shared_fleet: Api, name: str, shown: str) -> None:
    answer = await shared_fleet.get("/v3/vendors", tenant=name, caller=None)
    is_problem(answer, 400, "bad-request", f"Invalid tenant: {shown}")


async def test_tenants_and_tokens_need_no_tenant(shared_fleet: Api, north: Town) -> None:
    assert (await shared_fleet.get("/v3/tenants")).status_code == 200
    assert (await shared_fleet.get("/V3/Tenants/", tenant="Nowhere")).status_code == 200
    assert (await shared_fleet.grant(north.credential)).status_code == 200


async def test_single_tenant_mode_ignores_the_header(api: Api) -> None:
    await api.made("/v3/vendors", bodies.vendor(), tenant="Nowhere")
    assert len((await api.get("/v3/vendors")).json()) == 1


async def test_tenants_can_be_concealed_from_whoever_is_not_known(service_url: str) -> None:
    async with serving(service_url, multi_tenancy=True, IDENTITY__CONCEAL_TENANTS="true") as fleet:
        await fleet.made("/v3/tenants", {"name": "Known"})
        names = ("Known", "Unknown", None)
        for path in ("/v3/vendors", "/v3/vendors/1", "/", "/openapi/v1.json", "/nowhere"):
            answers = [await fleet.get(path, tenant=name, caller=None) for name in names]
            assert len({answer.status_code for answer in answers}) == 1
        for answer in (
            await fleet.get("/v3/vendors", tenant="Unknown"),
            await fleet.post("/v3/vendors", bodies.vendor(), tenant="Unknown"),
        ):
            is_problem(answer, 400, "bad-request", "Invalid tenant: Unknown")
        assert (await fleet.get("/v3/vendors")).status_code == 400
        assert (await fleet.post("/v3/vendors", {}, tenant="Unknown", caller="reader")).status_code == 403
        assert (await fleet.get("/v3/vendors", tenant="Known")).status_code == 200


async def test_a_tenant_that_the_database_cannot_tell_is_a_failure_of_ours(fleet: Api) -> None:
    async with fleet.runtime.pool.connection() as connection:
        await connection.execute("ALTER TABLE tenants RENAME COLUMN suspended TO asleep")
    answer = await fleet.get("/v3/vendors", tenant=NORTH, caller=None)
    is_problem(answer, 500, "internal-server-error", "")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_concealed_tenants_look_alike_on_every_route(service_url: str) -> None:
    """Whoever has no token gets the same answer, to the letter, for a tenant that exists and for one that does not."""
    async with serving(service_url, multi_tenancy=True, IDENTITY__CONCEAL_TENANTS="true") as fleet:
        tenants = {name: await fleet.made("/v3/tenants", {"name": name}) for name in ("Known", "Asleep")}
        await fleet.post(f"/v3/tenants/{tenants['Asleep']}/suspend")
        document = (await fleet.get("/openapi/v1.json")).json()
        routes = [(method, path) for path, methods in document["paths"].items() for method in methods]
        assert len(routes) > 80
        for method, path in [*routes, ("get", "/nowhere"), ("patch", "/v3/vendors"), ("options", "/v3/vendors")]:
            if method not in METHODS:
                continue
            addressed = re.sub(r"\{[^}]*\}", "1", path)
            for authorization in (None, "Bearer forged"):
                headers = {"X-Request-ID": "the-same-for-all"} | (
                    {"Authorization": authorization} if authorization else {}
                )
                answers = [
                    await fleet.call(method.upper(), addressed, tenant=name, caller=None, headers=headers)
                    for name in ("Known", "Asleep", "Unknown", "a b", None)
                ]
                told = {(answer.status_code, strip_clock(answer.text)) for answer in answers}
                assert len(told) == 1, (method, path, told)


METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}


def strip_clock(text: str) -> str:
    """What tells the time, or how often something was asked, differs between any two answers."""
    return "" if text.startswith("# HELP") else re.sub(r"\d\d:\d\d:\d\d", "", text)
