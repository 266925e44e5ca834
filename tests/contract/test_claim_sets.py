"""Claim sets, word for word (contract section 4.3)."""

from typing import Any

import httpx2
import psycopg
import pytest

from tests.api.bodies import unique
from tests.api.problems import breaks_rules, is_invalid_json, is_missing, is_problem, is_unresolved
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

PATH = "/v3/claimSets"
STUDENT = "http://ed-fi.org/identity/claims/ed-fi/student"
PEOPLE = "http://ed-fi.org/identity/claims/domains/people"
READ = {"name": "Read", "enabled": True}
EMPTY = "Please provide a valid claim set name."
LONG = "The claim set name must be less than 256 characters."
BLANK = "Claim set name must not contain white spaces."


async def taken(answer: httpx2.Response) -> None:
    detail = "The identifying value(s) of the item are the same as another item that already exists."
    problem = is_problem(answer, 409, "conflict:non-unique-identity", detail)
    assert problem["title"] == "Identifying Values Are Not Unique"
    assert problem["errors"] == ["A claim set with this name already exists."]


async def importing(api: Api, *claims: Any, name: str = "C") -> httpx2.Response:
    return await api.post(f"{PATH}/import", {"claimSetName": name, "resourceClaims": list(claims)})


async def test_a_new_set_is_announced_and_read(shared: Api) -> None:
    name = unique("Set")
    answer = await shared.post(PATH, {"claimSetName": name})
    assert (answer.status_code, answer.content) == (201, b"")
    id = int(answer.headers["location"].removeprefix("http://tenant-api.test/v3/claimSets/"))
    members: list[tuple[str, Any]] = [
        ("id", id),
        ("claimSetName", name),
        ("_isSystemReserved", False),
        ("_applications", []),
    ]
    [listed] = (await shared.get(f"{PATH}?id={id}")).json()
    assert list(listed.items()) == members
    for path in (f"{PATH}/{id}", f"{PATH}/{id}/export"):
        assert list((await shared.get(path)).json().items()) == [*members, ("resourceClaims", [])]
    answer = await shared.put(f"{PATH}/{id}", {"id": id, "claimSetName": f"{name}x"})
    assert (answer.status_code, answer.content) == (204, b"")
    answer = await shared.delete(f"{PATH}/{id}")
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    ("name", "messages"), [("", [EMPTY]), (" ", [EMPTY, BLANK]), ("x" * 257, [LONG]), ("a b", [BLANK])]
)
async def test_every_rule_of_a_name(shared: Api, name: str, messages: list[str]) -> None:
    id = await shared.made(PATH, {"claimSetName": unique("Set")})
    breaks_rules(await shared.post(PATH, {"claimSetName": name}), {"Name": messages})
    breaks_rules(await shared.put(f"{PATH}/{id}", {"id": id, "claimSetName": name}), {"Name": messages})
    breaks_rules(await importing(shared, name=name), {"Name": messages})


async def test_names_of_256_characters_and_of_copies(shared: Api) -> None:
    await shared.made(PATH, {"claimSetName": unique("x" * 247)})
    copy = {"originalId": 1}
    answer = await shared.post(f"{PATH}/copy", {**copy, "claimSetName": ""})
    breaks_rules(answer, {"Name": ["'Name' must not be empty."]})
    answer = await shared.post(f"{PATH}/copy", {**copy, "claimSetName": "x" * 257})
    breaks_rules(
        answer, {"Name": ["The length of 'Name' must be 256 characters or fewer. You entered 257 characters."]}
    )
    await shared.made(f"{PATH}/copy", {**copy, "claimSetName": unique("with blanks")})


async def test_a_name_is_a_required_member(shared: Api) -> None:
    is_invalid_json(await shared.post(PATH, {}))
    is_invalid_json(await shared.put(f"{PATH}/1", {"id": 1}))
    is_invalid_json(await shared.post(f"{PATH}/copy", {"originalId": 1}))


