"""Every list pages, sorts and refuses as the contract's table says (section 1.5)."""

import pytest

from tests.api import bodies
from tests.api.service import Api
from tests.contract.problem_bodies import says

pytestmark = pytest.mark.anyio

TENANT = "(default)"
FIELDS = {
    "vendors": "id, company, contactName, contactEmailAddress",
    "applications": "id, applicationName, vendorId, claimSetName",
    "apiClients": "id, applicationId, name",
    "dataStores": "id, dataStoreType, name",
    "dataStoreContexts": "id, dataStoreId, contextKey, contextValue",
    "dataStoreDerivatives": "id, dataStoreId, derivativeType",
    "claimSets": "id, name, claimSetName",
    "profiles": "id, name",
    "tenants": "id, name",
    "resourceClaims": "id, name, parentId, parentName",
    "resourceClaimActions": "resourceClaimId, resourceName",
    "resourceClaimActionAuthStrategies": "resourceClaimId, resourceName",
}


async def refused(api: Api, address: str, *errors: str) -> None:
    says(
        await api.get(f"/v3/{address}", tenant=TENANT),
        400,
        "urn:ed-fi:api:bad-request:parameter",
        "Parameter Validation Failed",
        "Parameter validation failed. See 'errors' for details.",
        errors=errors,
    )


@pytest.mark.parametrize("name", FIELDS)
async def test_a_page_that_is_none_is_refused_by_every_list(shared_fleet: Api, name: str) -> None:
    await refused(shared_fleet, f"{name}?offset=-1", "'offset' must be greater than or equal to 0.")
    await refused(shared_fleet, f"{name}?limit=0", "'limit' must be greater than 0.")
    await refused(
        shared_fleet,
        f"{name}?direction=sideways",
        "The direction query parameter must be one of: asc, ascending, desc, descending.",
    )
    await refused(shared_fleet, f"{name}?limit=x", "The request contains one or more invalid parameters.")


@pytest.mark.parametrize("name", FIELDS)
async def test_a_list_is_ordered_by_its_own_fields_alone(shared_fleet: Api, name: str) -> None:
    allowed = FIELDS[name]
    await refused(shared_fleet, f"{name}?orderBy=nothing", f"'orderBy' is not a valid field. Allowed values: {allowed}")
    for field in allowed.split(", "):
        for direction in ("asc", "DESCENDING"):
            address = f"/v3/{name}?orderBy={field.upper()}&direction={direction}&offset=0&limit=1"
            assert (await shared_fleet.get(address, tenant=TENANT)).status_code == 200


async def test_the_ids_of_applications_are_integers_and_stand_alone(shared_fleet: Api) -> None:
    csv = "The 'ids' query parameter must be a comma-separated list of integers."
    await refused(shared_fleet, "applications?ids=1,x", csv)
    await refused(shared_fleet, "applications?ids=1&id=1", "'id' and 'ids' cannot be used together.")


@pytest.mark.parametrize("name", ["applications", "apiClients", "profiles"])
async def test_direction_alone_turns_these_lists_around(shared: Api, name: str) -> None:
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    for _ in range(2):
        await shared.made("/v3/applications", bodies.application(vendor_id))
        await shared.made("/v3/profiles", bodies.profile())
    forwards, backwards = [(await shared.get(f"/v3/{name}{query}")).json() for query in ("", "?direction=desc")]
    assert len(forwards) > 1
    assert backwards == forwards[::-1]


@pytest.mark.parametrize("name", ["resourceClaims", "resourceClaimActions", "resourceClaimActionAuthStrategies"])
async def test_direction_alone_turns_reference_data_around(shared: Api, name: str) -> None:
    forwards, backwards = [(await shared.get(f"/v3/{name}{query}")).json() for query in ("", "?direction=desc")]
    assert len(forwards) > 1
    assert backwards == forwards[::-1]


@pytest.mark.parametrize(
    "name", ["vendors", "dataStores", "dataStoreContexts", "dataStoreDerivatives", "claimSets", "tenants"]
)
async def test_direction_alone_means_nothing_to_the_others(shared_fleet: Api, name: str) -> None:
    for _ in range(2):
        await shared_fleet.made("/v3/tenants", bodies.tenant())
        await shared_fleet.made("/v3/vendors", bodies.vendor(), tenant=TENANT)
        store_id = await shared_fleet.made("/v3/dataStores", bodies.data_store(), tenant=TENANT)
        await shared_fleet.made("/v3/dataStoreContexts", bodies.context(store_id), tenant=TENANT)
        await shared_fleet.made("/v3/dataStoreDerivatives", bodies.derivative(store_id), tenant=TENANT)
    listed = [
        [entry["id"] for entry in (await shared_fleet.get(f"/v3/{name}{query}", tenant=TENANT)).json()]
        for query in ("", "?direction=desc")
    ]
    assert len(listed[0]) > 1
    assert listed[1] == listed[0] == sorted(listed[0])


async def test_the_applications_of_a_vendor_have_no_pages(shared: Api) -> None:
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    for name in ("b", "a"):
        await shared.made("/v3/applications", bodies.application(vendor_id, applicationName=name))
    for query in ("", "?limit=1", "?offset=-1", "?limit=x", "?orderBy=id&direction=desc"):
        listed = (await shared.get(f"/v3/vendors/{vendor_id}/applications{query}")).json()
        assert [entry["applicationName"] for entry in listed] == ["a", "b"]
