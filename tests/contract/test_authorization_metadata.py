"""Authorization metadata, word for word (contract section 4.5)."""

from typing import Any

import pytest

from tests.api.bodies import unique
from tests.api.problems import is_missing
from tests.api.service import Api

pytestmark = pytest.mark.anyio

PATH = "/v3/authorizationMetadata"
BASE = "http://ed-fi.org/identity/claims"


async def test_members_and_order(shared: Api) -> None:
    [entry] = (await shared.get(f"{PATH}?claimSetName=ASSESSMENTREAD")).json()
    assert list(entry) == ["claimSetName", "claims", "authorizations"]
    assert entry["claimSetName"] == "AssessmentRead"
    names = [claim["name"] for claim in entry["claims"]]
    assert names == sorted(names)
    assert all(list(claim) == ["name", "authorizationId"] for claim in entry["claims"])
    assert [authorization["id"] for authorization in entry["authorizations"]] == list(
        range(1, len(entry["authorizations"]) + 1)
    )
    for authorization in entry["authorizations"]:
        assert list(authorization) == ["id", "actions"]
        for action in authorization["actions"]:
            assert list(action) == ["name", "authorizationStrategies"]
            assert all(list(strategy) == ["name"] for strategy in action["authorizationStrategies"])


async def test_the_nearest_entry_for_an_action_wins(shared: Api) -> None:
    """The leaf's own Create, its parent's Read with an override, defaults from above for what has none."""

    def granting(claim: str, action: str, *strategies: str) -> dict[str, Any]:
        override = {
            "actionName": action,
            "authorizationStrategies": [{"authStrategyName": name} for name in strategies],
        }
        actions = [{"name": action, "enabled": True}]
        return {"claimName": f"{BASE}/{claim}", "actions": actions, "authorizationStrategyOverrides": [override]}

    name = unique("Set")
    claims = [granting("domains/edFiTypes", "Read", "NamespaceBased"), granting("ed-fi/schoolYearType", "ReadChanges")]
    body = {"claimSetName": name, "resourceClaims": claims}
    assert (await shared.post("/v3/claimSets/import", body)).status_code == 201
    [entry] = (await shared.get(f"{PATH}?claimSetName={name}")).json()
    [leaf], [authorization] = entry["claims"], entry["authorizations"]
    assert leaf == {"name": f"{BASE}/ed-fi/schoolYearType", "authorizationId": 1}
    assert {action["name"]: action["authorizationStrategies"] for action in authorization["actions"]} == {
        "Read": [{"name": "NamespaceBased"}],
        "ReadChanges": [{"name": "NoFurtherAuthorizationRequired"}],
    }


async def test_a_name_that_nobody_has(shared: Api) -> None:
    answer = await shared.get(f"{PATH}?claimSetName=Nowhere")
    assert (answer.status_code, answer.json()) == (200, [])


async def test_a_hierarchy_that_is_not_there(api: Api) -> None:
    async with api.runtime.pool.connection() as connection:
        await connection.execute("DELETE FROM claims_documents")
    answer = await api.get(f"{PATH}?claimSetName=SISVendor")
    is_missing(answer, "Authorization metadata for claim set 'SISVendor' not found.")
