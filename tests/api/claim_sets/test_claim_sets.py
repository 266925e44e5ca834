"""Claim sets: made, listed, renamed, copied, deleted (contract section 4.3)."""

from typing import Any

import pytest

from tests.api import bodies
from tests.api.bodies import unique
from tests.api.claim_sets.test_default_metadata import CLAIM_SETS
from tests.api.problems import breaks_rules, is_bad_parameter, is_invalid_json, is_missing, is_problem, is_unresolved
from tests.api.service import Api

pytestmark = pytest.mark.anyio

EMPTY = "Please provide a valid claim set name."
LONG = "The claim set name must be less than 256 characters."
BLANK = "Claim set name must not contain white spaces."
NON_UNIQUE = "The identifying value(s) of the item are the same as another item that already exists."
SIS_VENDOR = 1


def gone(claim_set_id: int) -> str:
    return f"ClaimSet {claim_set_id} not found. It may have been recently deleted."


def is_taken(answer: Any) -> None:
    problem = is_problem(answer, 409, "conflict:non-unique-identity", NON_UNIQUE)
    assert problem["errors"] == ["A claim set with this name already exists."]


async def made(api: Api, **changes: Any) -> tuple[int, str]:
    body = {"claimSetName": unique("Set"), **changes}
    return await api.made("/v3/claimSets", body), body["claimSetName"]


async def test_a_fresh_service_has_the_fourteen_with_ids_from_one(api: Api) -> None:
    listed = (await api.get("/v3/claimSets")).json()
    assert [(entry["id"], entry["claimSetName"]) for entry in listed] == list(enumerate(CLAIM_SETS, 1))
    assert all(entry["_isSystemReserved"] for entry in listed)
    assert all(list(entry) == ["id", "claimSetName", "_isSystemReserved", "_applications"] for entry in listed)


async def test_post_answers_201_without_a_body_and_an_address(shared: Api) -> None:
    name = unique("Set")
    answer = await shared.post("/v3/claimSets", {"claimSetName": name})
    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["location"].startswith("http://tenant-api.test/v3/claimSets/")
    shown = (await shared.get(answer.headers["location"])).json()
    assert shown == {
        "id": int(answer.headers["location"].rpartition("/")[2]),
        "claimSetName": name,
        "_isSystemReserved": False,
        "_applications": [],
        "resourceClaims": [],
    }


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("", [EMPTY]),
        (None, [EMPTY]),
        ("   ", [EMPTY, BLANK]),
        ("two words", [BLANK]),
        ("tab\there", [BLANK]),
        ("x" * 257, [LONG]),
        ("x " * 129, [LONG, BLANK]),
    ],
)
async def test_names_obey_the_rules_wherever_one_is_given(shared: Api, name: str | None, messages: list[str]) -> None:
    claim_set_id, _ = await made(shared)
    body = {"claimSetName": name}
    breaks_rules(await shared.post("/v3/claimSets", body), {"Name": messages})
    breaks_rules(await shared.put(f"/v3/claimSets/{claim_set_id}", {**body, "id": claim_set_id}), {"Name": messages})
    breaks_rules(await shared.post("/v3/claimSets/import", {**body, "resourceClaims": []}), {"Name": messages})


async def test_a_name_may_have_256_characters(shared: Api) -> None:
    await made(shared, claimSetName=unique("x" * 247))


@pytest.mark.parametrize("path", ["/v3/claimSets", "/v3/claimSets/copy"])
async def test_a_missing_name_is_invalid_json(shared: Api, path: str) -> None:
    is_invalid_json(await shared.post(path, {"originalId": SIS_VENDOR}))
    is_invalid_json(await shared.put("/v3/claimSets/1", {"id": 1}))
    breaks_rules(await shared.post("/v3/claimSets/import", {"resourceClaims": []}), {"Name": [EMPTY]})


