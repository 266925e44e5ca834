"""Actions, strategies and resource claims (contract section 1.17)."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.problems import is_bad_parameter, is_missing
from tests.api.service import Api

pytestmark = pytest.mark.anyio

STRATEGIES = [
    "NoFurtherAuthorizationRequired",
    "RelationshipsWithEdOrgsAndPeople",
    "RelationshipsWithEdOrgsOnly",
    "NamespaceBased",
    "RelationshipsWithPeopleOnly",
    "RelationshipsWithStudentsOnly",
    "RelationshipsWithStudentsOnlyThroughResponsibility",
    "OwnershipBased",
    "RelationshipsWithEdOrgsAndPeopleIncludingDeletes",
    "RelationshipsWithStudentsOnlyIncludingDeletes",
    "RelationshipsWithEdOrgsOnlyInverted",
    "RelationshipsWithEdOrgsAndPeopleInverted",
    "RelationshipsWithStudentsOnlyThroughResponsibilityIncludingDeletes",
]
ROOTS = [
    "types",
    "systemDescriptors",
    "managedDescriptors",
    "educationOrganizations",
    "people",
    "relationshipBasedData",
    "assessmentMetadata",
    "identity",
    "educationStandards",
    "primaryRelationships",
]


def walk(nodes: list[Any]) -> Iterator[Any]:
    for node in nodes:
        yield node
        yield from walk(node["children"])


async def test_the_five_actions(shared: Api) -> None:
    names = ["Create", "Read", "Update", "Delete", "ReadChanges"]
    uris = ["create", "read", "update", "delete", "readChanges"]
    assert (await shared.get("/v3/actions")).json() == [
        {"id": id, "name": name, "uri": f"uri://ed-fi.org/api/actions/{uri}"}
        for id, (name, uri) in enumerate(zip(names, uris, strict=True), 1)
    ]


async def test_the_thirteen_strategies(shared: Api) -> None:
    listed = (await shared.get("/v3/authorizationStrategies")).json()
    assert [(entry["id"], entry["name"]) for entry in listed] == list(enumerate(STRATEGIES, 1))
    assert all(list(entry) == ["id", "name", "displayName"] and entry["displayName"] for entry in listed)


async def test_a_tenant_sees_them_all_too(shared_fleet: Api) -> None:
    await shared_fleet.post("/v3/tenants", {"name": "North"})
    listed = (await shared_fleet.get("/v3/authorizationStrategies", tenant="North")).json()
    assert [entry["name"] for entry in listed] == STRATEGIES
    for path in ("resourceClaimActions", "resourceClaimActionAuthStrategies", "resourceClaims"):
        assert (await shared_fleet.get(f"/v3/{path}", tenant="North")).json()


async def test_the_tree_has_every_claim_under_a_stable_id(shared: Api) -> None:
    tree = (await shared.get("/v3/resourceClaims")).json()
    nodes = list(walk(tree))
    assert len(nodes) == 413
    assert {node["id"] for node in nodes} == set(range(1, 414))
    assert [node["name"] for node in sorted(tree, key=lambda node: node["id"])][:10] == ROOTS
    assert sorted(node["id"] for node in tree) == list(range(1, 17))
    for node in nodes:
        assert list(node) == ["id", "name", "parentId", "parentName", "children"]
        for child in node["children"]:
            assert (child["parentId"], child["parentName"]) == (node["id"], node["name"])
    assert all((node["parentId"], node["parentName"]) == (0, None) for node in tree)


async def test_one_node_with_all_below_it(shared: Api) -> None:
    root = (await shared.get("/v3/resourceClaims/1")).json()
    [child] = root["children"]
    assert (await shared.get(f"/v3/resourceClaims/{child['id']}")).json() == child
    assert child["name"] == "schoolYearType"
    is_missing(await shared.get("/v3/resourceClaims/4000"), "ResourceClaim 4000 not found.")
    is_bad_parameter(await shared.get("/v3/resourceClaims/x"), "The request contains one or more invalid parameters.")


async def test_roots_are_filtered_sorted_and_paged(shared: Api) -> None:
    async def names(query: str) -> list[str]:
        return [node["name"] for node in (await shared.get(f"/v3/resourceClaims?{query}")).json()]

    everything = await names("")
    assert everything == sorted(everything)
    assert await names("direction=desc") == everything[::-1]
    assert await names("orderBy=id&limit=3") == ROOTS[:3]
    assert await names("orderBy=id&direction=desc&limit=1&offset=6") == [ROOTS[9]]
    assert await names("name=TYPES") == await names("id=1") == ["types"]
    assert await names("name=schoolYearType") == await names("id=17") == []
    is_bad_parameter(
        await shared.get("/v3/resourceClaims?orderBy=x"),
        "'orderBy' is not a valid field. Allowed values: id, name, parentId, parentName",
    )


async def test_actions_with_default_strategies(shared: Api) -> None:
    listed = (await shared.get("/v3/resourceClaimActions")).json()
    assert len(listed) == 33
    assert listed[0] == {
        "resourceClaimId": 1,
        "resourceName": "types",
        "claimName": "http://ed-fi.org/identity/claims/domains/edFiTypes",
        "actions": [{"name": "Read"}, {"name": "ReadChanges"}],
    }
    assert [entry["resourceClaimId"] for entry in listed] == sorted(entry["resourceClaimId"] for entry in listed)
    turned = (await shared.get("/v3/resourceClaimActions?direction=desc")).json()
    assert turned == listed[::-1]
    assert (await shared.get("/v3/resourceClaimActions?resourceName=Types")).json() == listed[:1]
    is_bad_parameter(
        await shared.get("/v3/resourceClaimActions?orderBy=claimName"),
        "'orderBy' is not a valid field. Allowed values: resourceClaimId, resourceName",
    )


async def test_default_strategies_by_action(shared: Api) -> None:
    path = "/v3/resourceClaimActionAuthStrategies"
    listed = (await shared.get(path)).json()
    assert len(listed) == 33
    known = {"authStrategyId": 1, "authStrategyName": "NoFurtherAuthorizationRequired"}
    assert listed[0] == {
        "resourceClaimId": 1,
        "resourceName": "types",
        "claimName": "http://ed-fi.org/identity/claims/domains/edFiTypes",
        "authorizationStrategiesForActions": [
            {"actionId": 2, "actionName": "Read", "authorizationStrategies": [known]},
            {"actionId": 5, "actionName": "ReadChanges", "authorizationStrategies": [known]},
        ],
    }
    claim_name = listed[3]["claimName"].upper()
    assert (await shared.get(path, params={"claimName": claim_name})).json() == [listed[3]]
    assert (await shared.get(f"{path}?resourceName=types&claimName=other")).json() == []


@pytest.mark.parametrize("path", ["claimSets", "resourceClaims", "resourceClaimActions"])
@pytest.mark.parametrize("order", ["", "direction=desc", "orderBy={}", "orderBy={}&direction=desc"])
async def test_links_lead_through_a_whole_list(shared: Api, path: str, order: str) -> None:
    order = order.format("name" if path != "resourceClaimActions" else "resourceName")
    whole = (await shared.get(f"/v3/{path}?{order}")).json()
    found: list[Any] = []
    url = f"/v3/{path}?{order}&limit=4&totalCount=true"
    assert (await shared.get(url)).headers["total-count"] == str(len(whole))
    while url:
        answer = await shared.get(url)
        found += answer.json()
        links = {relation: url for url, relation in re.findall(r'<([^>]+)>; rel="(\w+)"', answer.headers["link"])}
        url = links.get("next", "")
    assert found == whole
    is_bad_parameter(await shared.get(f"/v3/{path}?after=e30"), "'after' does not belong to this list in this order.")
