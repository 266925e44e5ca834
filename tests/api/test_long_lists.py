"""Lists longer than a statement may have parameters."""

import pytest

from tests.api import bodies
from tests.api.service import Api

pytestmark = pytest.mark.anyio

MANY = list(range(1_000_000, 1_070_000))


async def test_many_unknown_data_stores_are_a_conflict(api: Api) -> None:
    vendor_id = (await api.post("/v3/vendors", bodies.vendor())).headers["location"].rpartition("/")[2]
    wanted = {
        "applicationName": "Roster",
        "vendorId": int(vendor_id),
        "claimSetName": "SISVendor",
        "educationOrganizationIds": MANY,
    }
    answer = await api.post("/v3/applications", {**wanted, "dataStoreIds": MANY})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:ed-fi:api:conflict:unresolved-reference")
    made = await api.post("/v3/applications", wanted)
    assert made.status_code == 201
    client = {"applicationId": made.json()["id"], "name": "b", "isApproved": True, "dataStoreIds": MANY}
    assert (await api.post("/v3/apiClients", client)).status_code == 409
