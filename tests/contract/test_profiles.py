"""Profiles, word for word (contract section 1.16)."""

import pytest

from tests.api import bodies
from tests.api.problems import breaks_rules, is_missing, is_problem
from tests.api.service import Api

pytestmark = pytest.mark.anyio

PATH = "/v3/profiles"
WRONG_NAME = "Name must match the name attribute in the XML definition."
INVALID = "Profile definition XML is invalid or does not match the XSD."
NO_RESOURCE = "Profile XML must contain at least one <Resource> element."
NAMELESS = "All <Resource> elements must have a name attribute."
SCHOOL = '<Resource name="School"/>'


def content(inside: str) -> str:
    return f'<Resource name="R"><ReadContentType memberSelection="IncludeOnly">{inside}</ReadContentType></Resource>'


async def test_a_new_profile_is_announced_and_read(shared: Api) -> None:
    body = bodies.profile()
    answer = await shared.post(PATH, body)
    assert (answer.status_code, answer.content) == (201, b"")
    profile = int(answer.headers["location"].removeprefix("http://tenant-api.test/v3/profiles/"))
    shown = (await shared.get(f"{PATH}/{profile}")).json()
    assert list(shown.items()) == [("id", profile), ("name", body["name"]), ("definition", body["definition"])]
    [listed] = (await shared.get(f"{PATH}?id={profile}")).json()
    assert list(listed.items()) == [("id", profile), ("name", body["name"])]
    answer = await shared.put(f"{PATH}/{profile}", shown)
    assert (answer.status_code, answer.content) == (204, b"")
    answer = await shared.delete(f"{PATH}/{profile}")
    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_profile_that_is_not_there(shared: Api) -> None:
    is_missing(await shared.get(f"{PATH}/999999"), "Profile 999999 not found.")
    answer = await shared.put(f"{PATH}/999999", {**bodies.profile(), "id": 999_999})
    is_missing(answer, "Profile 999999 not found.")
    is_missing(await shared.delete(f"{PATH}/999999"), "Profile 999999 not found.")


async def test_a_name_that_is_taken(shared: Api) -> None:
    first, second = bodies.profile("P1"), bodies.profile()
    await shared.made(PATH, first)
    other = await shared.made(PATH, second)
    breaks_rules(await shared.post(PATH, first), {"Name": ["Profile 'P1' already exists."]})
    answer = await shared.put(f"{PATH}/{other}", {**first, "id": other})
    breaks_rules(answer, {"Name": ["A profile with this name already exists."]})


async def test_a_profile_that_is_in_use(shared: Api) -> None:
    profile = await shared.made(PATH, bodies.profile())
    vendor = await shared.made("/v3/vendors", bodies.vendor())
    await shared.made("/v3/applications", bodies.application(vendor, profileIds=[profile]))
    used = "Profile is assigned to applications and cannot be deleted."
    is_problem(await shared.delete(f"{PATH}/{profile}"), 409, "conflict:dependent-item-exists", used)


@pytest.mark.parametrize(
    ("body", "failures"),
    [
        (
            {"definition": bodies.definition("")},
            {"Name": ["Profile name is required."]},
        ),
        (
            bodies.profile("x" * 501),
            {"Name": ["Profile name must be 500 characters or less."]},
        ),
        (
            {"name": "P"},
            {"Definition": ["Profile definition is required.", WRONG_NAME, INVALID, NO_RESOURCE, NAMELESS]},
        ),
        ({"name": "P", "definition": "no XML"}, {"Definition": [WRONG_NAME, INVALID, NO_RESOURCE, NAMELESS]}),
        ({"name": "P", "definition": bodies.definition("Q")}, {"Definition": [WRONG_NAME]}),
        ({"name": "P", "definition": bodies.definition("P", "")}, {"Definition": [INVALID, NO_RESOURCE]}),
        ({"name": "P", "definition": bodies.definition("P", "<Resource/>")}, {"Definition": [INVALID, NAMELESS]}),
        (
            {"name": "P", "definition": bodies.definition("P", SCHOOL + "<Resource name=''/>")},
            {"Definition": [NAMELESS]},
        ),
    ],
)
async def test_every_rule_of_a_member(shared: Api, body: bodies.Body, failures: dict[str, list[str]]) -> None:
    breaks_rules(await shared.post(PATH, body), failures)
    breaks_rules(await shared.put(f"{PATH}/7", {**body, "id": 7}), failures)


async def test_the_id_of_a_put(shared: Api) -> None:
    answer = await shared.put(f"{PATH}/0", {**bodies.profile(), "id": 0})
    breaks_rules(answer, {"Id": ["Profile Id must be greater than zero."]})


@pytest.mark.parametrize(
    "inside",
    [
        SCHOOL,
        '<Resource name="School" logicalSchema="Ed-Fi"/>',
        *(
            f'<Resource name="R"><{kind} memberSelection="{selection}"/></Resource>'
            for kind in ("ReadContentType", "WriteContentType")
            for selection in ("IncludeOnly", "ExcludeOnly", "IncludeAll", "ExcludeAll")
        ),
        content('<Property name="p"/>'),
        content('<Object name="o" memberSelection="IncludeAll"><Property name="p"/></Object>'),
        content('<Extension name="e" memberSelection="IncludeAll"/>'),
        content(
            '<Collection name="c" memberSelection="IncludeOnly"><Property name="p"/>'
            '<Filter propertyName="p" filterMode="IncludeOnly"><Value>A</Value></Filter></Collection>'
        ),
    ],
)
async def test_what_the_schema_allows_is_taken(shared: Api, inside: str) -> None:
    name = bodies.unique("P")
    profile = await shared.made(PATH, {"name": name, "definition": bodies.definition(name, inside)})
    assert (await shared.get(f"{PATH}/{profile}")).json()["definition"] == bodies.definition(name, inside)


@pytest.mark.parametrize(
    "inside",
    [
        SCHOOL + "<Other/>",
        '<Resource name="R"><ReadContentType/></Resource>',
        '<Resource name="R"><ReadContentType memberSelection="includeOnly"/></Resource>',
        content("<Property/>"),
        content('<Object name="o"/>'),
        content('<Filter propertyName="p" filterMode="Sometimes"/>'),
    ],
)
async def test_what_the_schema_does_not_allow_is_refused(shared: Api, inside: str) -> None:
    name = bodies.unique("P")
    answer = await shared.post(PATH, {"name": name, "definition": bodies.definition(name, inside)})
    breaks_rules(answer, {"Definition": ["Profile definition XML is invalid or does not match the XSD."]})
