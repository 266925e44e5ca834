"""`Location` is absolute, names what was made, and can be followed (contract section 1.6)."""

from collections.abc import AsyncIterator

import pytest

from tests.api import bodies
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

HOST = "api.example:8443"
CLAIM_SETS = ["/v3/claimSets", "/v3/claimSets/copy", "/v3/claimSets/import"]
RESOURCES = [
    "/v3/vendors",
    "/v3/applications",
    "/v3/apiClients",
    "/v3/dataStores",
    "/v3/dataStoreContexts",
    "/v3/dataStoreDerivatives",
    "/v3/profiles",
    *CLAIM_SETS,
]


@pytest.fixture
async def based(service_url: str) -> AsyncIterator[Api]:
    async with serving(service_url, HTTP__PATH_BASE="config") as api:
        yield api


async def valid(api: Api, path: str) -> bodies.Body:
    """A body that this path takes."""
    store_id = await api.made("/v3/dataStores", bodies.data_store())
    vendor_id = await api.made("/v3/vendors", bodies.vendor())
    application_id = await api.made("/v3/applications", bodies.application(vendor_id))
    return {
        "/v3/vendors": bodies.vendor(),
        "/v3/applications": bodies.application(vendor_id),
        "/v3/apiClients": bodies.api_client(application_id, [store_id]),
        "/v3/dataStores": bodies.data_store(),
        "/v3/dataStoreContexts": bodies.context(store_id),
        "/v3/dataStoreDerivatives": bodies.derivative(store_id),
        "/v3/profiles": bodies.profile(),
        "/v3/claimSets": {"claimSetName": bodies.unique("Set")},
        "/v3/claimSets/copy": {"originalId": 1, "claimSetName": bodies.unique("Set")},
        "/v3/claimSets/import": {"claimSetName": bodies.unique("Set"), "resourceClaims": []},
    }[path]


@pytest.mark.parametrize("path", RESOURCES)
async def test_what_was_made_is_found_where_the_answer_says(based: Api, path: str) -> None:
    made_below = "/v3/claimSets" if path in CLAIM_SETS else path
    for base in ("", "/config"):
        answer = await based.post(f"{base}{path}/", await valid(based, path), headers={"Host": HOST})
        assert answer.status_code == 201
        location = answer.headers["location"]
        address, _, number = location.rpartition("/")
        assert address == f"http://{HOST}{base}{made_below}"
        shown = (await based.get(location)).json()
        assert shown["id"] == int(number)
        if answer.content:
            assert answer.json()["id"] == shown["id"]


async def test_a_tenant_is_found_where_the_answer_says(fleet: Api) -> None:
    answer = await fleet.post("/v3/tenants", bodies.tenant(), headers={"Host": HOST})
    assert answer.headers["location"] == f"http://{HOST}/v3/tenants/{answer.json()['id']}"
    assert (await fleet.get(answer.headers["location"])).json()["id"] == answer.json()["id"]