async def test_a_set_that_is_not_there(shared: Api) -> None:
    gone = "ClaimSet 999999 not found. It may have been recently deleted."
    is_missing(await shared.get(f"{PATH}/999999"), gone)
    is_missing(await shared.get(f"{PATH}/999999/export"), gone)
    is_missing(await shared.put(f"{PATH}/999999", {"id": 999_999, "claimSetName": "X"}), gone)
    is_missing(await shared.delete(f"{PATH}/999999"), gone)
    answer = await shared.post(f"{PATH}/copy", {"originalId": 999_999, "claimSetName": "X"})
    is_unresolved(answer, "OriginalId 999999 not found. It may have been recently deleted.")


async def test_a_name_that_is_taken(shared: Api) -> None:
    id = await shared.made(PATH, {"claimSetName": unique("Set")})
    await taken(await shared.post(PATH, {"claimSetName": "SISVendor"}))
    await taken(await shared.put(f"{PATH}/{id}", {"id": id, "claimSetName": "SISVendor"}))
    await taken(await shared.post(f"{PATH}/copy", {"originalId": id, "claimSetName": "SISVendor"}))


async def test_a_reserved_set_stays_as_it_is(shared: Api) -> None:
    name = unique("Set")
    own = await shared.made(PATH, {"claimSetName": name, "isSystemReserved": True})
    for id, known in ((1, "SISVendor"), (own, name)):
        answer = await shared.put(f"{PATH}/{id}", {"id": id, "claimSetName": "X"})
        is_problem(answer, 400, "bad-request", "The specified claim set is system-reserved and cannot be updated.")
        answer = await shared.delete(f"{PATH}/{id}")
        is_problem(answer, 400, "bad-request", "The specified claim set is system-reserved and cannot be deleted.")
        answer = await importing(shared, name=known)
        is_problem(answer, 400, "bad-request", "The specified claim set is system-reserved and cannot be imported.")


async def test_whoever_waits_in_vain_is_told_to_retry(service_url: str) -> None:
    async with serving(service_url, DATABASE__LOCK_TIMEOUT_SECONDS="0.2") as api:
        id = await api.made(PATH, {"claimSetName": "Held"})
        with psycopg.connect(service_url) as holder:
            holder.execute("SELECT FROM claim_sets WHERE id = %s FOR UPDATE", (id,))
            update = await api.put(f"{PATH}/{id}", {"id": id, "claimSetName": "X"})
            delete = await api.delete(f"{PATH}/{id}")
            copy = await api.post(f"{PATH}/copy", {"originalId": id, "claimSetName": "X"})
            taken = await importing(api, name="Held")
    conflict = "Unable to update claim set due to multi-user conflicts. Retry the request."
    is_problem(update, 409, "conflict", conflict)
    conflict = "Unable to delete claim set due to multi-user conflicts. Retry the request."
    is_problem(delete, 409, "conflict", conflict)
    conflict = "Unable to copy claim set due to multi-user conflicts. Retry the request."
    is_problem(copy, 409, "conflict", conflict)
    conflict = "Unable to process the request due to a concurrent modification. Retry the request."
    is_problem(taken, 409, "conflict", conflict)


async def test_an_import_is_announced_also_when_it_replaces(shared: Api) -> None:
    name = unique("Set")
    for claims in ([{"claimName": STUDENT, "actions": [READ]}], []):
        answer = await importing(shared, *claims, name=name)
        id = answer.json()["id"]
        assert (answer.status_code, list(answer.json().items())) == (201, [("id", id), ("warnings", [])])
        assert answer.headers["location"] == f"http://tenant-api.test/v3/claimSets/{id}"
        assert len((await shared.get(f"{PATH}/{id}")).json()["resourceClaims"]) == len(claims)


