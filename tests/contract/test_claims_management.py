"""Loading whole claims documents, word for word (contract section 1.18)."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from tests.api.problems import breaks_rules, is_missing, is_problem
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

RELOAD, UPLOAD, CURRENT = "/management/reload-claims", "/management/upload-claims", "/management/current-claims"
BUS = "http://ed-fi.org/identity/claims/sample/bus"
DOCUMENT: dict[str, Any] = {
    "claimSets": [{"claimSetName": "Own", "isSystemReserved": False}],
    "claimsHierarchy": [{"name": BUS, "claimSets": [{"name": "Own", "actions": [{"name": "Read"}]}]}],
}


DEFAULTS = "$.claimsHierarchy.0.defaultAuthorization.actions.0.authorizationStrategies"


def defaults(*strategies: str) -> dict[str, Any]:
    action = {"name": "Read", "authorizationStrategies": [{"name": name} for name in strategies]}
    return {"name": BUS, "defaultAuthorization": {"actions": [action]}}


@pytest.fixture
async def open_api(service_url: str) -> AsyncIterator[Api]:
    async with serving(service_url, CLAIMS__UNRESTRICTED_LOADING="true") as api:
        yield api


@pytest.fixture
async def open_fleet(service_url: str) -> AsyncIterator[Api]:
    async with serving(service_url, multi_tenancy=True, CLAIMS__UNRESTRICTED_LOADING="true") as api:
        yield api


async def names(api: Api, tenant: str) -> set[str]:
    """The claim sets of a tenant's own."""
    listed = (await api.get("/v3/claimSets", tenant=tenant)).json()
    return {entry["claimSetName"] for entry in listed if not entry["_isSystemReserved"]}


async def test_nothing_is_there_while_the_switch_is_off(shared: Api) -> None:
    is_missing(await shared.post(RELOAD), "Claims reload endpoint is not available.")
    is_missing(await shared.post(UPLOAD, {"claims": DOCUMENT}), "Claims upload endpoint is not available.")
    is_missing(await shared.post(UPLOAD), "Claims upload endpoint is not available.")
    is_missing(await shared.get(CURRENT), "Current claims endpoint is not available.")


async def test_who_may_load_and_who_may_look(open_api: Api) -> None:
    for path in (RELOAD, UPLOAD):
        is_problem(await open_api.post(path, caller="reader"), 403, "security:authorization")
        is_problem(await open_api.post(path, caller=None), 401, "security:authentication")
    assert (await open_api.get(CURRENT, caller="reader")).status_code == 200
    is_problem(await open_api.get(CURRENT, caller="metadata"), 403, "security:authorization")


async def test_each_load_has_an_id_that_is_shown_from_then_on(open_api: Api) -> None:
    seen = [(await open_api.get(CURRENT)).headers["x-reload-id"]]
    source = (await open_api.get(CURRENT)).json()
    for path, body, shown in [(UPLOAD, {"claims": DOCUMENT}, DOCUMENT), (RELOAD, None, source)]:
        answer = await open_api.post(path, body)
        reload_id = answer.json()["reloadId"]
        assert answer.status_code == 200
        assert list(answer.json().items()) == [("success", True), ("reloadId", reload_id), ("errors", None)]
        current = await open_api.get(CURRENT)
        assert (current.json(), current.headers["x-reload-id"]) == (shown, reload_id)
        seen.append(reload_id)
    assert len({UUID(reload_id) for reload_id in seen}) == 3


