"""Clients that act for one tenant alone, where the settings ask for that (ADR 16)."""

import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from tenant_api.connect.bootstrap import bootstrap
from tenant_api.connect.bound_clients import bind_clients
from tenant_api.settings import SettingsError, load_settings
from tenant_api.settings.tree import BootstrapClient
from tests.api import bodies
from tests.api.problems import breaks_rules, is_problem
from tests.api.service import CLIENTS, SCOPES, SECRET, Api, environment, serving

pytestmark = pytest.mark.anyio

NORTH, SOUTH = "North", "South"
FORBIDDEN = "The authenticated client is not authorized to access this resource."
ON = {"IDENTITY__TENANT_BOUND_CLIENTS": "true"}


@pytest.fixture
async def bound(service_url: str) -> AsyncIterator[Api]:
    """Two tenants, and a client of the first with full access."""
    async with serving(service_url, multi_tenancy=True, **ON) as api:
        for name in (NORTH, SOUTH):
            await api.made("/v3/tenants", {"name": name})
        await started(api, own(NORTH))
        yield api


def own(tenant: str | None, name: str = "northern", scope: str = "admin") -> BootstrapClient:
    client = {"id": name, "secret": SECRET, "display_name": name, "scopes": [SCOPES[scope]], "role": "cms-client"}
    return BootstrapClient.model_validate({**client, "tenant": tenant})


async def started(api: Api, *clients: BootstrapClient) -> None:
    """What every start does with the clients of the settings."""
    await bind_clients(api.runtime, clients)
    await bootstrap(api.runtime.idp, clients)


async def test_a_bound_client_works_for_its_own_tenant_in_any_spelling(bound: Api) -> None:
    vendor = await bound.made("/v3/vendors", bodies.vendor(), tenant=NORTH, caller="northern")
    assert (await bound.get(f"/v3/vendors/{vendor}", tenant="nORTH", caller="northern")).status_code == 200


@pytest.mark.parametrize("tenant", [SOUTH, "Nowhere", "(default)", "", None])
async def test_a_bound_client_is_told_the_same_about_every_other_tenant(bound: Api, tenant: str | None) -> None:
    for method, path in (("GET", "/v3/vendors"), ("POST", "/v3/vendors"), ("GET", "/v3/jobs"), ("GET", "/v3/jobs/x")):
        answer = await bound.call(method, path, tenant=tenant, caller="northern")
        is_problem(answer, 403, "security:authorization", FORBIDDEN)


@pytest.mark.parametrize("tenant", [NORTH, SOUTH, None])
async def test_a_bound_client_knows_nothing_of_tenants(bound: Api, tenant: str | None) -> None:
    for method, path in (
        ("GET", "/v3/tenants"),
        ("POST", "/v3/tenants"),
        ("GET", "/v3/tenants/1"),
        ("DELETE", "/v3/tenants/1"),
        ("GET", "/v3/tenants/999999"),
        ("POST", "/v3/tenants/1/suspend"),
        ("GET", "/v3/tenants/1/removal"),
    ):
        answer = await bound.call(method, path, tenant=tenant, caller="northern")
        is_problem(answer, 403, "security:authorization", FORBIDDEN)


async def test_an_unbound_client_works_for_all_tenants(bound: Api) -> None:
    for tenant in (NORTH, SOUTH, "(default)"):
        assert (await bound.get("/v3/vendors", tenant=tenant)).status_code == 200
    is_problem(await bound.get("/v3/vendors", tenant="Nowhere"), 400, "bad-request", "Invalid tenant: Nowhere")
    assert len((await bound.get("/v3/tenants")).json()) == 2


async def test_nobody_learns_without_a_token_which_tenants_there_are(bound: Api) -> None:
    answers = [await bound.get("/v3/vendors", tenant=name, caller=None) for name in (NORTH, "Nowhere", None)]
    assert [answer.status_code for answer in answers] == [401, 401, 401]


async def test_a_binding_follows_the_tenant_and_not_its_name(bound: Api) -> None:
    [north, south] = [tenant["id"] for tenant in (await bound.get("/v3/tenants")).json()]
    await bound.put(f"/v3/tenants/{north}", {"id": north, "name": "Old"})
    await bound.put(f"/v3/tenants/{south}", {"id": south, "name": NORTH})
    assert (await bound.get("/v3/vendors", tenant="Old", caller="northern")).status_code == 200
    assert (await bound.get("/v3/vendors", tenant=NORTH, caller="northern")).status_code == 403


async def test_a_changed_binding_holds_for_tokens_that_were_granted_before(bound: Api) -> None:
    assert (await bound.get("/v3/vendors", tenant=NORTH, caller="northern")).status_code == 200
    for tenant, allowed in ((SOUTH, {SOUTH}), (None, {NORTH, SOUTH}), ("Nowhere", set()), (NORTH, {NORTH})):
        await started(bound, own(tenant))
        for name in (NORTH, SOUTH):
            answer = await bound.get("/v3/vendors", tenant=name, caller="northern")
            assert answer.status_code == (200 if name in allowed else 403)


async def test_role_and_scope_come_first(bound: Api) -> None:
    await started(bound, own(NORTH, "northern-reader", "reader"))
    read = await bound.get("/v3/vendors", tenant=NORTH, caller="northern-reader")
    written = await bound.post("/v3/vendors", bodies.vendor(), tenant=NORTH, caller="northern-reader")
    assert (read.status_code, written.status_code) == (200, 403)


