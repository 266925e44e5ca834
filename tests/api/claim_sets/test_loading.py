"""Whole claims documents: reload, upload, and what was loaded last (contract section 1.18)."""

import json
from pathlib import Path
from random import Random
from string import ascii_letters
from typing import Any
from uuid import UUID

import pytest

from tenant_api.claim_sets.data_standards import default_document
from tests.api import bodies
from tests.api.claim_sets.test_claim_sets import made
from tests.api.claim_sets.test_default_metadata import CLAIM_SETS
from tests.api.claim_sets.test_import_export import claim, granted, imported
from tests.api.problems import breaks_rules, is_invalid_json, is_missing, is_problem
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

RELOAD, UPLOAD, CURRENT = "/management/reload-claims", "/management/upload-claims", "/management/current-claims"
EXTENSION = "http://ed-fi.org/identity/claims/sample/bus"


def document(**changes: Any) -> dict[str, Any]:
    """A small document: one root, one child, one set of the customer's own."""
    return {
        "claimSets": [
            {"claimSetName": "SISVendor", "isSystemReserved": True},
            {"claimSetName": "Own", "isSystemReserved": False},
        ],
        "claimsHierarchy": [
            {
                "name": "http://ed-fi.org/identity/claims/domains/sample",
                "defaultAuthorization": {
                    "actions": [{"name": "Read", "authorizationStrategies": [{"name": "BusesWithStudents"}]}]
                },
                "claimSets": [{"name": "Own", "actions": [{"name": "Read"}]}],
                "claims": [{"name": EXTENSION}],
            }
        ],
        **changes,
    }


DEFAULTS = "$.claimsHierarchy.0.defaultAuthorization.actions.0.authorizationStrategies"
OVERRIDES = "$.claimsHierarchy.0.claimSets.0.actions.0.authorizationStrategyOverrides"


def defaults(*strategies: str) -> list[dict[str, Any]]:
    """A hierarchy of one claim with these strategies."""
    action = {"name": "Read", "authorizationStrategies": [{"name": name} for name in strategies]}
    return [{"name": "a", "defaultAuthorization": {"actions": [action]}}]


def overrides(*strategies: str) -> list[dict[str, Any]]:
    """A hierarchy of one claim that a set reads with these strategies."""
    action = {"name": "Read", "authorizationStrategyOverrides": [{"name": name} for name in strategies]}
    return [{"name": "a", "claimSets": [{"name": "Own", "actions": [action]}]}]


def random_text(length: int) -> str:
    """Text that nothing compresses, the same in every run."""
    return "".join(Random(7).choices(ascii_letters, k=length))


async def loaded(api: Api, path: str, body: Any = None, **more: Any) -> str:
    answer = await api.post(path, body, **more)
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["success", "reloadId", "errors"]
    assert (answer.json()["success"], answer.json()["errors"]) == (True, None)
    return str(UUID(answer.json()["reloadId"]))


async def names(api: Api, **more: Any) -> list[str]:
    return [entry["claimSetName"] for entry in (await api.get("/v3/claimSets", **more)).json()]


async def test_closed_by_default_and_only_to_those_who_may(shared: Api) -> None:
    is_missing(await shared.post(RELOAD), "Claims reload endpoint is not available.")
    is_missing(await shared.post(UPLOAD, {"claims": document()}), "Claims upload endpoint is not available.")
    is_missing(await shared.get(CURRENT), "Current claims endpoint is not available.")
    for answer in [
        await shared.post(RELOAD, caller="reader"),
        await shared.post(UPLOAD, {}, caller="reader"),
        await shared.get(CURRENT, caller="metadata"),
    ]:
        is_problem(answer, 403, "security:authorization")
    is_problem(await shared.post(RELOAD, caller=None), 401, "security:authentication")


async def test_the_source_is_shown_from_the_start(shared_open_api: Api) -> None:
    answer = await shared_open_api.get(CURRENT, caller="reader")
    assert answer.json() == default_document("5.2")
    assert list(answer.json()) == ["claimSets", "claimsHierarchy"]
    first = UUID(answer.headers["x-reload-id"])
    assert (await shared_open_api.get(CURRENT)).headers["x-reload-id"] == str(first)


