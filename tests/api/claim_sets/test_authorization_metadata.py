"""Authorization metadata: right, computed once for every change, and quick (contract section 4.5)."""

import asyncio
import time
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenant_api.claim_sets import memory
from tenant_api.claim_sets.actions import Action
from tenant_api.claim_sets.authorization_metadata import GrantingSet, compose
from tenant_api.claim_sets.data_standards import default_document
from tenant_api.claim_sets.hierarchy import Hierarchy
from tests.api.bodies import unique
from tests.api.claim_sets.test_default_metadata import CLAIM_SETS
from tests.api.claim_sets.test_import_export import BASE, claim, imported
from tests.api.problems import is_missing
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

PATH = "/v3/authorizationMetadata"


def expected(document: dict[str, Any], claim_set: str) -> dict[str, list[tuple[str, list[str]]]]:
    """What the rules of the contract give for each leaf, worked out from the document the slow way."""
    found: dict[str, list[tuple[str, list[str]]]] = {}

    def descend(node: dict[str, Any], above: list[dict[str, Any]]) -> None:
        lineage = [node, *above]
        for child in node.get("claims", []):
            descend(child, lineage)
        if "claims" in node:
            return
        granted: dict[str, list[str]] = {}
        for ancestor in lineage:
            for grant in ancestor.get("claimSets", []):
                for action in grant["actions"] if grant["name"] == claim_set else []:
                    overrides = [entry["name"] for entry in action.get("authorizationStrategyOverrides", [])]
                    granted.setdefault(action["name"], overrides)
        defaults: dict[str, list[str]] = {}
        for ancestor in lineage:
            for action in ancestor.get("defaultAuthorization", {}).get("actions", []):
                defaults.setdefault(action["name"], [entry["name"] for entry in action["authorizationStrategies"]])
        if granted:
            found[node["name"]] = sorted((name, own or defaults.get(name, [])) for name, own in granted.items())

    for root in document["claimsHierarchy"]:
        descend(root, [])
    return found


def resolved(entry: dict[str, Any]) -> dict[str, list[tuple[str, list[str]]]]:
    authorizations = {
        authorization["id"]: sorted(
            (action["name"], [strategy["name"] for strategy in action["authorizationStrategies"]])
            for action in authorization["actions"]
        )
        for authorization in entry["authorizations"]
    }
    return {item["name"]: authorizations[item["authorizationId"]] for item in entry["claims"]}


async def test_every_leaf_of_every_set_is_as_the_rules_say(shared: Api) -> None:
    answer = (await shared.get(PATH)).json()
    document = default_document("5.2")
    by_name = {entry["claimSetName"]: entry for entry in answer}
    assert [entry["claimSetName"] for entry in answer][:14] == CLAIM_SETS
    for name in CLAIM_SETS:
        assert resolved(by_name[name]) == expected(document, name)
        names = [item["name"] for item in by_name[name]["claims"]]
        assert names == sorted(names)


async def test_ids_begin_at_one_and_go_on_through_the_answer(shared: Api) -> None:
    for path in (PATH, f"{PATH}?claimSetName=SeedLoader"):
        answer = (await shared.get(path)).json()
        ids = [authorization["id"] for entry in answer for authorization in entry["authorizations"]]
        assert ids == list(range(1, len(ids) + 1))


async def test_one_set_is_found_in_any_case_and_an_unknown_one_is_no_failure(shared: Api) -> None:
    [entry] = (await shared.get(f"{PATH}?claimSetName=sisvendor")).json()
    assert entry["claimSetName"] == "SISVendor"
    assert list(entry) == ["claimSetName", "claims", "authorizations"]
    answer = await shared.get(f"{PATH}?claimSetName=Nowhere")
    assert (answer.status_code, answer.json()) == (200, [])


async def test_a_change_is_in_the_next_answer(shared: Api) -> None:
    name = unique("Set")
    path = f"{PATH}?claimSetName={name}"
    assert (await shared.get(path)).json() == []
    claim_set_id, _ = await imported(shared, claim(f"{BASE}domains/people"), name=name)
    [entry] = (await shared.get(path)).json()
    assert f"{BASE}ed-fi/student" in resolved(entry)
    await imported(shared, claim(f"{BASE}ed-fi/staff"), name=name)
    [entry] = (await shared.get(path)).json()
    assert list(resolved(entry)) == [f"{BASE}ed-fi/staff"]
    await shared.put(f"/v3/claimSets/{claim_set_id}", {"id": claim_set_id, "claimSetName": f"{name}x"})
    assert (await shared.get(path)).json() == []
    assert len((await shared.get(f"{path}x")).json()) == 1
    await shared.delete(f"/v3/claimSets/{claim_set_id}")
    assert (await shared.get(f"{path}x")).json() == []