async def test_a_suspended_tenant_is_closed_to_its_own_clients_too(bound: Api) -> None:
    [north, _] = [tenant["id"] for tenant in (await bound.get("/v3/tenants")).json()]
    await bound.post(f"/v3/tenants/{north}/suspend")
    is_problem(
        await bound.get("/v3/vendors", tenant=NORTH, caller="northern"), 403, "security:authorization", FORBIDDEN
    )


async def test_a_tenant_with_clients_of_its_own_is_not_empty(bound: Api) -> None:
    [north, _] = [tenant["id"] for tenant in (await bound.get("/v3/tenants")).json()]
    is_problem(
        await bound.delete(f"/v3/tenants/{north}"),
        409,
        "conflict:dependent-item-exists",
        "Tenant 'North' still has 1 clients. Remove these first.",
    )
    contents = (await bound.get(f"/v3/tenants/{north}/removal")).json()["contents"]
    assert contents["clients"] == {"count": 1, "names": ["northern"]}


async def test_the_client_of_an_application_is_of_its_vendor_s_tenant(service_url: str) -> None:
    """Its role keeps it out of the API unless an operator gives it the role of the service, as here."""
    async with serving(service_url, multi_tenancy=True, **ON, IDENTITY__CLIENT_ROLE="cms-client") as api:
        for name in (NORTH, SOUTH):
            await api.made("/v3/tenants", {"name": name})
        vendor = await api.made("/v3/vendors", bodies.vendor(), tenant=NORTH)
        body = bodies.application(vendor, claimSetName=SCOPES["admin"])
        credential = (await api.post("/v3/applications", body, tenant=NORTH)).json()
        token = (await api.grant(credential)).json()["access_token"]
        for name, status in ((NORTH, 200), (SOUTH, 403), ("Nowhere", 403)):
            headers = {"Authorization": f"Bearer {token}"}
            assert (await api.get("/v3/vendors", tenant=name, caller=None, headers=headers)).status_code == status


async def test_without_the_setting_every_client_works_for_all_tenants(service_url: str, bound: Api) -> None:
    async with serving(service_url, multi_tenancy=True) as api:
        await started(api, own(None))
        for name in (NORTH, SOUTH):
            assert (await api.get("/v3/vendors", tenant=name, caller="northern")).status_code == 200
        answer = await api.get("/v3/vendors", tenant="Nowhere", caller=None)
        is_problem(answer, 400, "bad-request", "Invalid tenant: Nowhere")


def form(**changes: str) -> dict[str, str]:
    return {"ClientId": "western", "ClientSecret": SECRET, "DisplayName": "West", **changes}


async def register(api: Api, tenant: str | None, **changes: str) -> httpx2.Response:
    return await api.post("/connect/register", caller=None, tenant=tenant, data=form(**changes))


async def test_who_registers_acts_for_the_tenant_of_the_header(service_url: str, bound: Api) -> None:
    async with serving(service_url, multi_tenancy=True, **ON, IDENTITY__ALLOW_REGISTRATION="true") as api:
        assert (await register(api, SOUTH)).status_code == 200
        assert (await api.get("/v3/vendors", tenant=SOUTH, caller="western")).status_code == 200
        assert (await api.get("/v3/vendors", tenant=NORTH, caller="western")).status_code == 403
        taken = {"ClientId": ["Client with the same Client Id already exists. Please provide different Client Id."]}
        breaks_rules(await register(api, NORTH, ClientId="WESTERN"), taken)
        assert (await api.get("/v3/vendors", tenant=NORTH, caller="western")).status_code == 403


async def test_nobody_registers_for_no_tenant_or_takes_over_a_client(service_url: str, bound: Api) -> None:
    async with serving(service_url, multi_tenancy=True, **ON, IDENTITY__ALLOW_REGISTRATION="true") as api:
        header = "The 'Tenant' header is required when multi-tenancy is enabled"
        is_problem(await register(api, None), 400, "bad-request", header)
        is_problem(await register(api, "Nowhere"), 400, "bad-request", "Invalid tenant: Nowhere")
        both = [("Tenant", NORTH), ("Tenant", SOUTH)]
        answer = await api.http.post("/connect/register", headers=both, data=form())
        is_problem(answer, 400, "bad-request", f"Invalid tenant: {NORTH}{SOUTH}")
        assert (await register(api, NORTH, ClientId="admin")).status_code == 400
        for name in (NORTH, SOUTH):
            assert (await api.get("/v3/vendors", tenant=name)).status_code == 200


async def test_concealed_tenants_cannot_be_found_by_registering(service_url: str, bound: Api) -> None:
    more = {"IDENTITY__ALLOW_REGISTRATION": "true", "IDENTITY__CONCEAL_TENANTS": "true"}
    async with serving(service_url, multi_tenancy=True, **ON, **more) as api:
        for name in (NORTH, "Nowhere"):
            assert (await register(api, name)).json()["errors"] == ["Registration is disabled."]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"TENANT_API_IDENTITY__TENANT_BOUND_CLIENTS": "true"}, "TENANT_BOUND_CLIENTS needs MULTI_TENANCY"),
        (
            {
                "TENANT_API_MULTI_TENANCY": "true",
                "TENANT_API_IDENTITY__CLIENTS": json.dumps([{**CLIENTS[0], "tenant": NORTH}]),
            },
            "a client's tenant counts only with tenant_bound_clients",
        ),
    ],
    ids=["single tenant", "switched off"],
)
async def test_settings_that_would_bind_nobody_are_refused(more: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        load_settings(environment("postgresql://u:p@localhost/d", **more))
