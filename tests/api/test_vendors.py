"""Vendors speak the contract (section 1.10)."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from tests.api import bodies
from tests.api.problems import breaks_rules, is_missing
from tests.api.service import Api

pytestmark = pytest.mark.anyio

ACME = {
    "company": "Acme",
    "contactName": "Ada",
    "contactEmailAddress": "ada@acme.org",
    "namespacePrefixes": "uri://ed-fi.org, uri://acme.org,uri://acme.org",
}
TAKEN = {"Name": ["A vendor name already exists in the database. Please enter a unique name."]}
EMPTY = "must not be empty."
NO_EMAIL = "'Contact Email Address' is not a valid email address."


async def test_a_new_vendor_is_answered_by_its_location_alone(api: Api) -> None:
    answer = await api.post("/v3/vendors", ACME)
    assert (answer.status_code, answer.content) == (201, b"")
    location = answer.headers["location"]
    assert location == "http://tenant-api.test/v3/vendors/1"
    assert (await api.get(location)).json() == {
        "id": 1,
        "company": "Acme",
        "contactName": "Ada",
        "contactEmailAddress": "ada@acme.org",
        "namespacePrefixes": "uri://ed-fi.org,uri://acme.org",
    }


async def test_a_vendor_of_a_known_company_replaces_it(api: Api) -> None:
    first = await api.post("/v3/vendors", ACME)
    changed = {
        "company": "Acme",
        "contactName": "Bob",
        "contactEmailAddress": "bob@acme.org",
        "namespacePrefixes": "uri://b",
    }
    again = await api.post("/v3/vendors", changed)
    assert (again.status_code, again.content) == (200, b"")
    assert again.headers["location"] == first.headers["location"]
    assert (await api.get("/v3/vendors")).json() == [{"id": 1, **changed}]


async def test_companies_differ_by_case(api: Api) -> None:
    await api.made("/v3/vendors", bodies.vendor(company="Acme"))
    await api.made("/v3/vendors", bodies.vendor(company="ACME"))


async def test_a_replaced_vendor_shows_its_new_state(shared: Api) -> None:
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    wanted = {
        "id": vendor_id,
        "company": bodies.unique("New"),
        "contactName": "",
        "contactEmailAddress": None,
        "namespacePrefixes": "uri://n",
    }
    answer = await shared.put(f"/v3/vendors/{vendor_id}", wanted)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await shared.get(f"/v3/vendors/{vendor_id}")).json() == wanted


async def test_a_vendor_cannot_take_the_company_of_another(shared: Api) -> None:
    first, second = bodies.vendor(), bodies.vendor()
    await shared.made("/v3/vendors", first)
    second_id = await shared.made("/v3/vendors", second)
    breaks_rules(await shared.put(f"/v3/vendors/{second_id}", {**first, "id": second_id}), TAKEN)
    assert (await shared.get(f"/v3/vendors/{second_id}")).json() == {**second, "id": second_id}


async def test_a_deleted_vendor_is_gone_with_its_applications(shared: Api) -> None:
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    credential = (await shared.post("/v3/applications", bodies.application(vendor_id))).json()
    assert (await shared.grant(credential)).status_code == 200
    answer = await shared.delete(f"/v3/vendors/{vendor_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    is_missing(
        await shared.get(f"/v3/vendors/{vendor_id}"),
        f"Vendor {vendor_id} not found. It may have been recently deleted.",
    )
    assert (await shared.get(f"/v3/applications/{credential['id']}")).status_code == 404
    assert (await shared.grant(credential)).status_code == 401
    assert await shared.runtime.idp.find_client(credential["key"]) is None


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_vendor_is_missing(shared: Api, method: str) -> None:
    body = bodies.vendor(id=999) if method == "PUT" else None
    detail = "Vendor 999 not found. It may have been recently deleted."
    is_missing(await shared.call(method, "/v3/vendors/999", body), detail)
    is_missing(await shared.get("/v3/vendors/999/applications"), detail)


@pytest.mark.parametrize(
    ("change", "failures"),
    [
        ({"company": ""}, {"Company": [f"'Company' {EMPTY}"]}),
        ({"company": None}, {"Company": [f"'Company' {EMPTY}"]}),
        ({"company": " \t"}, {"Company": [f"'Company' {EMPTY}"]}),
        (
            {"company": "x" * 257},
            {"Company": ["The length of 'Company' must be 256 characters or fewer. You entered 257 characters."]},
        ),
        (
            {"contactName": "x" * 129},
            {
                "ContactName": [
                    "The length of 'Contact Name' must be 128 characters or fewer. You entered 129 characters."
                ]
            },
        ),
        ({"contactEmailAddress": "a"}, {"ContactEmailAddress": [NO_EMAIL]}),
        ({"contactEmailAddress": "a@b@c"}, {"ContactEmailAddress": [NO_EMAIL]}),
        ({"contactEmailAddress": "@b"}, {"ContactEmailAddress": [NO_EMAIL]}),
        ({"contactEmailAddress": "a@"}, {"ContactEmailAddress": [NO_EMAIL]}),
        (
            {"contactEmailAddress": "a@" + "b" * 319},
            {
                "ContactEmailAddress": [
                    "The length of 'Contact Email Address' must be 320 characters or fewer. You entered 321 characters."
                ]
            },
        ),
        ({"namespacePrefixes": ""}, {"NamespacePrefixes": [f"'Namespace Prefixes' {EMPTY}"]}),
        (
            {"namespacePrefixes": "a," + "x" * 129},
            {"NamespacePrefixes": ["Each NamespacePrefix length must be 128 characters or fewer."]},
        ),
        (
            {"company": "a\0b"},
            {"Company": ["'Company' must not contain the NUL character."]},
        ),
    ],
)
async def test_a_member_that_breaks_its_rules_is_refused(
    shared: Api, change: bodies.Body, failures: dict[str, list[str]]
) -> None:
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    breaks_rules(await shared.post("/v3/vendors", bodies.vendor(**change)), failures)
    breaks_rules(await shared.put(f"/v3/vendors/{vendor_id}", bodies.vendor(id=vendor_id, **change)), failures)


async def test_post_needs_a_contact_and_put_does_not(shared: Api) -> None:
    nobody = bodies.without(bodies.vendor(), "contactName", "contactEmailAddress")
    breaks_rules(
        await shared.post("/v3/vendors", nobody),
        {
            "ContactName": [f"'Contact Name' {EMPTY}"],
            "ContactEmailAddress": [f"'Contact Email Address' {EMPTY}", NO_EMAIL],
        },
    )
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    breaks_rules(
        await shared.put(f"/v3/vendors/{vendor_id}", {**nobody, "id": vendor_id}), {"ContactEmailAddress": [NO_EMAIL]}
    )
    unreachable = {**nobody, "id": vendor_id, "contactEmailAddress": None}
    assert (await shared.put(f"/v3/vendors/{vendor_id}", unreachable)).status_code == 204


async def test_every_broken_rule_is_named(shared: Api) -> None:
    breaks_rules(
        await shared.post("/v3/vendors", {}),
        {
            "Company": [f"'Company' {EMPTY}"],
            "ContactName": [f"'Contact Name' {EMPTY}"],
            "ContactEmailAddress": [f"'Contact Email Address' {EMPTY}", NO_EMAIL],
            "NamespacePrefixes": [f"'Namespace Prefixes' {EMPTY}"],
        },
    )


async def test_the_longest_members_fit(shared: Api) -> None:
    body = {
        "company": bodies.unique("x").ljust(256, "x"),
        "contactName": "y" * 128,
        "contactEmailAddress": "z@".ljust(320, "z"),
        "namespacePrefixes": "p" * 128 + "," + "q" * 128,
    }
    vendor_id = await shared.made("/v3/vendors", body)
    assert (await shared.get(f"/v3/vendors/{vendor_id}")).json() == {"id": vendor_id, **body}


async def test_the_applications_of_a_vendor_come_by_name(shared: Api) -> None:
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    assert (await shared.get(f"/v3/vendors/{vendor_id}/applications")).json() == []
    await shared.made("/v3/applications", bodies.application(await shared.made("/v3/vendors", bodies.vendor())))
    made = [
        await shared.made("/v3/applications", bodies.application(vendor_id, applicationName=name)) for name in "cab"
    ]
    listed = (await shared.get(f"/v3/vendors/{vendor_id}/applications?limit=1")).json()
    assert [application["applicationName"] for application in listed] == ["a", "b", "c"]
    assert listed[0] == (await shared.get(f"/v3/applications/{made[1]}")).json()


async def test_new_prefixes_are_in_the_next_token_of_every_client(shared: Api) -> None:
    body = bodies.vendor(namespacePrefixes="uri://old")
    vendor_id = await shared.made("/v3/vendors", body)
    credentials = [(await shared.post("/v3/applications", bodies.application(vendor_id))).json() for _ in range(2)]
    changes: list[tuple[str, Callable[[dict[str, Any]], Awaitable[httpx2.Response]]]] = [
        ("uri://put", lambda b: shared.put(f"/v3/vendors/{vendor_id}", {**b, "id": vendor_id})),
        ("uri://post,uri://b", lambda b: shared.post("/v3/vendors", b)),
    ]
    for prefixes, change in changes:
        answer = await change({**body, "namespacePrefixes": prefixes})
        assert answer.status_code in (200, 204)
        for credential in credentials:
            assert (await shared.claims(credential))["namespacePrefixes"] == prefixes