async def test_a_change_by_another_process_is_in_the_next_answer(service_url: str) -> None:
    async with serving(service_url) as one, serving(service_url) as other:
        for _ in range(5):
            name = unique("Set")
            await imported(one, claim(), name=name)
            names = {entry["claimSetName"] for entry in (await other.get(PATH)).json()}
            assert name in names


async def test_a_tag_names_the_answer_until_it_changes(shared: Api) -> None:
    first = await shared.get(PATH)
    tag = first.headers["etag"]
    again = await shared.get(PATH, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    await imported(shared, claim())
    changed = await shared.get(PATH, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag
    assert changed.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("path", [PATH, f"{PATH}?claimSetName=Nowhere"])
@pytest.mark.parametrize("header", ["*", " * "])
async def test_a_star_means_any_answer_that_there_is(shared: Api, path: str, header: str) -> None:
    answer = await shared.get(path, headers={"If-None-Match": header})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == (await shared.get(path)).headers["etag"]


async def test_it_is_computed_once_for_many_requests(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = []
    document = memory._document

    def counted(*given: Any) -> Any:
        computed.append(1)
        return document(*given)

    monkeypatch.setattr(memory, "_document", counted)
    answers = await asyncio.gather(*(api.get(PATH) for _ in range(20)))
    assert len({answer.content for answer in answers}) == 1
    assert len(computed) == 1


async def test_twenty_sets_come_from_memory_within_ten_milliseconds(api: Api) -> None:
    for _ in range(6):
        await api.post("/v3/claimSets/copy", {"originalId": 2, "claimSetName": unique("Set")})
    known = api.runtime.pool
    remembered = memory.ClaimsMemory(known, api.runtime.sessions)
    assert await remembered.metadata(0, None)
    fastest = 1.0
    for _ in range(50):
        started = time.perf_counter()
        assert await remembered.metadata(0, None)
        fastest = min(fastest, time.perf_counter() - started)
    assert fastest < 0.010


async def test_without_a_hierarchy_it_is_missing(api: Api) -> None:
    async with api.runtime.pool.connection() as connection:
        await connection.execute("DELETE FROM claims_documents")
    is_missing(await api.get(f"{PATH}?claimSetName=X"), "Authorization metadata for claim set 'X' not found.")
    for path in ("resourceClaims", "resourceClaims/1", "resourceClaimActions", "resourceClaimActionAuthStrategies"):
        is_missing(await api.get(f"/v3/{path}"), "The claims hierarchy was not found.")
    assert (await api.get("/v3/claimSets/1")).json()["resourceClaims"] == []


STRATEGIES = st.lists(st.sampled_from(["A", "B"]), max_size=2, unique=True).map(tuple)
BY_ACTION = st.dictionaries(st.sampled_from(Action), STRATEGIES, max_size=3)


@st.composite
def hierarchies(draw: st.DrawFn) -> Hierarchy:
    size = draw(st.integers(1, 8))
    nodes = []
    for id in range(1, size + 1):
        parent = draw(st.one_of(st.none(), st.integers(1, id - 1))) if id > 1 else None
        nodes.append((id, f"c{id}", parent, draw(st.one_of(st.none(), BY_ACTION))))
    return Hierarchy(UUID(int=1), nodes)


@settings(max_examples=200, deadline=None, database=None)
@given(hierarchies(), st.lists(st.dictionaries(st.integers(1, 8), BY_ACTION), max_size=3))
def test_no_two_authorizations_of_a_set_are_equal_and_none_is_unused(
    hierarchy: Hierarchy, sets: list[dict[int, dict[Action, tuple[str, ...]]]]
) -> None:
    composed = compose(hierarchy, [GrantingSet(name=f"S{index}", grants=grants) for index, grants in enumerate(sets)])
    for entry in composed:
        contents = [str(authorization["actions"]) for authorization in entry["authorizations"]]
        assert len(set(contents)) == len(contents)
        used = {item["authorizationId"] for item in entry["claims"]}
        assert used == {authorization["id"] for authorization in entry["authorizations"]}
