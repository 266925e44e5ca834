"""Profiles speak the contract (section 1.16), each tenant with its own."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tenant_api.profiles import schemas
from tenant_api.profiles.definition import INVALID, NAMELESS_RESOURCE, NO_RESOURCE, WRONG_NAME, faults_of
from tests.api import bodies
from tests.api.problems import breaks_rules, is_bad_parameter, is_missing, is_problem, is_unresolved
from tests.api.service import Api

pytestmark = pytest.mark.anyio

PATH = "/v3/profiles"
IN_USE = "Profile is assigned to applications and cannot be deleted."
NO_PROFILE = "Profile does not exist."


async def test_a_new_profile_says_where_it_is_and_nothing_else(shared: Api) -> None:
    body = bodies.profile()
    answer = await shared.post(PATH, body)
    assert (answer.status_code, answer.content) == (201, b"")
    location = answer.headers["location"]
    profile_id = int(location.removeprefix(f"http://tenant-api.test{PATH}/"))
    assert (await shared.get(location)).json() == {"id": profile_id, **body}
    assert {"id": profile_id, "name": body["name"]} in (await shared.get(PATH)).json()


async def test_a_definition_comes_back_character_for_character(shared: Api) -> None:
    declared = '<?xml version="1.0" encoding="utf-16"?>\r\n\t<!-- ü 🦉 -->\n'
    text = declared + '<Profile\n name = "Pü" >\r\n<Resource name="R"/> </Profile>\n'
    profile_id = await shared.made(PATH, {"name": "Pü", "definition": text})
    assert (await shared.get(f"{PATH}/{profile_id}")).json()["definition"] == text


async def test_names_of_profiles_are_unique(shared: Api) -> None:
    first, second = bodies.profile(), bodies.profile()
    await shared.made(PATH, first)
    profile_id = await shared.made(PATH, second)
    breaks_rules(await shared.post(PATH, first), {"Name": [f"Profile '{first['name']}' already exists."]})
    answer = await shared.put(f"{PATH}/{profile_id}", {**first, "id": profile_id})
    breaks_rules(answer, {"Name": ["A profile with this name already exists."]})
    await shared.made(PATH, bodies.profile(first["name"].upper()))


async def test_one_of_two_simultaneous_twins_is_refused(shared: Api) -> None:
    body = bodies.profile()
    answers = await asyncio.gather(*(shared.post(PATH, body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400, 400]


async def test_a_replaced_profile_shows_its_new_state(shared: Api) -> None:
    profile_id = await shared.made(PATH, bodies.profile())
    wanted = {"id": profile_id, **bodies.profile()}
    answer = await shared.put(f"{PATH}/{profile_id}", wanted)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await shared.get(f"{PATH}/{profile_id}")).json() == wanted


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_others_are_answered_while_a_long_definition_is_judged(
    shared: Api, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    profile_id = await shared.made(PATH, bodies.profile())
    path = PATH if method == "POST" else f"{PATH}/{profile_id}"
    name, others_were_answered, judging = bodies.unique("Long"), threading.Event(), threading.Event()

    def judged_slowly(definition: str, name: str) -> Iterator[str]:
        judging.set()
        if not others_were_answered.wait(timeout=10):
            yield "nobody else was answered"
        yield from faults_of(definition, name)

    monkeypatch.setattr(schemas, "faults_of", judged_slowly)
    wrong = bodies.definition(name, f"<Other>{'x' * 70_000}</Other>")
    body = {"id": profile_id, "name": name, "definition": wrong}
    long = asyncio.create_task(shared.call(method, path, body))
    await asyncio.to_thread(judging.wait, 10)
    assert (await shared.get(f"{PATH}/{profile_id}")).status_code == 200
    others_were_answered.set()
    breaks_rules(await long, {"Definition": [INVALID, NO_RESOURCE]})


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_profile_is_missing(shared: Api, method: str) -> None:
    body = {"id": 999_999, **bodies.profile()} if method == "PUT" else None
    is_missing(await shared.call(method, f"{PATH}/999999", body), "Profile 999999 not found.")


@pytest.mark.parametrize(
    ("body", "failures"),
    [
        (
            {},
            {
                "Name": ["Profile name is required."],
                "Definition": ["Profile definition is required.", WRONG_NAME, INVALID, NO_RESOURCE, NAMELESS_RESOURCE],
            },
        ),
        (
            bodies.profile("x" * 501),
            {"Name": ["Profile name must be 500 characters or less."]},
        ),
        ({"name": "P1", "definition": bodies.definition("P2")}, {"Definition": [WRONG_NAME]}),
        ({"name": "P1", "definition": bodies.definition("P1", "<X/>")}, {"Definition": [INVALID, NO_RESOURCE]}),
        (
            {"name": "P1", "definition": bodies.definition("P1", "<Resource/>")},
            {"Definition": [INVALID, NAMELESS_RESOURCE]},
        ),
    ],
)
async def test_a_member_that_breaks_its_rules_is_refused(
    shared: Api, body: bodies.Body, failures: dict[str, list[str]]
) -> None:
    breaks_rules(await shared.post(PATH, body), failures)
    breaks_rules(await shared.put(f"{PATH}/7", {**body, "id": 7}), failures)


async def test_the_id_of_a_replaced_profile_is_above_zero(shared: Api) -> None:
    answer = await shared.put(f"{PATH}/0", bodies.profile())
    breaks_rules(answer, {"Id": ["Profile Id must be greater than zero."]})


async def test_the_longest_name_fits(shared: Api) -> None:
    await shared.made(PATH, bodies.profile("x" * 500))


async def test_its_lists_filter_page_and_sort(fleet: Api) -> None:
    await fleet.made("/v3/tenants", {"name": "North"})
    made = [await fleet.made(PATH, bodies.profile(name), tenant="North") for name in "cab"]

    async def ids(query: str) -> list[int]:
        return [item["id"] for item in (await fleet.get(f"{PATH}?{query}", tenant="North")).json()]

    assert await ids("") == made
    assert await ids("direction=desc") == made[::-1]
    assert await ids("orderBy=NAME") == [made[1], made[2], made[0]]
    assert await ids("orderBy=name&direction=desc&offset=1&limit=1") == [made[2]]
    assert await ids("name=a") == [made[1]]
    assert await ids(f"id={made[0]}") == [made[0]]
    is_bad_parameter(
        await fleet.get(f"{PATH}?orderBy=definition", tenant="North"),
        "'orderBy' is not a valid field. Allowed values: id, name",
    )


async def test_profiles_are_for_callers_of_their_scopes(shared: Api) -> None:
    profile_id = await shared.made(PATH, bodies.profile())
    for path in (PATH, f"{PATH}/{profile_id}"):
        assert (await shared.get(path, caller="reader")).status_code == 200
        assert (await shared.get(path, caller="metadata")).status_code == 403
        assert (await shared.get(path, caller=None)).status_code == 401
    assert (await shared.post(PATH, bodies.profile(), caller="reader")).status_code == 403


async def test_applications_name_their_profiles(shared: Api) -> None:
    profiles = [await shared.made(PATH, bodies.profile()) for _ in range(3)]
    vendor = await shared.made("/v3/vendors", bodies.vendor())
    body = bodies.application(vendor, profileIds=[profiles[2], profiles[0], profiles[2]])
    application = await shared.made("/v3/applications", body)

    async def used() -> list[int]:
        answer = await shared.get(f"/v3/applications/{application}")
        profile_ids: list[int] = answer.json()["profileIds"]
        return profile_ids

    assert await used() == [profiles[0], profiles[2]]
    for path in ("/v3/applications", f"/v3/vendors/{vendor}/applications"):
        [shown] = [item for item in (await shared.get(path)).json() if item["id"] == application]
        assert shown["profileIds"] == [profiles[0], profiles[2]]
    wanted = {**body, "id": application}
    await shared.put(f"/v3/applications/{application}", {**wanted, "profileIds": profiles[1:]})
    assert await used() == profiles[1:]
    await shared.put(f"/v3/applications/{application}", bodies.without(wanted, "profileIds"))
    assert await used() == []


async def test_an_application_needs_the_profiles_that_it_names(shared: Api) -> None:
    profile = await shared.made(PATH, bodies.profile())
    vendor = await shared.made("/v3/vendors", bodies.vendor())
    application = await shared.made("/v3/applications", bodies.application(vendor))
    body = bodies.application(vendor, profileIds=[profile, 999_999])
    is_unresolved(await shared.post("/v3/applications", body), NO_PROFILE)
    is_unresolved(await shared.put(f"/v3/applications/{application}", {**body, "id": application}), NO_PROFILE)
    unordered = await shared.post("/v3/applications", {**body, "dataStoreIds": [999_999]})
    is_unresolved(unordered, "Data store does not exist.")
    assert (await shared.get(f"/v3/applications/{application}")).json()["profileIds"] == []


async def test_a_profile_in_use_stays(shared: Api) -> None:
    profile = await shared.made(PATH, bodies.profile())
    vendor = await shared.made("/v3/vendors", bodies.vendor())
    application = await shared.made("/v3/applications", bodies.application(vendor, profileIds=[profile]))
    is_problem(await shared.delete(f"{PATH}/{profile}"), 409, "conflict:dependent-item-exists", IN_USE)
    assert (await shared.get(f"{PATH}/{profile}")).status_code == 200
    await shared.delete(f"/v3/applications/{application}")
    answer = await shared.delete(f"{PATH}/{profile}")
    assert (answer.status_code, answer.content) == (204, b"")
    is_missing(await shared.get(f"{PATH}/{profile}"), f"Profile {profile} not found.")


async def test_a_profile_is_not_deleted_while_an_application_takes_it(shared: Api) -> None:
    vendor = await shared.made("/v3/vendors", bodies.vendor())
    for _ in range(5):
        profile = await shared.made(PATH, bodies.profile())
        body = bodies.application(vendor, profileIds=[profile])
        taken, deleted = await asyncio.gather(shared.post("/v3/applications", body), shared.delete(f"{PATH}/{profile}"))
        assert (taken.status_code, deleted.status_code) in {(201, 409), (409, 204)}


async def test_profiles_of_another_tenant_are_not_there(fleet: Api) -> None:
    for name in ("North", "South"):
        await fleet.made("/v3/tenants", {"name": name})
    body = bodies.profile()
    profile = await fleet.made(PATH, body, tenant="North")
    for method, sent in [("GET", None), ("PUT", {**body, "id": profile}), ("DELETE", None)]:
        is_missing(await fleet.call(method, f"{PATH}/{profile}", sent, tenant="South"), f"Profile {profile} not found.")
    assert (await fleet.get(PATH, tenant="South")).json() == []
    vendor = await fleet.made("/v3/vendors", bodies.vendor(), tenant="South")
    application = bodies.application(vendor, profileIds=[profile])
    is_unresolved(await fleet.post("/v3/applications", application, tenant="South"), NO_PROFILE)
    await fleet.made(PATH, body, tenant="South")