async def test_a_second_set_of_one_name_is_refused(shared: Api) -> None:
    claim_set_id, name = await made(shared)
    other_id, _ = await made(shared)
    is_taken(await shared.post("/v3/claimSets", {"claimSetName": name}))
    is_taken(await shared.post("/v3/claimSets", {"claimSetName": "SISVendor"}))
    is_taken(await shared.put(f"/v3/claimSets/{other_id}", {"id": other_id, "claimSetName": name}))
    is_taken(await shared.put(f"/v3/claimSets/{other_id}", {"id": other_id, "claimSetName": "SISVendor"}))
    is_taken(await shared.post("/v3/claimSets/copy", {"originalId": claim_set_id, "claimSetName": name}))
    answer = await shared.put(f"/v3/claimSets/{claim_set_id}", {"id": claim_set_id, "claimSetName": name})
    assert answer.status_code == 204


async def test_reserved_sets_are_neither_renamed_nor_deleted_nor_imported(shared: Api) -> None:
    own_id, own = await made(shared, isSystemReserved=True)
    for claim_set_id, name in ((SIS_VENDOR, "SISVendor"), (own_id, own)):
        refused = "The specified claim set is system-reserved and cannot be"
        path = f"/v3/claimSets/{claim_set_id}"
        answer = await shared.put(path, {"id": claim_set_id, "claimSetName": unique("Set")})
        is_problem(answer, 400, "bad-request", f"{refused} updated.")
        is_problem(await shared.delete(path), 400, "bad-request", f"{refused} deleted.")
        answer = await shared.post("/v3/claimSets/import", {"claimSetName": name, "resourceClaims": []})
        is_problem(answer, 400, "bad-request", f"{refused} imported.")
        assert (await shared.get(path)).json()["_isSystemReserved"] is True


async def test_what_is_not_there_is_missing(shared: Api) -> None:
    for answer in [
        await shared.get("/v3/claimSets/999999"),
        await shared.get("/v3/claimSets/999999/export"),
        await shared.put("/v3/claimSets/999999", {"id": 999999, "claimSetName": "SISVendor"}),
        await shared.delete("/v3/claimSets/999999"),
    ]:
        is_missing(answer, gone(999999))
    answer = await shared.post("/v3/claimSets/copy", {"originalId": 999999, "claimSetName": "SISVendor"})
    is_unresolved(answer, "OriginalId 999999 not found. It may have been recently deleted.")


async def test_the_guard_comes_before_rules_and_rules_before_existence(shared: Api) -> None:
    guard = {"Id": ["Request body id must match the id in the url."]}
    breaks_rules(await shared.put("/v3/claimSets/999999", {"id": 1, "claimSetName": ""}), guard)
    breaks_rules(await shared.put("/v3/claimSets/999999", {"id": 999999, "claimSetName": ""}), {"Name": [EMPTY]})
    is_bad_parameter(
        await shared.put("/v3/claimSets/x", {"claimSetName": ""}),
        "The request contains one or more invalid parameters.",
    )


async def test_a_deleted_set_is_gone(shared: Api) -> None:
    claim_set_id, name = await made(shared)
    answer = await shared.delete(f"/v3/claimSets/{claim_set_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    is_missing(await shared.get(f"/v3/claimSets/{claim_set_id}"), gone(claim_set_id))
    assert (await made(shared, claimSetName=name))[0] > claim_set_id


async def test_a_copy_grants_what_its_original_does(shared: Api) -> None:
    name = unique("Copy")
    answer = await shared.post("/v3/claimSets/copy", {"originalId": SIS_VENDOR, "claimSetName": name})
    assert (answer.status_code, answer.content) == (201, b"")
    copy_id = int(answer.headers["location"].rpartition("/")[2])
    assert answer.headers["location"] == f"http://tenant-api.test/v3/claimSets/{copy_id}"
    copied = (await shared.get(answer.headers["location"])).json()
    original = (await shared.get("/v3/claimSets/1")).json()
    assert copied == {**original, "id": copy_id, "claimSetName": name, "_isSystemReserved": False}
    assert copied["resourceClaims"]


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("", ["'Name' must not be empty."]),
        ("x" * 257, ["The length of 'Name' must be 256 characters or fewer. You entered 257 characters."]),
    ],
)
async def test_copies_have_rules_of_their_own(shared: Api, name: str, messages: list[str]) -> None:
    answer = await shared.post("/v3/claimSets/copy", {"originalId": SIS_VENDOR, "claimSetName": name})
    breaks_rules(answer, {"Name": messages})