async def test_an_upload_replaces_everything_and_is_shown_exactly(open_api: Api, service_url: str) -> None:
    await made(open_api)
    before = {entry["claimSetName"]: entry["id"] for entry in (await open_api.get("/v3/claimSets")).json()}
    reload_id = await loaded(open_api, UPLOAD, {"claims": document()})
    async with serving(service_url, CLAIMS__UNRESTRICTED_LOADING="true") as replica:
        for api in (open_api, replica):
            answer = await api.get(CURRENT)
            assert (answer.json(), answer.headers["x-reload-id"]) == (document(), reload_id)
    assert await names(open_api) == [*CLAIM_SETS, "Own"]
    after = {entry["claimSetName"]: entry["id"] for entry in (await open_api.get("/v3/claimSets")).json()}
    assert after["SISVendor"] == before["SISVendor"]
    assert await granted(open_api, before["SISVendor"]) == []
    [only] = await granted(open_api, after["Own"])
    assert only["claimName"] == "http://ed-fi.org/identity/claims/domains/sample"
    [root] = (await open_api.get("/v3/resourceClaims")).json()
    assert (root["id"], root["children"][0]["id"]) == (414, 415)
    [entry] = (await open_api.get("/v3/authorizationMetadata?claimSetName=Own")).json()
    assert entry["claims"] == [{"name": EXTENSION, "authorizationId": 1}]


async def test_edits_are_not_shown_and_go_with_a_reload(open_api: Api) -> None:
    _, name = await made(open_api)
    assert (await open_api.get(CURRENT)).json() == default_document("5.2")
    first = await loaded(open_api, UPLOAD, {"claims": document()})
    second = await loaded(open_api, RELOAD, {"whatever": 1})
    answer = await open_api.get(CURRENT)
    assert (answer.json(), answer.headers["x-reload-id"]) == (default_document("5.2"), second)
    assert first != second
    assert await names(open_api) == CLAIM_SETS
    assert name not in await names(open_api)
    ids = [root["id"] for root in (await open_api.get("/v3/resourceClaims?orderBy=id")).json()]
    assert ids == list(range(1, 17))


async def test_a_strategy_that_a_document_brings_is_known_from_then_on(open_api: Api) -> None:
    await loaded(open_api, UPLOAD, {"claims": document()})
    assert (await open_api.get("/v3/authorizationStrategies")).json()[13:] == [
        {"id": 14, "name": "BusesWithStudents", "displayName": "BusesWithStudents"}
    ]
    [entry] = (await open_api.get("/v3/resourceClaimActionAuthStrategies")).json()
    [action] = entry["authorizationStrategiesForActions"]
    assert action["authorizationStrategies"] == [{"authStrategyId": 14, "authStrategyName": "BusesWithStudents"}]


async def test_nothing_blank_is_shown(open_api: Api) -> None:
    blank = document()
    blank["claimsHierarchy"][0]["claims"][0] |= {"claims": [], "claimSets": None, "defaultAuthorization": None}
    blank["claimsHierarchy"][0]["claimSets"][0]["actions"][0]["authorizationStrategyOverrides"] = []
    await loaded(open_api, UPLOAD, {"claims": blank})
    assert (await open_api.get(CURRENT)).json() == document()


