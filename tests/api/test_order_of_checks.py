"""A request with several faults is refused for the first one in the contract's order (section 1.4)."""

import pytest

from tests.api import bodies
from tests.api.problems import (
    INVALID_PARAMETER,
    breaks_rules,
    is_bad_parameter,
    is_invalid_json,
    is_problem,
)
from tests.api.service import Api

pytestmark = pytest.mark.anyio

RESOURCES = {
    "/v3/vendors": bodies.vendor(company=""),
    "/v3/applications": bodies.application(0, applicationName=""),
    "/v3/apiClients": bodies.api_client(0, []),
    "/v3/dataStores": bodies.data_store(name=""),
    "/v3/dataStoreContexts": bodies.context(7, contextKey=""),
    "/v3/dataStoreDerivatives": bodies.derivative(7, derivativeType=""),
    "/v3/profiles": bodies.profile(definition=""),
}
GUARD = {"Id": ["Request body id must match the id in the url."]}
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", RESOURCES)
async def test_put_is_judged_in_order(shared: Api, path: str) -> None:
    wrong = {**RESOURCES[path], "id": 8}

    answer = await shared.put(f"{path}/abc", content=b"{", headers=JSON, caller=None)
    is_problem(answer, 401, "security:authentication", "Authentication is required to access this resource.")
    assert answer.headers["www-authenticate"].startswith("Bearer")

    answer = await shared.put(f"{path}/abc", content=b"{", headers=JSON, caller="reader")
    is_problem(
        answer,
        403,
        "security:authorization",
        "The authenticated client is not authorized to access this resource.",
    )
    is_bad_parameter(await shared.put(f"{path}/abc", content=b"{", headers=JSON), INVALID_PARAMETER)
    is_invalid_json(await shared.put(f"{path}/999999", content=b"{", headers=JSON))
    breaks_rules(await shared.put(f"{path}/999999", wrong), GUARD)
    rules = (await shared.put(f"{path}/999999", {**wrong, "id": 999_999})).json()
    assert rules["status"] == 400
    assert "Id" not in rules["validationErrors"]


@pytest.mark.parametrize("path", RESOURCES)
async def test_the_guard_of_put_takes_an_omitted_id_for_zero(shared: Api, path: str) -> None:
    body = bodies.without(RESOURCES[path], "id")
    breaks_rules(await shared.put(f"{path}/8", body), GUARD)
    assert "Id" not in (await shared.put(f"{path}/8", {**body, "ID": "8"})).json()["validationErrors"]
    is_invalid_json(await shared.put(f"{path}/8", {**body, "id": None}))


@pytest.mark.parametrize("route", ["abc", "1.5", str(2**31), "%00", "1%27--", "٣"])
async def test_a_route_value_that_is_no_id_is_a_wrong_parameter(shared: Api, route: str) -> None:
    calls = [(method, path) for path in RESOURCES for method in ("GET", "PUT", "DELETE")]
    calls.remove(("GET", "/v3/apiClients"))  # takes any key
    for method, path in calls:
        is_bad_parameter(await shared.call(method, f"{path}/{route}"), INVALID_PARAMETER)
    for path in ("/v3/vendors", "/v3/dataStores"):
        is_bad_parameter(await shared.get(f"{path}/{route}/applications"), INVALID_PARAMETER)


async def test_references_come_before_uniqueness(shared: Api) -> None:
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    body = bodies.application(vendor_id)
    await shared.made("/v3/applications", body)
    answer = await shared.post("/v3/applications", {**body, "dataStoreIds": [999_999]})
    is_problem(answer, 409, "conflict:unresolved-reference", "Data store does not exist.")