@pytest.mark.parametrize("body", [{}, {"claims": None}])
async def test_an_upload_without_claims(open_api: Api, body: dict[str, Any]) -> None:
    breaks_rules(await open_api.post(UPLOAD, body), {"Claims": ["Claims JSON is required"]})


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"claimSets": []}, "$.claimSets"),
        ({"claimSets": [{"claimSetName": "X"}]}, "$.claimSets.0"),
        ({"claimSets": [{"claimSetName": "X", "isSystemReserved": False, "other": 1}]}, "$.claimSets.0"),
        ({"claimsHierarchy": []}, "$.claimsHierarchy"),
        ({"claimsHierarchy": [{"name": BUS, "other": 1}]}, "$.claimsHierarchy.0"),
        ({"claimsHierarchy": [{"name": BUS}, {"name": BUS.upper()}]}, "$.claimsHierarchy"),
        ({"claimsHierarchy": [defaults()]}, DEFAULTS),
        ({"claimsHierarchy": [defaults("x" * 256)]}, f"{DEFAULTS}.0.name"),
    ],
)
async def test_an_upload_that_breaks_its_schema_changes_nothing(
    open_api: Api, change: dict[str, Any], key: str
) -> None:
    before = await open_api.get(CURRENT)
    answer = await open_api.post(UPLOAD, {"claims": DOCUMENT | change})
    problem = is_problem(answer, 400, "bad-request:data")
    assert list(problem["validationErrors"]) == [key]
    after = await open_api.get(CURRENT)
    assert (after.json(), after.headers["x-reload-id"]) == (before.json(), before.headers["x-reload-id"])


async def test_no_load_of_one_tenant_takes_anything_from_another(open_fleet: Api) -> None:
    for tenant in ("North", "South"):
        await open_fleet.made("/v3/tenants", {"name": tenant})
        body = {"claimSetName": f"Of{tenant}", "resourceClaims": []}
        assert (await open_fleet.post("/v3/claimSets/import", body, tenant=tenant)).status_code == 201
    south = (await open_fleet.get("/v3/authorizationMetadata", tenant="South")).json()
    for path, sent, left in [(UPLOAD, {"claims": DOCUMENT}, {"Own"}), (RELOAD, None, set())]:
        assert (await open_fleet.post(path, sent, tenant="North")).status_code == 200
        assert await names(open_fleet, "North") == left
        assert await names(open_fleet, "South") == {"OfSouth"}
        assert (await open_fleet.get("/v3/authorizationMetadata", tenant="South")).json() == south


@pytest.mark.parametrize("multi_tenancy", [False, True], ids=["single-tenant", "multi-tenant"])
async def test_an_upload_means_the_same_to_one_tenant_as_to_one_of_many(service_url: str, multi_tenancy: bool) -> None:
    sets = [{"name": name, "actions": [{"name": "Delete"}]} for name in ("Own", "SISVendor")]
    document = DOCUMENT | {"claimsHierarchy": [defaults("OfBuses") | {"claimSets": sets}]}
    settings = {"CLAIMS__UNRESTRICTED_LOADING": "true"}
    async with serving(service_url, multi_tenancy=multi_tenancy, **settings) as api:
        tenant = "North" if multi_tenancy else None
        if tenant:
            await api.made("/v3/tenants", {"name": tenant})
        before = [entry["claimSetName"] for entry in (await api.get("/v3/claimSets", tenant=tenant)).json()]
        assert (await api.post(UPLOAD, {"claims": document}, tenant=tenant)).status_code == 200
        metadata = (await api.get("/v3/authorizationMetadata", tenant=tenant)).json()
        assert [entry["claimSetName"] for entry in metadata] == [*before, "Own"]
        granted = {entry["claimSetName"]: entry["authorizations"] for entry in metadata if entry["claims"]}
        delete = [{"name": "Delete", "authorizationStrategies": []}]
        assert granted == {"SISVendor": [{"id": 1, "actions": delete}], "Own": [{"id": 2, "actions": delete}]}


async def test_strategies_of_one_tenant_are_unknown_to_another(open_fleet: Api) -> None:
    for tenant in ("North", "South"):
        await open_fleet.made("/v3/tenants", {"name": tenant})
    document = DOCUMENT | {"claimsHierarchy": [defaults("OfBuses")]}
    assert (await open_fleet.post(UPLOAD, {"claims": document}, tenant="North")).status_code == 200
    for tenant, known in (("North", ["OfBuses"]), ("South", []), ("(default)", [])):
        listed = (await open_fleet.get("/v3/authorizationStrategies", tenant=tenant)).json()
        assert [entry["name"] for entry in listed[13:]] == known
