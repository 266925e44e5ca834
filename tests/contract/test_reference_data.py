"""Actions, strategies and resource claims, word for word (contract section 1.17)."""

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


async def test_the_actions(shared: Api) -> None:
    assert (await shared.get("/v3/actions")).json() == [
        {"id": 1, "name": "Create", "uri": "uri://ed-fi.org/api/actions/create"},
        {"id": 2, "name": "Read", "uri": "uri://ed-fi.org/api/actions/read"},
        {"id": 3, "name": "Update", "uri": "uri://ed-fi.org/api/actions/update"},
        {"id": 4, "name": "Delete", "uri": "uri://ed-fi.org/api/actions/delete"},
        {"id": 5, "name": "ReadChanges", "uri": "uri://ed-fi.org/api/actions/readChanges"},
    ]


async def test_the_strategies(shared: Api) -> None:
    listed = (await shared.get("/v3/authorizationStrategies")).json()
    assert [list(entry) for entry in listed] == [["id", "name", "displayName"]] * 13
    assert [(entry["id"], entry["name"]) for entry in listed] == list(enumerate(STRATEGIES, 1))


async def test_members_of_the_tree(shared: Api) -> None:
    [root] = (await shared.get("/v3/resourceClaims?name=types")).json()
    assert list(root) == ["id", "name", "parentId", "parentName", "children"]
    assert (root["id"], root["parentId"], root["parentName"]) == (1, 0, None)
    [child] = root["children"]
    assert (child["parentId"], child["parentName"], child["children"]) == (1, "types", [])
    assert (await shared.get(f"/v3/resourceClaims/{child['id']}")).json() == child


async def test_members_of_the_lists_of_defaults(shared: Api) -> None:
    [actions] = (await shared.get("/v3/resourceClaimActions?resourceName=TYPES")).json()
    claim = [("resourceClaimId", 1), ("resourceName", "types")]
    claim.append(("claimName", "http://ed-fi.org/identity/claims/domains/edFiTypes"))
    assert list(actions.items())[:3] == claim
    assert actions["actions"] == [{"name": "Read"}, {"name": "ReadChanges"}]
    [strategies] = (await shared.get("/v3/resourceClaimActionAuthStrategies?resourceName=TYPES")).json()
    assert list(strategies.items())[:3] == claim
    known = {"authStrategyId": 1, "authStrategyName": "NoFurtherAuthorizationRequired"}
    read: dict[str, Any] = {"actionId": 2, "actionName": "Read", "authorizationStrategies": [known]}
    changes = {"actionId": 5, "actionName": "ReadChanges", "authorizationStrategies": [known]}
    assert strategies["authorizationStrategiesForActions"] == [read, changes]


async def test_a_resource_claim_that_is_not_there(shared: Api) -> None:
    is_missing(await shared.get("/v3/resourceClaims/999999"), "ResourceClaim 999999 not found.")
    wrong = "The request contains one or more invalid parameters."
    is_bad_parameter(await shared.get("/v3/resourceClaims/types"), wrong)


async def test_a_hierarchy_that_is_not_there(api: Api) -> None:
    async with api.runtime.pool.connection() as connection:
        await connection.execute("DELETE FROM claims_documents")
    for path in ("resourceClaims", "resourceClaims/1", "resourceClaimActions", "resourceClaimActionAuthStrategies"):
        is_missing(await api.get(f"/v3/{path}"), "The claims hierarchy was not found.")


async def test_a_tenant_sees_the_same(fleet: Api) -> None:
    await fleet.made("/v3/tenants", {"name": "North"})
    listed = (await fleet.get("/v3/authorizationStrategies", tenant="North")).json()
    assert [entry["name"] for entry in listed] == STRATEGIES
    for path in ("resourceClaims", "resourceClaimActions", "resourceClaimActionAuthStrategies"):
        assert (await fleet.get(f"/v3/{path}?limit=1", tenant="North")).json()[0][
            "id" if path == "resourceClaims" else "resourceClaimId"
        ]
