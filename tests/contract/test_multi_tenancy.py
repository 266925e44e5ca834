"""How a request names its tenant, and what tenants see of each other, word for word (contract section 5)."""

import pytest

from tests.api import bodies
from tests.api.problems import is_missing, is_problem, is_unresolved
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def towns(shared_fleet: Api) -> Api:
    for name in ("North", "South"):
        await shared_fleet.made("/v3/tenants", {"name": name})
    return shared_fleet


@pytest.mark.parametrize("sent", [{}, {"Tenant": ""}, {"Tenant": "  "}])
@pytest.mark.parametrize("caller", [None, "admin"])
async def test_a_request_without_a_tenant(towns: Api, sent: dict[str, str], caller: str | None) -> None:
    required = "The 'Tenant' header is required when multi-tenancy is enabled"
    for path in ("/v3/dataStores", "/", "/metadata/specifications", "/openapi/v1.json", "/management/current-claims"):
        is_problem(await towns.get(path, headers=sent, caller=caller), 400, "bad-request", required)


@pytest.mark.parametrize("caller", [None, "admin"])
async def test_a_tenant_that_is_not_there(towns: Api, caller: str | None) -> None:
    answer = await towns.get("/v3/dataStores", tenant="Nowhere", caller=caller)
    is_problem(answer, 400, "bad-request", "Invalid tenant: Nowhere")
    answer = await towns.get("/v3/dataStores", tenant="a<b>;Z9 _-.:/\"'", caller=caller)
    is_problem(answer, 400, "bad-request", "Invalid tenant: abZ9 _-.:/")


async def test_two_tenants_at_once_are_none(towns: Api) -> None:
    token = ("Authorization", f"Bearer {await towns.token('admin')}")
    for names, said in [(("North", "South"), "NorthSouth"), (("North", "North"), "NorthNorth")]:
        headers = [token, *(("Tenant", name) for name in names)]
        answer = await towns.http.get("/v3/dataStores", headers=headers)
        is_problem(answer, 400, "bad-request", f"Invalid tenant: {said}")
    answer = await towns.http.get("/v3/dataStores", headers=[token, ("Tenant", ""), ("Tenant", "North")])
    assert answer.status_code == 200


async def test_a_tenant_is_found_in_any_case(towns: Api) -> None:
    for name in ("North", "NORTH", " north "):
        assert (await towns.get("/v3/dataStores", tenant=name)).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health", 200),
        ("/health/", 200),
        ("/HEALTH", 200),
        ("/v3/tenants", 200),
        ("/V3/Tenants/", 200),
        ("/v3/tenants/999999", 404),
        ("/.well-known/openid-configuration", 200),
        ("/.Well-Known/jwks.json", 200),
        ("/connect/token", 405),
    ],
)
async def test_what_needs_no_tenant(towns: Api, path: str, status: int) -> None:
    answer = await towns.get(path)
    assert answer.status_code == status
    assert "Tenant" not in answer.text or path.lower().startswith("/v3/tenants")


async def test_the_path_base_is_taken_off_first(service_url: str) -> None:
    async with serving(service_url, multi_tenancy=True, HTTP__PATH_BASE="config") as fleet:
        assert (await fleet.get("/config/health")).status_code == 200
        assert (await fleet.get("/config/v3/tenants")).status_code == 200
        required = "The 'Tenant' header is required when multi-tenancy is enabled"
        is_problem(await fleet.get("/config/v3/dataStores"), 400, "bad-request", required)


async def test_a_path_that_only_begins_like_one_that_needs_none(towns: Api) -> None:
    required = "The 'Tenant' header is required when multi-tenancy is enabled"
    for path in ("/connected", "/v3/tenantsx", "/.well-knownx"):
        is_problem(await towns.get(path), 400, "bad-request", required)


async def test_a_single_tenant_service_knows_no_tenants(api: Api) -> None:
    is_problem(await api.get("/v3/tenants"), 404, "not-found", "The requested resource could not be found.")
    store = await api.made("/v3/dataStores", bodies.data_store(), tenant="Nowhere")
    assert (await api.get(f"/v3/dataStores/{store}")).json()["tenantId"] is None


async def test_a_data_store_says_whose_it_is(towns: Api) -> None:
    tenants = {entry["name"]: entry["id"] for entry in (await towns.get("/v3/tenants")).json()}
    store = await towns.made("/v3/dataStores", bodies.data_store(), tenant="North")
    assert (await towns.get(f"/v3/dataStores/{store}", tenant="North")).json()["tenantId"] == tenants["North"]


async def test_one_tenants_things_are_missing_to_another(towns: Api) -> None:
    store = await towns.made("/v3/dataStores", bodies.data_store(), tenant="North")
    context = await towns.made("/v3/dataStoreContexts", bodies.context(store), tenant="North")
    derivative = await towns.made("/v3/dataStoreDerivatives", bodies.derivative(store), tenant="North")
    claim_set = await towns.made("/v3/claimSets", {"claimSetName": "Hidden"}, tenant="North")
    gone = "not found. It may have been recently deleted."
    for path, detail in [
        (f"dataStores/{store}", f"DataStore {store} {gone}"),
        (f"dataStoreContexts/{context}", "Data store context not found"),
        (f"dataStoreDerivatives/{derivative}", f"DataStoreDerivative {derivative} {gone}"),
        (f"claimSets/{claim_set}", f"ClaimSet {claim_set} {gone}"),
    ]:
        is_missing(await towns.get(f"/v3/{path}", tenant="South"), detail)
        is_missing(await towns.delete(f"/v3/{path}", tenant="South"), detail)
        assert (await towns.get(f"/v3/{path}", tenant="North")).status_code == 200
    answer = await towns.post("/v3/dataStoreContexts", bodies.context(store), tenant="South")
    is_unresolved(answer, "Reference 'DataStoreId' does not exist.")
    answer = await towns.post("/v3/dataStoreDerivatives", bodies.derivative(store), tenant="South")
    is_unresolved(answer, "The specified DataStore does not exist.")


async def test_reserved_sets_reference_data_and_tokens_are_for_all(towns: Api) -> None:
    for tenant in ("North", "South"):
        [shared] = (await towns.get("/v3/claimSets?name=SISVendor", tenant=tenant)).json()
        assert (shared["id"], shared["_isSystemReserved"]) == (1, True)
        assert len((await towns.get("/v3/authorizationStrategies", tenant=tenant)).json()) == 13
        override = {"actionName": "Read", "authorizationStrategies": [{"authStrategyName": "NamespaceBased"}]}
        claim = {
            "claimName": "http://ed-fi.org/identity/claims/ed-fi/student",
            "actions": [{"name": "Read", "enabled": True}],
            "authorizationStrategyOverrides": [override],
        }
        body = {"claimSetName": f"Set{tenant}", "resourceClaims": [claim]}
        assert (await towns.post("/v3/claimSets/import", body, tenant=tenant)).json()["warnings"] == []
