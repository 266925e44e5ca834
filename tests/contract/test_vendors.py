"""What is said about a vendor that cannot be taken, word for word (contract section 1.10)."""

import pytest

from tests.api import bodies
from tests.api.problems import breaks_rules
from tests.api.service import Api

pytestmark = pytest.mark.anyio

LONG = {
    "company": "x" * 257,
    "contactName": "x" * 129,
    "contactEmailAddress": "a@" + "x" * 319,
    "namespacePrefixes": "a," + "x" * 129,
}
TOO_LONG = {
    "Company": ["The length of 'Company' must be 256 characters or fewer. You entered 257 characters."],
    "ContactName": ["The length of 'Contact Name' must be 128 characters or fewer. You entered 129 characters."],
    "ContactEmailAddress": [
        "The length of 'Contact Email Address' must be 320 characters or fewer. You entered 321 characters."
    ],
    "NamespacePrefixes": ["Each NamespacePrefix length must be 128 characters or fewer."],
}


async def test_an_empty_vendor_is_told_all_that_is_missing(shared: Api) -> None:
    missing = {
        "Company": ["'Company' must not be empty."],
        "ContactName": ["'Contact Name' must not be empty."],
        "ContactEmailAddress": [
            "'Contact Email Address' must not be empty.",
            "'Contact Email Address' is not a valid email address.",
        ],
        "NamespacePrefixes": ["'Namespace Prefixes' must not be empty."],
    }
    breaks_rules(await shared.post("/v3/vendors", {}), missing)


async def test_a_put_needs_no_contact_but_an_address_or_null(shared: Api) -> None:
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    wanted = {
        "Company": ["'Company' must not be empty."],
        "ContactEmailAddress": ["'Contact Email Address' is not a valid email address."],
        "NamespacePrefixes": ["'Namespace Prefixes' must not be empty."],
    }
    breaks_rules(await shared.put(f"/v3/vendors/{vendor_id}", {"id": vendor_id}), wanted)
    fine = {"id": vendor_id, "company": bodies.unique("x"), "contactEmailAddress": None, "namespacePrefixes": "a"}
    assert (await shared.put(f"/v3/vendors/{vendor_id}", fine)).status_code == 204


async def test_members_have_lengths(shared: Api) -> None:
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    breaks_rules(await shared.post("/v3/vendors", LONG), TOO_LONG)
    breaks_rules(await shared.put(f"/v3/vendors/{vendor_id}", {**LONG, "id": vendor_id}), TOO_LONG)


async def test_each_way_to_a_vendor_that_is_not_there_says_the_same(shared: Api) -> None:
    for answer in (
        await shared.get("/v3/vendors/999999"),
        await shared.get("/v3/vendors/999999/applications"),
        await shared.put("/v3/vendors/999999", bodies.vendor(id=999_999)),
        await shared.delete("/v3/vendors/999999"),
    ):
        assert (answer.status_code, answer.json()["detail"]) == (
            404,
            "Vendor 999999 not found. It may have been recently deleted.",
        )