@pytest.mark.parametrize("body", [{}, {"claims": None}, {"other": 1}])
async def test_claims_are_required(shared_open_api: Api, body: dict[str, Any]) -> None:
    breaks_rules(await shared_open_api.post(UPLOAD, body), {"Claims": ["Claims JSON is required"]})


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"claimSets": []}, ["$.claimSets"]),
        ({"claimsHierarchy": []}, ["$.claimsHierarchy"]),
        ({"claimSets": [{"claimSetName": "X"}]}, ["$.claimSets.0"]),
        ({"claimSets": [{"claimSetName": "X", "isSystemReserved": False, "more": 1}]}, ["$.claimSets.0"]),
        ({"claimSets": [{"claimSetName": "", "isSystemReserved": False}]}, ["$.claimSets.0.claimSetName"]),
        ({"claimSets": [{"claimSetName": "x" * 257, "isSystemReserved": False}]}, ["$.claimSets.0.claimSetName"]),
        ({"claimSets": [{"claimSetName": "a\x00", "isSystemReserved": False}]}, ["$.claimSets.0.claimSetName"]),
        ({"claimSets": [{"claimSetName": " a b ", "isSystemReserved": False}]}, ["$.claimSets.0.claimSetName"]),
        ({"claimsHierarchy": [{"name": "x" * 256}]}, ["$.claimsHierarchy.0.name"]),
        ({"claimsHierarchy": [{"name": " "}]}, ["$.claimsHierarchy.0.name"]),
        ({"claimsHierarchy": [{"name": "a"}, {"name": "A"}]}, ["$.claimsHierarchy"]),
        ({"claimsHierarchy": defaults("x" * 256)}, [f"{DEFAULTS}.0.name"]),
        ({"claimsHierarchy": defaults(random_text(9000))}, [f"{DEFAULTS}.0.name"]),
        ({"claimsHierarchy": defaults(" ")}, [f"{DEFAULTS}.0.name"]),
        ({"claimsHierarchy": defaults()}, [DEFAULTS]),
        ({"claimsHierarchy": overrides(random_text(9000))}, [f"{OVERRIDES}.0.name"]),
        ({"claimsHierarchy": [{"name": "a", "claims": [{"nam": "b"}]}]}, ["$.claimsHierarchy.0.claims.0"]),
        ({"claimsHierarchy": [{"name": "a", "claims": [{"name": "a"}]}]}, ["$.claimsHierarchy"]),
        (
            {"claimsHierarchy": [{"name": "a", "claimSets": [{"name": "X", "actions": [{"name": "Fly"}]}]}]},
            ["$.claimsHierarchy.0.claimSets.0.actions.0.name"],
        ),
        ({"more": 1}, ["$."]),
    ],
)
async def test_a_document_that_breaks_its_schema_changes_nothing(
    shared_open_api: Api, changes: dict[str, Any], paths: list[str]
) -> None:
    answer = await shared_open_api.post(UPLOAD, {"claims": document(**changes)})
    found = is_problem(answer, 400, "bad-request:data")["validationErrors"]
    assert list(found) == paths
    assert all(messages for messages in found.values())
    assert (await shared_open_api.get(CURRENT)).json() == default_document("5.2")


async def test_claims_that_are_no_document_at_all(shared_open_api: Api) -> None:
    nothing: tuple[Any, ...] = (5, "x", [], True)
    for claims in nothing:
        found = is_problem(await shared_open_api.post(UPLOAD, {"claims": claims}), 400, "bad-request:data")
        assert list(found["validationErrors"]) == ["$."]
    deep: dict[str, Any] = {"name": "deepest"}
    for depth in range(70):
        deep = {"name": f"c{depth}", "claims": [deep]}
    answer = await shared_open_api.post(UPLOAD, {"claims": document(claimsHierarchy=[deep])})
    assert list(is_problem(answer, 400, "bad-request:data")["validationErrors"]) == ["$.claimsHierarchy"]
    is_invalid_json(
        await shared_open_api.call("POST", UPLOAD, content=b"{", headers={"Content-Type": "application/json"})
    )


async def test_what_a_document_says_twice_counts_once(open_api: Api) -> None:
    twice = document()
    twice["claimSets"].append({"claimSetName": "Own", "isSystemReserved": True})
    grant = {"name": "Own", "actions": [{"name": "Update"}, {"name": "Update"}]}
    twice["claimsHierarchy"][0]["claimSets"] += [grant, {"name": "Ghost", "actions": [{"name": "Read"}]}]
    await loaded(open_api, UPLOAD, {"claims": twice})
    own_id = (await open_api.get("/v3/claimSets?name=Own")).json()[0]["id"]
    [only] = await granted(open_api, own_id)
    assert only["actions"] == [{"name": "Read", "enabled": True}]


async def test_another_tenants_sets_and_hierarchy_survive_whatever_is_loaded(open_fleet: Api) -> None:
    for tenant in ("North", "South"):
        await open_fleet.post("/v3/tenants", {"name": tenant})
    south_id, _ = await imported(open_fleet, claim(), name="SouthSet", tenant="South")
    await imported(open_fleet, claim(), name="NorthSet", tenant="North")
    before = (await open_fleet.get(f"/v3/claimSets/{south_id}/export", tenant="South")).json()
    metadata = (await open_fleet.get("/v3/authorizationMetadata", tenant="South")).json()

    await loaded(open_fleet, UPLOAD, {"claims": document()}, tenant="North")
    assert len((await open_fleet.get("/v3/resourceClaims", tenant="North")).json()) == 1
    assert await names(open_fleet, tenant="North") == [*CLAIM_SETS, "Own"]
    assert await names(open_fleet, tenant="South") == [*CLAIM_SETS, "SouthSet"]
    assert (await open_fleet.get(CURRENT, tenant="South")).json() == default_document("5.2")
    assert (await open_fleet.get("/v3/authorizationMetadata", tenant="South")).json() == metadata

    await loaded(open_fleet, RELOAD, tenant="North")
    assert await names(open_fleet, tenant="North") == CLAIM_SETS
    assert await names(open_fleet, tenant="South") == [*CLAIM_SETS, "SouthSet"]
    assert (await open_fleet.get(f"/v3/claimSets/{south_id}/export", tenant="South")).json() == before
    assert (await open_fleet.get("/v3/authorizationMetadata", tenant="South")).json() == metadata