async def test_a_copy_may_have_blanks_in_its_name(shared: Api) -> None:
    body = {"originalId": SIS_VENDOR, "claimSetName": unique("with blanks")}
    assert (await shared.post("/v3/claimSets/copy", body)).status_code == 201


async def test_applications_follow_a_new_name_to_their_next_token(shared: Api) -> None:
    claim_set_id, old = await made(shared)
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    store_id = await shared.made("/v3/dataStores", bodies.data_store())
    body = bodies.application(vendor_id, claimSetName=old, dataStoreIds=[store_id])
    credential = (await shared.post("/v3/applications", body)).json()
    assert (await shared.claims(credential))["scope"] == old
    [listed] = (await shared.get(f"/v3/claimSets?claimSetName={old}")).json()
    assert listed["_applications"] == [{"applicationName": body["applicationName"]}]

    new = unique("Renamed")
    answer = await shared.put(f"/v3/claimSets/{claim_set_id}", {"id": claim_set_id, "claimSetName": new})
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await shared.get(f"/v3/applications/{credential['id']}")).json()["claimSetName"] == new
    assert (await shared.claims(credential))["scope"] == new
    assert (await shared.get(f"/v3/claimSets/{claim_set_id}")).json()["_applications"] == listed["_applications"]


async def test_a_set_in_use_may_be_deleted_and_its_name_stays_with_the_application(shared: Api) -> None:
    claim_set_id, name = await made(shared)
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    application_id = await shared.made("/v3/applications", bodies.application(vendor_id, claimSetName=name))
    assert (await shared.delete(f"/v3/claimSets/{claim_set_id}")).status_code == 204
    assert (await shared.get(f"/v3/applications/{application_id}")).json()["claimSetName"] == name


async def test_lists_are_paged_filtered_and_sorted(api: Api) -> None:
    async def names(query: str) -> list[str]:
        return [entry["claimSetName"] for entry in (await api.get(f"/v3/claimSets?{query}")).json()]

    assert await names("offset=2&limit=3") == CLAIM_SETS[2:5]
    assert await names("orderBy=NAME&direction=desc&limit=2") == sorted(CLAIM_SETS, reverse=True)[:2]
    assert await names("direction=desc&limit=1") == CLAIM_SETS[:1]
    assert await names("name=SeedLoader") == await names("claimSetName=SeedLoader") == await names("id=7")
    assert await names("name=seedloader") == []
    is_bad_parameter(
        await api.get("/v3/claimSets?orderBy=x"),
        "'orderBy' is not a valid field. Allowed values: id, name, claimSetName",
    )


async def test_who_may_read_and_who_may_write(shared: Api) -> None:
    for path in ("/v3/claimSets", "/v3/authorizationMetadata"):
        assert (await shared.get(path, caller="metadata")).status_code == 200
    for path in ("/v3/claimSets/1", "/v3/claimSets/1/export", "/v3/actions", "/v3/resourceClaims"):
        assert (await shared.get(path, caller="metadata")).status_code == 403
        assert (await shared.get(path, caller="reader")).status_code == 200
    for path in ("/v3/claimSets", "/v3/claimSets/copy", "/v3/claimSets/import"):
        assert (await shared.post(path, {}, caller="reader")).status_code == 403
        assert (await shared.post(path, {}, caller=None)).status_code == 401


async def test_applications_without_a_claim_set_are_counted(api: Api) -> None:
    async def counted() -> str:
        lines = (await api.http.get("/metrics")).text.splitlines()
        return next(line for line in lines if line.startswith("tenant_api_applications_without_claim_set"))

    vendor_id = await api.made("/v3/vendors", bodies.vendor())
    claim_set_id, name = await made(api)
    for claim_set in (name, "SISVendor", "Mistyped"):
        await api.made("/v3/applications", bodies.application(vendor_id, claimSetName=claim_set))
    assert (await counted()).endswith(" 1.0")
    await api.delete(f"/v3/claimSets/{claim_set_id}")
    assert (await counted()).endswith(" 2.0")
