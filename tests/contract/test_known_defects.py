"""What the original answers with 500 (contract section 8.2, B6) is taken or refused."""

import pytest

from tests.api import bodies
from tests.api.problems import is_bad_parameter
from tests.api.service import Api

pytestmark = pytest.mark.anyio


async def test_what_is_given_twice_is_kept_once(shared: Api) -> None:
    vendor_id = await shared.made("/v3/vendors", bodies.vendor(namespacePrefixes="uri://a,uri://b,uri://a"))
    assert (await shared.get(f"/v3/vendors/{vendor_id}")).json()["namespacePrefixes"] == "uri://a,uri://b"
    store_id = await shared.made("/v3/dataStores", bodies.data_store())
    twice = {"educationOrganizationIds": [7, 5, 7], "dataStoreIds": [store_id, store_id]}
    application_id = await shared.made("/v3/applications", bodies.application(vendor_id, **twice))
    read = (await shared.get(f"/v3/applications/{application_id}")).json()
    assert (read["educationOrganizationIds"], read["dataStoreIds"]) == ([5, 7], [store_id])
    client = await shared.post("/v3/apiClients", bodies.api_client(application_id, [store_id, store_id]))
    assert client.status_code == 201
    assert (await shared.get(f"/v3/apiClients/{client.json()['id']}")).json()["dataStoreIds"] == [store_id]


async def test_long_names_fit(shared: Api) -> None:
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    names = {"applicationName": "n" * 256, "claimSetName": "c" * 256}
    credential = (await shared.post("/v3/applications", bodies.application(vendor_id, **names))).json()
    assert (await shared.claims(credential))["scope"] == "c" * 256
    claim_set = await shared.post("/v3/claimSets", {"claimSetName": "s" * 256, "isSystemReserved": False})
    assert claim_set.status_code == 201


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("offset=-1", "'offset' must be greater than or equal to 0."),
        ("limit=-1", "'limit' must be greater than 0."),
    ],
)
async def test_a_negative_page_below_a_data_store_is_a_wrong_parameter(shared: Api, page: str, said: str) -> None:
    store_id = await shared.made("/v3/dataStores", bodies.data_store())
    is_bad_parameter(await shared.get(f"/v3/dataStores/{store_id}/applications?{page}"), said)