async def test_a_reload_by_another_tenant_leaves_the_default_tenants_own_sets_alone(open_fleet: Api) -> None:
    await open_fleet.post("/v3/tenants", {"name": "North"})
    own = document()
    own["claimSets"][0]["isSystemReserved"] = False
    own["claimsHierarchy"][0] |= {
        "name": "http://ed-fi.org/identity/claims/domains/people",
        "claimSets": [{"name": "SISVendor", "actions": [{"name": "Read"}]}],
    }
    await loaded(open_fleet, UPLOAD, {"claims": own}, tenant="(default)")
    listed = (await open_fleet.get("/v3/claimSets", tenant="(default)")).json()
    sets = {entry["claimSetName"]: entry for entry in listed}
    assert not sets["SISVendor"]["_isSystemReserved"]

    await loaded(open_fleet, RELOAD, tenant="North")
    path = f"/v3/claimSets/{sets['SISVendor']['id']}"
    kept = (await open_fleet.get(path, tenant="(default)")).json()
    assert not kept["_isSystemReserved"]
    [only] = kept["resourceClaims"]
    assert (only["name"], only["actions"]) == ("people", [{"name": "Read", "enabled": True}])
    assert await names(open_fleet, tenant="North") == CLAIM_SETS
    assert await granted(open_fleet, 1, tenant="North")


async def test_a_reload_by_another_tenant_brings_back_no_set_of_the_default_tenants_own(
    service_url: str, tmp_path: Path
) -> None:
    (tmp_path / "Claims.json").write_text(json.dumps(document()), encoding="utf-8")
    settings = {
        "CLAIMS__UNRESTRICTED_LOADING": "true",
        "CLAIMS__SOURCE": "directory",
        "CLAIMS__DIRECTORY": str(tmp_path),
    }
    async with serving(service_url, multi_tenancy=True, **settings) as api:
        await api.post("/v3/tenants", {"name": "North"})
        await loaded(api, RELOAD, tenant="(default)")
        own_id, _ = await imported(api, name="Own", tenant="(default)")
        assert await granted(api, own_id, tenant="(default)") == []
        await loaded(api, RELOAD, tenant="North")
        assert await granted(api, own_id, tenant="(default)") == []
        await api.delete(f"/v3/claimSets/{own_id}", tenant="(default)")
        await loaded(api, RELOAD, tenant="North")
        assert await names(api, tenant="(default)") == CLAIM_SETS


@pytest.mark.dear
async def test_a_document_of_any_length_is_loaded(open_api: Api) -> None:
    many = 66_000
    long = document()
    long["claimSets"] += [{"claimSetName": f"Set{number}", "isSystemReserved": True} for number in range(many)]
    long["claimsHierarchy"][0]["claims"] += [{"name": f"{EXTENSION}{number}"} for number in range(many)]
    await loaded(open_api, UPLOAD, {"claims": long})
    last = (await open_api.get(f"/v3/claimSets?name=Set{many - 1}")).json()
    assert [entry["_isSystemReserved"] for entry in last] == [True]
    [root] = (await open_api.get("/v3/resourceClaims")).json()
    assert len(root["children"]) == many + 1


async def test_applications_keep_naming_a_set_that_a_load_took_away(
    open_api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    _, name = await made(open_api)
    vendor_id = await open_api.made("/v3/vendors", bodies.vendor())
    application_id = await open_api.made("/v3/applications", bodies.application(vendor_id, claimSetName=name))
    capsys.readouterr()
    await loaded(open_api, UPLOAD, {"claims": document()})
    assert (await open_api.get(f"/v3/applications/{application_id}")).json()["claimSetName"] == name
    assert "claim_sets.missing" in capsys.readouterr().err
