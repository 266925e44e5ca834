"""Claim sets travel: what one service exports another one imports (contract section 4.3)."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenant_api.claim_sets.actions import Action
from tenant_api.claim_sets.importing import ClaimSetImport
from tests.api.bodies import unique
from tests.api.problems import breaks_rules
from tests.api.service import Api

pytestmark = pytest.mark.anyio

BASE = "http://ed-fi.org/identity/claims/"
STUDENT = f"{BASE}ed-fi/student"
PEOPLE = f"{BASE}domains/people"
READ = [{"name": "Read", "enabled": True}]


def claim(name: str = STUDENT, **changes: Any) -> dict[str, Any]:
    return {"claimName": name, "actions": READ, **changes}


async def imported(api: Api, *claims: dict[str, Any], name: str | None = None, **more: Any) -> tuple[int, list[str]]:
    body = {"claimSetName": name or unique("Set"), "resourceClaims": list(claims)}
    answer = await api.post("/v3/claimSets/import", body, **more)
    assert answer.status_code == 201, answer.text
    assert list(answer.json()) == ["id", "warnings"]
    assert answer.headers["location"] == f"http://tenant-api.test/v3/claimSets/{answer.json()['id']}"
    return answer.json()["id"], answer.json()["warnings"]


async def granted(api: Api, claim_set_id: int, **more: Any) -> list[Any]:
    found: list[Any] = (await api.get(f"/v3/claimSets/{claim_set_id}/export", **more)).json()["resourceClaims"]
    return found


async def refused(api: Api, *claims: Any, name: str = "C") -> list[str]:
    answer = await api.post("/v3/claimSets/import", {"claimSetName": name, "resourceClaims": list(claims)})
    messages: list[str] = answer.json()["validationErrors"]["ResourceClaims"]
    breaks_rules(answer, {"ResourceClaims": messages})
    return messages


async def test_an_export_says_all_about_each_claim(shared: Api) -> None:
    export = (await shared.get("/v3/claimSets/1/export")).json()
    assert export == (await shared.get("/v3/claimSets/1")).json()
    first = export["resourceClaims"][0]
    assert first == {
        "name": "edFiTypes",
        "claimName": f"{BASE}domains/edFiTypes",
        "parentClaimName": None,
        "actions": [{"name": "Read", "enabled": True}],
        "_defaultAuthorizationStrategies": [
            {
                "actionId": None,
                "actionName": action,
                "authorizationStrategies": [{"authStrategyName": "NoFurtherAuthorizationRequired"}],
            }
            for action in ("Read", "ReadChanges")
        ],
        "authorizationStrategyOverrides": [],
    }


async def test_each_of_the_fourteen_comes_out_of_an_empty_tenant_as_it_went_in(fleet: Api) -> None:
    await fleet.post("/v3/tenants", {"name": "Empty"})
    for original_id in range(1, 15):
        export = await fleet.get(f"/v3/claimSets/{original_id}/export", tenant="Empty")
        body = {**export.json(), "claimSetName": f"Copy{original_id}"}
        copy_id, warnings = await imported(fleet, *body["resourceClaims"], name=body["claimSetName"], tenant="Empty")
        assert warnings == []
        again = await fleet.get(f"/v3/claimSets/{copy_id}/export", tenant="Empty")
        first = export.content.partition(b'"resourceClaims":')[2]
        assert again.content.partition(b'"resourceClaims":')[2] == first
        assert len(first) > 1000


async def test_an_import_replaces_what_the_set_granted(shared: Api) -> None:
    name = unique("Set")
    first_id, _ = await imported(shared, claim(), claim(PEOPLE), name=name)
    second_id, _ = await imported(shared, claim(f"{BASE}ed-fi/school"), name=name)
    assert first_id == second_id
    assert [entry["name"] for entry in await granted(shared, first_id)] == ["school"]


async def test_unknown_claims_are_skipped_and_named(shared: Api) -> None:
    name = unique("Set")
    first_id, _ = await imported(shared, claim(), name=name)
    again_id, warnings = await imported(
        shared, claim("http://example.org/x"), {"name": "student", "actions": READ}, name=name
    )
    assert (again_id, warnings) == (first_id, ["http://example.org/x", "student"])
    assert await granted(shared, first_id) == []


async def test_a_wrong_parent_is_put_right_and_named(shared: Api) -> None:
    claim_set_id, warnings = await imported(
        shared,
        claim(parentClaimName=f"{BASE}domains/systemDescriptors"),
        claim(f"{BASE}ed-fi/staff", parentClaimName=f"{BASE}domains/PEOPLE".lower()),
    )
    right = (await granted(shared, claim_set_id))[0]["parentClaimName"]
    assert warnings == [
        f"Child resource '{STUDENT}' added to the wrong parent resource. Correct parent resource is: '{right}'."
    ]


async def test_claims_are_found_in_any_case_and_listed_in_the_order_of_the_hierarchy(shared: Api) -> None:
    claim_set_id, _ = await imported(shared, claim(STUDENT.upper()), claim(f"{BASE}domains/edFiTypes"))
    assert [entry["name"] for entry in await granted(shared, claim_set_id)] == ["edFiTypes", "student"]


async def test_only_enabled_actions_count_and_keep_their_order(shared: Api) -> None:
    actions = [
        {"name": "Delete", "enabled": True},
        {"name": "Create"},
        {"name": "Update", "enabled": False},
        {"name": "read", "enabled": True},
    ]
    claim_set_id, _ = await imported(shared, claim(actions=actions))
    [shown] = await granted(shared, claim_set_id)
    assert shown["actions"] == [{"name": "Delete", "enabled": True}, {"name": "Read", "enabled": True}]


async def test_overrides_name_strategies_in_two_ways(shared: Api) -> None:
    overrides = [
        {"actionName": "Read", "authorizationStrategies": [{"authStrategyName": "NamespaceBased"}]},
        {"actionName": "Create", "authorizationStrategies": [{"name": "OwnershipBased"}, {"name": "OwnershipBased"}]},
        {"actionName": "Delete", "authorizationStrategies": [{"name": "OwnershipBased"}]},
    ]
    actions = [{"name": name, "enabled": True} for name in ("Create", "Read", "Update")]
    claim_set_id, _ = await imported(shared, claim(actions=actions, authorizationStrategyOverrides=overrides))
    [shown] = await granted(shared, claim_set_id)
    assert shown["authorizationStrategyOverrides"] == [
        {
            "actionId": None,
            "actionName": action,
            "authorizationStrategies": [{"authStrategyName": strategy}],
        }
        for action, strategy in (("Create", "OwnershipBased"), ("Read", "NamespaceBased"))
    ]


async def test_actions_that_cannot_be_taken(shared: Api) -> None:
    place = f"Resource name: '{STUDENT}'"
    assert await refused(shared, claim(actions=[])) == [f"Actions can not be empty. {place}"]
    assert await refused(shared, claim(actions=None)) == [f"Actions can not be empty. {place}"]
    assert await refused(shared, {"name": "student"}) == ["Actions can not be empty. Resource name: 'student'"]
    idle = [{"name": "Read", "enabled": False}, {"name": "Read"}, {"name": "Fly"}]
    assert await refused(shared, claim(actions=idle)) == [
        f"A resource must have at least one action associated with it to be added. {place}"
    ]
    assert await refused(shared, claim(actions=[*READ, {"name": "Read"}, {"name": "Fly"}])) == [
        f"Read action is duplicated. {place}",
        f"Fly is not a valid action. {place}",
    ]


async def test_strategies_that_nobody_knows(shared: Api) -> None:
    override = {"actionName": "Read", "authorizationStrategies": [{"name": "Nowhere"}]}
    assert await refused(shared, claim(authorizationStrategyOverrides=[override])) == [
        (
            "This resource claim contains an authorization strategy which is not in the system. "
            f"ClaimSet Name: 'C' Resource name: '{STUDENT}' Authorization strategy: 'Nowhere'."
        )
    ]
    defaults: dict[str, Any] = {"_defaultAuthorizationStrategies": [override]}
    await imported(shared, claim(**defaults))


async def test_a_claim_may_come_once(shared: Api) -> None:
    assert await refused(shared, claim(), claim(), claim()) == [
        f"Only unique resource claims can be added. The following is a duplicate resource: '{STUDENT}'."
    ]


async def test_all_that_is_wrong_is_told_at_once(shared: Api) -> None:
    answer = await shared.post("/v3/claimSets/import", {"claimSetName": "", "resourceClaims": [claim(actions=[])]})
    breaks_rules(
        answer,
        {
            "Name": ["Please provide a valid claim set name."],
            "ResourceClaims": [f"Actions can not be empty. Resource name: '{STUDENT}'"],
        },
    )


async def test_without_claims_a_set_is_emptied(shared: Api) -> None:
    name = unique("Set")
    claim_set_id, _ = await imported(shared, claim(), name=name)
    assert (await shared.post("/v3/claimSets/import", {"claimSetName": name})).json() == {
        "id": claim_set_id,
        "warnings": [],
    }
    assert await granted(shared, claim_set_id) == []


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    st.lists(st.fixed_dictionaries({"name": st.sampled_from([*Action.__members__, "x"]), "enabled": st.booleans()})),
)
def test_actions_without_a_broken_rule_grant_exactly_the_enabled_ones(actions: list[dict[str, Any]]) -> None:
    body = ClaimSetImport.model_validate({"claimSetName": "C", "resourceClaims": [claim(actions=actions)]})
    names = [action["name"] for action in actions]
    fine = any(action["enabled"] for action in actions) and len(set(names)) == len(names) and "x" not in names
    assert (body.broken_rules(set()) == {}) == fine
    if fine:
        [only] = body.claims()
        assert [action.name for action in only.granted()] == [action["name"] for action in actions if action["enabled"]]
