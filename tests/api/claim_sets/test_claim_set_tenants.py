"""Claim sets of one tenant are nothing to another (contract section 5)."""

import pytest

from tenant_api.claim_sets.references import applications_without_claim_set, missing_claim_sets
from tests.api import bodies
from tests.api.claim_sets.test_claim_sets import gone, is_taken
from tests.api.claim_sets.test_default_metadata import CLAIM_SETS
from tests.api.claim_sets.test_import_export import claim, imported
from tests.api.problems import is_missing, is_problem, is_unresolved
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

NORTH, SOUTH = "North", "South"
DEFAULT = "(default)"


@pytest.fixture(scope="module")
async def towns(shared_fleet: Api) -> Api:
    for name in (NORTH, SOUTH):
        await shared_fleet.made("/v3/tenants", {"name": name})
    return shared_fleet


async def test_both_see_the_reserved_ones_and_their_own(towns: Api) -> None:
    await towns.made("/v3/claimSets", {"claimSetName": "OnlyNorth"}, tenant=NORTH)
    for tenant, there in ((NORTH, True), (SOUTH, False)):
        names = [entry["claimSetName"] for entry in (await towns.get("/v3/claimSets", tenant=tenant)).json()]
        assert names[:14] == CLAIM_SETS
        assert ("OnlyNorth" in names) == there
        metadata = [
            entry["claimSetName"] for entry in (await towns.get("/v3/authorizationMetadata", tenant=tenant)).json()
        ]
        assert metadata == names


async def test_two_tenants_may_use_one_name(towns: Api) -> None:
    made = {tenant: (await imported(towns, claim(), name="Shared", tenant=tenant))[0] for tenant in (NORTH, SOUTH)}
    assert made[NORTH] != made[SOUTH]
    is_taken(await towns.post("/v3/claimSets", {"claimSetName": "Shared"}, tenant=NORTH))
    is_taken(await towns.post("/v3/claimSets", {"claimSetName": "SISVendor"}, tenant=NORTH))
    await imported(towns, name="Shared", tenant=NORTH)
    assert (await towns.get(f"/v3/claimSets/{made[NORTH]}", tenant=NORTH)).json()["resourceClaims"] == []
    assert (await towns.get(f"/v3/claimSets/{made[SOUTH]}", tenant=SOUTH)).json()["resourceClaims"]


async def test_a_claim_set_of_another_tenant_is_missing(towns: Api) -> None:
    id = await towns.made("/v3/claimSets", {"claimSetName": "Hidden"}, tenant=NORTH)
    for method, path, body in [
        ("GET", f"/v3/claimSets/{id}", None),
        ("GET", f"/v3/claimSets/{id}/export", None),
        ("PUT", f"/v3/claimSets/{id}", {"id": id, "claimSetName": "Found"}),
        ("DELETE", f"/v3/claimSets/{id}", None),
    ]:
        is_missing(await towns.call(method, path, body, tenant=SOUTH), gone(id))
    answer = await towns.post("/v3/claimSets/copy", {"originalId": id, "claimSetName": "Copy"}, tenant=SOUTH)
    is_unresolved(answer, f"OriginalId {id} not found. It may have been recently deleted.")
    assert (await towns.get(f"/v3/claimSets/{id}", tenant=NORTH)).status_code == 200


async def test_a_set_that_a_tenant_reserves_is_its_own(towns: Api) -> None:
    body = {"claimSetName": "Fixed", "isSystemReserved": True}
    id = await towns.made("/v3/claimSets", body, tenant=NORTH)
    is_problem(await towns.delete(f"/v3/claimSets/{id}", tenant=NORTH), 400, "bad-request")
    is_missing(await towns.get(f"/v3/claimSets/{id}", tenant=SOUTH), gone(id))
    assert await towns.made("/v3/claimSets", body, tenant=SOUTH) != id


