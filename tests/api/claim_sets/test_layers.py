"""A tenant's own layer of claims stands apart from the one that all share (contract sections 1.18 and 5)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tenant_api.claim_sets.data_standards import default_document
from tests.api import bodies
from tests.api.claim_sets.test_authorization_metadata import PATH, expected, resolved
from tests.api.claim_sets.test_default_metadata import CLAIM_SETS
from tests.api.claim_sets.test_import_export import BASE, claim, granted, imported
from tests.api.claim_sets.test_loading import CURRENT, RELOAD, UPLOAD, document, loaded, names
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

DEFAULT = "(default)"
LOADING = {"CLAIMS__UNRESTRICTED_LOADING": "true"}
STUDENT = f"{BASE}ed-fi/student"
READ, DELETE = [{"name": "Read"}], [{"name": "Delete"}]


def people(*sets: dict[str, Any], **grants: list[dict[str, str]]) -> dict[str, Any]:
    """A document with students alone, whose readers need a strategy of its own."""
    strategies = [{"name": "SecretOfNorth"}]
    return {
        "claimSets": list(sets),
        "claimsHierarchy": [
            {
                "name": f"{BASE}domains/people",
                "defaultAuthorization": {"actions": [{"name": "Read", "authorizationStrategies": strategies}]},
                "claimSets": [{"name": name, "actions": actions} for name, actions in grants.items()],
                "claims": [{"name": STUDENT}],
            }
        ],
    }


def listed(name: str, *, reserved: bool = False) -> dict[str, Any]:
    return {"claimSetName": name, "isSystemReserved": reserved}


def directory(folder: Path, content: dict[str, Any]) -> dict[str, str]:
    """Settings of a service that loads this document."""
    (folder / "Claims.json").write_text(json.dumps(content), encoding="utf-8")
    return {**LOADING, "CLAIMS__SOURCE": "directory", "CLAIMS__DIRECTORY": str(folder)}


async def metadata(api: Api, tenant: str) -> tuple[bytes, str]:
    answer = await api.get(PATH, tenant=tenant)
    return answer.content, answer.headers["etag"]


@pytest.mark.parametrize("multi_tenancy", [False, True], ids=["single-tenant", "multi-tenant"])
@pytest.mark.parametrize(
    "sets",
    [
        (listed("OnlyNorth"),),
        (listed("OnlyNorth"), listed("SISVendor", reserved=True)),
        (listed("OnlyNorth"), listed("SISVendor")),
        (listed("OnlyNorth", reserved=True),),
    ],
    ids=["unlisted", "reserved", "own", "another-reserved"],
)
async def test_an_upload_grants_exactly_what_it_says(
    service_url: str, multi_tenancy: bool, sets: tuple[dict[str, Any], ...]
) -> None:
    given = people(*sets, OnlyNorth=READ, SISVendor=DELETE)
    async with serving(service_url, multi_tenancy=multi_tenancy, **LOADING) as api:
        tenant = "North" if multi_tenancy else None
        if tenant:
            await api.made("/v3/tenants", {"name": tenant})
        await loaded(api, UPLOAD, {"claims": given}, tenant=tenant)
        by_name = {entry["claimSetName"]: entry for entry in (await api.get(PATH, tenant=tenant)).json()}
        assert set(by_name) == {*CLAIM_SETS, "OnlyNorth"}
        for name, entry in by_name.items():
            assert resolved(entry) == expected(given, name)
        assert resolved(by_name["SISVendor"]) == {STUDENT: [("Delete", [])]}
        reserved = {entry["claimSetName"]: entry["_isSystemReserved"] for entry in await sets_of(api, tenant)}
        said = {entry["claimSetName"]: entry["isSystemReserved"] for entry in sets}
        assert reserved == {**dict.fromkeys(CLAIM_SETS, True), **said}


async def sets_of(api: Api, tenant: str | None) -> list[Any]:
    found: list[Any] = (await api.get("/v3/claimSets", tenant=tenant)).json()
    return found


async def test_sets_keep_their_order_in_a_layer_of_ones_own(open_fleet: Api) -> None:
    await open_fleet.made("/v3/tenants", {"name": "North"})
    await loaded(open_fleet, UPLOAD, {"claims": document()}, tenant="North")
    assert await names(open_fleet, tenant="North") == [*CLAIM_SETS, "Own"]


async def test_a_set_that_all_share_later_grants_nothing_in_a_layer_of_ones_own(
    service_url: str, tmp_path: Path
) -> None:
    later = default_document("5.2")
    later["claimSets"].append(listed("Later", reserved=True))
    later["claimsHierarchy"][4].setdefault("claimSets", []).append({"name": "Later", "actions": DELETE})
    assert later["claimsHierarchy"][4]["name"] == f"{BASE}domains/people"
    async with serving(service_url, multi_tenancy=True, **directory(tmp_path, later)) as api:
        for tenant in ("North", "South"):
            await api.made("/v3/tenants", {"name": tenant})
        await loaded(api, UPLOAD, {"claims": people(listed("OnlyNorth"), OnlyNorth=READ)}, tenant="North")
        before = await metadata(api, "North")
        await loaded(api, RELOAD, tenant="South")
        assert await metadata(api, "North") == before
        assert await names(api, tenant="North") == [*CLAIM_SETS, "OnlyNorth"]
        assert await names(api, tenant="South") == [*CLAIM_SETS, "Later"]
        vendor = await api.made("/v3/vendors", bodies.vendor(), tenant="North")
        await api.made("/v3/applications", bodies.application(vendor, claimSetName="Later"), tenant="North")
        counts = (await api.get("/health/ready")).json()["counts"]
        assert counts["applicationsWithoutClaimSet"] == 1


async def test_an_upload_of_the_default_tenant_is_nothing_to_others(open_fleet: Api) -> None:
    towns = ("North", "South")
    for tenant in towns:
        await open_fleet.made("/v3/tenants", {"name": tenant})
    before = {tenant: await metadata(open_fleet, tenant) for tenant in towns}
    own = people(listed("SISVendor"), SISVendor=DELETE)
    reload_id = await loaded(open_fleet, UPLOAD, {"claims": own}, tenant=DEFAULT)
    for tenant in towns:
        assert await metadata(open_fleet, tenant) == before[tenant]
        assert await names(open_fleet, tenant=tenant) == CLAIM_SETS
        assert (await open_fleet.get(CURRENT, tenant=tenant)).json() == default_document("5.2")
        assert await open_fleet.made("/v3/claimSets/copy", {"originalId": 1, "claimSetName": "Copy"}, tenant=tenant)
    current = await open_fleet.get(CURRENT, tenant=DEFAULT)
    assert (current.json(), current.headers["x-reload-id"]) == (own, reload_id)
    [entry] = (await open_fleet.get(f"{PATH}?claimSetName=SISVendor", tenant=DEFAULT)).json()
    assert resolved(entry) == {STUDENT: [("Delete", [])]}
    assert (await open_fleet.get("/v3/tenants/0")).json() == {"id": 0, "name": DEFAULT}

    await loaded(open_fleet, RELOAD, tenant=DEFAULT)
    assert await names(open_fleet, tenant=DEFAULT) == CLAIM_SETS
    [entry] = (await open_fleet.get(f"{PATH}?claimSetName=SISVendor", tenant=DEFAULT)).json()
    assert resolved(entry) == expected(default_document("5.2"), "SISVendor")


@pytest.mark.parametrize("who", ["North", "South", DEFAULT])
async def test_a_reload_by_anyone_brings_back_what_a_single_tenant_took_for_its_own(service_url: str, who: str) -> None:
    own = people(listed("SISVendor"), SISVendor=DELETE)
    async with serving(service_url, **LOADING) as single:
        await loaded(single, UPLOAD, {"claims": own})
        [mine] = (await single.get("/v3/claimSets?name=SISVendor")).json()
        assert (mine["id"], mine["_isSystemReserved"]) == (1, False)
    async with serving(service_url, multi_tenancy=True, **LOADING) as many:
        for tenant in ("North", "South"):
            await many.made("/v3/tenants", {"name": tenant})
        await loaded(many, RELOAD, tenant=who)
        for tenant in ("North", "South"):
            assert set(await names(many, tenant=tenant)) == set(CLAIM_SETS)
            [entry] = (await many.get(f"{PATH}?claimSetName=SISVendor", tenant=tenant)).json()
            assert resolved(entry) == expected(default_document("5.2"), "SISVendor")
        [kept] = (await many.get("/v3/claimSets?name=SISVendor", tenant=DEFAULT)).json()
        assert kept["_isSystemReserved"] == (who == DEFAULT)
        assert (kept["id"] == 1) == (who != DEFAULT)


async def test_a_single_tenants_sets_keep_their_ids_whatever_a_document_makes_of_them(open_api: Api) -> None:
    made = await open_api.made("/v3/claimSets", {"claimSetName": "Fixed", "isSystemReserved": True})
    for reserved in (True, False, True):
        both = people(listed("Fixed", reserved=reserved), listed("SISVendor", reserved=reserved))
        await loaded(open_api, UPLOAD, {"claims": both})
        found = {entry["claimSetName"]: entry for entry in await sets_of(open_api, None)}
        assert (found["Fixed"]["id"], found["SISVendor"]["id"]) == (made, 1)
        assert {found[name]["_isSystemReserved"] for name in ("Fixed", "SISVendor")} == {reserved}
        assert len(found) == 15


async def test_whoever_is_alone_again_loads_for_itself(service_url: str) -> None:
    async with serving(service_url, multi_tenancy=True, **LOADING) as many:
        await loaded(many, UPLOAD, {"claims": people(listed("Mine"), Mine=READ)}, tenant=DEFAULT)
        left = await metadata(many, DEFAULT)
    async with serving(service_url, **LOADING) as single:
        answer = await single.get(PATH)
        assert (answer.content, answer.headers["etag"]) == left
        await loaded(single, UPLOAD, {"claims": document()})
        assert set(await names(single)) == {*CLAIM_SETS, "Own"}
        assert (await single.get(CURRENT)).json() == document()
        for entry in (await single.get(PATH)).json():
            assert resolved(entry) == expected(document(), entry["claimSetName"])
        await loaded(single, RELOAD)
        assert await names(single) == CLAIM_SETS
        assert [entry["id"] for entry in await sets_of(single, None)] == list(range(1, 15))


async def test_permissions_on_a_claim_that_leaves_the_hierarchy_come_back_with_it(
    service_url: str, tmp_path: Path
) -> None:
    other = directory(tmp_path, document())
    async with (
        serving(service_url, multi_tenancy=True, **LOADING) as first,
        serving(service_url, multi_tenancy=True, **other) as second,
    ):
        for tenant in ("North", "South"):
            await first.made("/v3/tenants", {"name": tenant})
        south_id, _ = await imported(first, claim(), name="SouthSet", tenant="South")
        before = await granted(first, south_id, tenant="South")
        await loaded(second, RELOAD, tenant="North")
        assert await granted(first, south_id, tenant="South") == []
        await loaded(first, RELOAD, tenant="North")
        assert await granted(first, south_id, tenant="South") == before != []


async def test_strategies_of_one_tenants_document_are_nothing_to_another(open_fleet: Api) -> None:
    for tenant in ("North", "South"):
        await open_fleet.made("/v3/tenants", {"name": tenant})
    await loaded(open_fleet, UPLOAD, {"claims": people(listed("Mine"), Mine=READ)}, tenant="North")
    override = {"actionName": "Read", "authorizationStrategies": [{"name": "SecretOfNorth"}]}
    body = {"claimSetName": "Set", "resourceClaims": [claim(authorizationStrategyOverrides=[override])]}
    for tenant, known in (("North", True), ("South", False), (DEFAULT, False)):
        shown = (await open_fleet.get("/v3/authorizationStrategies", tenant=tenant)).json()
        own = {"id": 14, "name": "SecretOfNorth", "displayName": "SecretOfNorth"}
        assert (len(shown), own in shown) == ((14, True) if known else (13, False))
        answer = await open_fleet.post("/v3/claimSets/import", body, tenant=tenant)
        assert answer.status_code == (201 if known else 400)
        if not known:
            [message] = answer.json()["validationErrors"]["ResourceClaims"]
            assert "which is not in the system" in message
    [entry] = (await open_fleet.get("/v3/resourceClaimActionAuthStrategies", tenant="North")).json()
    [action] = entry["authorizationStrategiesForActions"]
    assert action["authorizationStrategies"] == [{"authStrategyId": 14, "authStrategyName": "SecretOfNorth"}]

    await loaded(open_fleet, RELOAD, tenant="North")
    assert len((await open_fleet.get("/v3/authorizationStrategies", tenant="North")).json()) == 13
    assert (await open_fleet.post("/v3/claimSets/import", body, tenant="North")).status_code == 400


async def test_strategies_of_the_shared_document_are_everybodys(service_url: str, tmp_path: Path) -> None:
    async with serving(service_url, multi_tenancy=True, **directory(tmp_path, document())) as api:
        for tenant in ("North", "South"):
            await api.made("/v3/tenants", {"name": tenant})
        await loaded(api, RELOAD, tenant="North")
        await loaded(api, UPLOAD, {"claims": people(listed("Mine"), Mine=READ)}, tenant="North")
        shown = {}
        for tenant in ("North", "South", DEFAULT):
            answer = await api.get("/v3/authorizationStrategies", tenant=tenant)
            shown[tenant] = [entry["name"] for entry in answer.json()][13:]
        shared = ["BusesWithStudents"]
        assert shown == {"North": [*shared, "SecretOfNorth"], "South": shared, DEFAULT: shared}