async def test_the_members_of_an_exported_claim(shared: Api) -> None:
    override = {"actionName": "Read", "authorizationStrategies": [{"authStrategyName": "NamespaceBased"}]}
    claim = {"claimName": PEOPLE, "actions": [READ], "authorizationStrategyOverrides": [override]}
    id = (await importing(shared, claim, name=unique("Set"))).json()["id"]
    [shown] = (await shared.get(f"{PATH}/{id}/export")).json()["resourceClaims"]
    assert list(shown) == [
        "name",
        "claimName",
        "parentClaimName",
        "actions",
        "_defaultAuthorizationStrategies",
        "authorizationStrategyOverrides",
    ]
    assert (shown["name"], shown["claimName"], shown["parentClaimName"]) == ("people", PEOPLE, None)
    assert shown["actions"] == [READ]
    assert shown["authorizationStrategyOverrides"] == [{"actionId": None, **override}]
    for entry in shown["_defaultAuthorizationStrategies"]:
        assert list(entry) == ["actionId", "actionName", "authorizationStrategies"]
        assert all(list(strategy) == ["authStrategyName"] for strategy in entry["authorizationStrategies"])


@pytest.mark.parametrize(
    ("claims", "messages"),
    [
        ([{"claimName": "X"}], ["Actions can not be empty. Resource name: 'X'"]),
        ([{"name": "X", "actions": []}], ["Actions can not be empty. Resource name: 'X'"]),
        (
            [{"claimName": "X", "actions": [{"name": "Read"}, {"name": "Fly", "enabled": False}]}],
            ["A resource must have at least one action associated with it to be added. Resource name: 'X'"],
        ),
        ([{"claimName": "X", "actions": [READ, READ]}], ["Read action is duplicated. Resource name: 'X'"]),
        (
            [{"claimName": "X", "actions": [{"name": "Fly", "enabled": True}]}],
            ["Fly is not a valid action. Resource name: 'X'"],
        ),
        (
            [
                {
                    "claimName": "X",
                    "actions": [READ],
                    "authorizationStrategyOverrides": [
                        {"actionName": "Read", "authorizationStrategies": [{"name": "S"}]}
                    ],
                }
            ],
            [
                "This resource claim contains an authorization strategy which is not in the system. ClaimSet Name: 'C' Resource name: 'X' Authorization strategy: 'S'."  # noqa: E501 - one sentence of the contract
            ],
        ),
        (
            [{"claimName": "X", "actions": [READ]}] * 2,
            ["Only unique resource claims can be added. The following is a duplicate resource: 'X'."],
        ),
    ],
)
async def test_every_rule_of_an_imported_claim(shared: Api, claims: list[Any], messages: list[str]) -> None:
    breaks_rules(await importing(shared, *claims), {"ResourceClaims": messages})
    assert (await shared.get(f"{PATH}?name=C")).json() == []


async def test_what_an_import_warns_of(shared: Api) -> None:
    unknown = {"claimName": "http://example.org/x", "actions": [READ]}
    short = {"name": "student", "actions": [READ]}
    misplaced = {"claimName": STUDENT, "parentClaimName": f"{PEOPLE}x", "actions": [READ]}
    answer = await importing(shared, unknown, short, misplaced, name=unique("Set"))
    [taken] = (await shared.get(f"{PATH}/{answer.json()['id']}")).json()["resourceClaims"]
    right = taken["parentClaimName"]
    assert answer.json()["warnings"] == [
        "http://example.org/x",
        "student",
        f"Child resource '{STUDENT}' added to the wrong parent resource. Correct parent resource is: '{right}'.",
    ]


async def test_who_may_do_what(shared: Api) -> None:
    assert (await shared.get(PATH, caller="metadata")).status_code == 200
    for path in (f"{PATH}/1", f"{PATH}/1/export"):
        assert (await shared.get(path, caller="reader")).status_code == 200
        assert (await shared.get(path, caller="metadata")).status_code == 403
    for path in (PATH, f"{PATH}/copy", f"{PATH}/import"):
        assert (await shared.post(path, {}, caller="reader")).status_code == 403