async def test_a_set_that_the_default_tenant_reserves_is_its_own_too(towns: Api) -> None:
    assert (await towns.get("/v3/tenants/0")).status_code == 404
    body = {"claimSetName": bodies.unique("Reserved"), "isSystemReserved": True}
    id = await towns.made("/v3/claimSets", body, tenant=DEFAULT)
    is_missing(await towns.get(f"/v3/claimSets/{id}", tenant=NORTH), gone(id))
    metadata = (await towns.get("/v3/authorizationMetadata", tenant=NORTH)).json()
    assert body["claimSetName"] not in [entry["claimSetName"] for entry in metadata]
    await towns.made("/v3/claimSets", body, tenant=NORTH)
    assert (await towns.get("/v3/tenants/0")).json() == {"id": 0, "name": DEFAULT}


async def test_applications_that_name_a_reserved_set_of_the_default_tenant_name_none(fleet: Api) -> None:
    await fleet.made("/v3/tenants", {"name": NORTH})
    for tenant, claim_set in ((DEFAULT, "Reserved"), (NORTH, "Reserved"), (NORTH, "SISVendor")):
        if tenant == DEFAULT:
            await fleet.made("/v3/claimSets", {"claimSetName": claim_set, "isSystemReserved": True}, tenant=tenant)
        vendor = await fleet.made("/v3/vendors", bodies.vendor(), tenant=tenant)
        await fleet.made("/v3/applications", bodies.application(vendor, claimSetName=claim_set), tenant=tenant)
    assert await applications_without_claim_set(fleet.runtime) == 1
    async with fleet.runtime.sessions.begin() as session:
        [missing] = await missing_claim_sets(session)
    assert (missing.claim_set_name, missing.applications) == ("Reserved", 1)


async def test_what_was_reserved_with_one_tenant_is_not_shared_when_there_are_many(service_url: str) -> None:
    async with serving(service_url) as single:
        id = await single.made("/v3/claimSets", {"claimSetName": "Reserved", "isSystemReserved": True})
    async with serving(service_url, multi_tenancy=True) as many:
        await many.made("/v3/tenants", {"name": NORTH})
        names = [entry["claimSetName"] for entry in (await many.get("/v3/claimSets", tenant=NORTH)).json()]
        assert names == CLAIM_SETS
        assert (await many.get(f"/v3/claimSets/{id}", tenant=DEFAULT)).status_code == 200


async def test_a_new_name_reaches_the_applications_of_the_tenant_alone(towns: Api) -> None:
    applications = {}
    for tenant in (NORTH, SOUTH):
        id = await towns.made("/v3/claimSets", {"claimSetName": "Old"}, tenant=tenant)
        vendor = await towns.made("/v3/vendors", bodies.vendor(), tenant=tenant)
        body = bodies.application(vendor, claimSetName="Old")
        applications[tenant] = id, await towns.made("/v3/applications", body, tenant=tenant)
    id, _ = applications[NORTH]
    answer = await towns.put(f"/v3/claimSets/{id}", {"id": id, "claimSetName": "New"}, tenant=NORTH)
    assert answer.status_code == 204
    for tenant, name in ((NORTH, "New"), (SOUTH, "Old")):
        claim_set, application = applications[tenant]
        shown = (await towns.get(f"/v3/applications/{application}", tenant=tenant)).json()
        assert shown["claimSetName"] == name
        assert len((await towns.get(f"/v3/claimSets/{claim_set}", tenant=tenant)).json()["_applications"]) == 1
    reserved = (await towns.get("/v3/claimSets/1", tenant=NORTH)).json()
    assert reserved["_applications"] == []


async def test_applications_of_another_tenant_are_not_listed_with_a_shared_set(towns: Api) -> None:
    vendor = await towns.made("/v3/vendors", bodies.vendor(), tenant=SOUTH)
    body = bodies.application(vendor, claimSetName="EdFiSandbox")
    await towns.made("/v3/applications", body, tenant=SOUTH)
    assert (await towns.get("/v3/claimSets/2", tenant=NORTH)).json()["_applications"] == []
    [only] = (await towns.get("/v3/claimSets/2", tenant=SOUTH)).json()["_applications"]
    assert only == {"applicationName": body["applicationName"]}
