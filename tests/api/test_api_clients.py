"""API clients speak the contract (section 1.12)."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api import bodies
from tests.api.problems import breaks_rules, is_bad_parameter, is_invalid_json, is_missing, is_unresolved
from tests.api.service import Api

pytestmark = pytest.mark.anyio

MISSING = "ApiClient not found"
NO_STORES = "DataStoreIds cannot be empty. At least one Data Store is required."


@pytest.fixture(scope="module")
async def vendor_id(shared: Api) -> int:
    return await shared.made("/v3/vendors", bodies.vendor())


@pytest.fixture(scope="module")
async def stores(shared: Api) -> list[int]:
    return [await shared.made("/v3/dataStores", bodies.data_store()) for _ in range(3)]


@pytest.fixture
async def application_id(shared: Api, vendor_id: int) -> int:
    return await shared.made("/v3/applications", bodies.application(vendor_id))


async def test_a_new_client_shows_its_secret_once(shared: Api, application_id: int, stores: list[int]) -> None:
    body = bodies.api_client(application_id, [stores[1], stores[0], stores[1]])
    answer = await shared.post("/v3/apiClients", body)
    created = answer.json()
    assert answer.status_code == 201
    assert list(created) == ["id", "applicationId", "name", "key", "secret"]
    assert (created["applicationId"], created["name"]) == (application_id, body["name"])
    assert answer.headers["location"] == f"http://tenant-api.test/v3/apiClients/{created['id']}"
    shown = (await shared.get(answer.headers["location"])).json()
    assert shown == {
        "id": created["id"],
        "applicationId": application_id,
        "clientId": created["key"],
        "clientUuid": shown["clientUuid"],
        "name": body["name"],
        "isApproved": True,
        "dataStoreIds": stores[:2],
    }
    assert UUID(shown["clientUuid"])
    assert (await shared.get(f"/v3/apiClients/{created['key']}")).json() == shown
    assert shown in (await shared.get("/v3/apiClients")).json()
    assert (await shared.claims(created))["dataStoreIds"] == f"{stores[0]},{stores[1]}"


@pytest.mark.parametrize(
    "unknown",
    [
        "999999",
        "0",
        "-1",
        str(2**31),
        "abc",
        "x" * 300,
        "%00",
        "a%00b",
        "%27;--",
        "5b5c1c0e-6c0f-4f0e-9a5c-0d6a3f7d9d5e",
    ],
)
async def test_an_unknown_client_is_missing(shared: Api, unknown: str) -> None:
    is_missing(await shared.get(f"/v3/apiClients/{unknown}"), MISSING)


async def test_an_unknown_id_is_missing_for_every_change(shared: Api, application_id: int, stores: list[int]) -> None:
    body = bodies.api_client(application_id, stores, id=999_999)
    is_missing(await shared.put("/v3/apiClients/999999", body), MISSING)
    is_missing(await shared.put("/v3/apiClients/999999/reset-credential"), MISSING)
    is_missing(await shared.delete("/v3/apiClients/999999"), MISSING)
    nowhere = bodies.api_client(999_999, [999_999], id=999_999)
    is_missing(await shared.put("/v3/apiClients/999999", nowhere), MISSING)
    key = str(uuid4())
    for answer in (
        await shared.put(f"/v3/apiClients/{key}", body),
        await shared.delete(f"/v3/apiClients/{key}"),
        await shared.put(f"/v3/apiClients/{key}/reset-credential"),
    ):
        is_bad_parameter(answer, "The request contains one or more invalid parameters.")


async def test_a_replaced_client_is_in_its_next_token(shared: Api, application_id: int, stores: list[int]) -> None:
    created = (await shared.post("/v3/apiClients", bodies.api_client(application_id, stores[:2]))).json()
    other_vendor = await shared.made("/v3/vendors", bodies.vendor(namespacePrefixes="uri://moved"))
    other = await shared.made("/v3/applications", bodies.application(other_vendor, claimSetName="Moved"))
    wanted = bodies.api_client(other, [stores[2], stores[1], stores[2]], id=created["id"], name="n" * 50)
    answer = await shared.put(f"/v3/apiClients/{created['id']}", wanted)
    assert (answer.status_code, answer.content) == (204, b"")
    shown = (await shared.get(f"/v3/apiClients/{created['id']}")).json()
    assert (shown["applicationId"], shown["name"], shown["dataStoreIds"]) == (other, "n" * 50, stores[1:])
    claims = await shared.claims(created)
    assert (claims["scope"], claims["namespacePrefixes"]) == ("Moved", "uri://moved")
    assert claims["dataStoreIds"] == f"{stores[1]},{stores[2]}"


async def test_an_unapproved_client_gets_no_token(shared: Api, application_id: int, stores: list[int]) -> None:
    body = bodies.api_client(application_id, stores, isApproved=False)
    created = (await shared.post("/v3/apiClients", body)).json()
    for is_approved, status in [(False, 401), (True, 200), (False, 401)]:
        wanted = {**body, "id": created["id"], "isApproved": is_approved}
        assert (await shared.put(f"/v3/apiClients/{created['id']}", wanted)).status_code == 204
        assert (await shared.grant(created)).status_code == status


async def test_a_deleted_client_gets_no_token(shared: Api, application_id: int, stores: list[int]) -> None:
    created = (await shared.post("/v3/apiClients", bodies.api_client(application_id, stores))).json()
    answer = await shared.delete(f"/v3/apiClients/{created['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await shared.grant(created)).status_code == 401
    is_missing(await shared.get(f"/v3/apiClients/{created['key']}"), MISSING)
    assert await shared.runtime.idp.find_client(created["key"]) is None


async def test_a_reset_ignores_its_body_and_renews_the_secret(
    shared: Api, application_id: int, stores: list[int]
) -> None:
    old = (await shared.post("/v3/apiClients", bodies.api_client(application_id, stores))).json()
    for sent in ({}, {"json": {"id": 5}}, {"content": b"{", "headers": {"Content-Type": "text/plain"}}):
        answer = await shared.put(f"/v3/apiClients/{old['id']}/reset-credential", **sent)
        new = answer.json()
        assert answer.status_code == 200
        assert new == {**old, "secret": new["secret"]}
        assert (await shared.grant(old)).status_code == 401
        assert (await shared.grant(new)).status_code == 200
        old = new


async def test_a_reset_mends_a_client_that_vanished_from_the_provider(
    shared: Api, application_id: int, stores: list[int]
) -> None:
    old = (await shared.post("/v3/apiClients", bodies.api_client(application_id, stores))).json()
    await shared.runtime.idp.delete_clients([old["key"]])
    new = (await shared.put(f"/v3/apiClients/{old['id']}/reset-credential")).json()
    assert (await shared.grant(new)).status_code == 200
    assert (await shared.claims(new))["scope"] == "SISVendor"


async def test_references_that_lead_nowhere_are_conflicts(shared: Api, application_id: int, stores: list[int]) -> None:
    body = bodies.api_client(application_id, stores)
    client_id = await shared.made("/v3/apiClients", body)
    changes: list[tuple[dict[str, Any], str]] = [
        ({"applicationId": 999_999, "dataStoreIds": [1_000]}, "Application with ID 999999 not found."),
        (
            {"dataStoreIds": [99_999, stores[0], 88_888, 99_999]},
            "The following DataStoreIds were not found in database: 99999, 88888",
        ),
        ({"dataStoreIds": [0, -1]}, "The following DataStoreIds were not found in database: 0, -1"),
    ]
    for change, detail in changes:
        is_unresolved(await shared.post("/v3/apiClients", {**body, **change}), detail)
        is_unresolved(await shared.put(f"/v3/apiClients/{client_id}", {**body, "id": client_id, **change}), detail)
    assert (await shared.get(f"/v3/apiClients/{client_id}")).json()["dataStoreIds"] == stores


@pytest.mark.parametrize(
    ("change", "failures"),
    [
        (
            {"applicationId": 0},
            {
                "ApplicationId": [
                    "'Application Id' must not be empty.",
                    "'Application Id' must be greater than '0'.",
                ]
            },
        ),
        ({"applicationId": -1}, {"ApplicationId": ["'Application Id' must be greater than '0'."]}),
        ({"name": ""}, {"Name": ["'Name' must not be empty."]}),
        ({"name": None}, {"Name": ["'Name' must not be empty."]}),
        (
            {"name": "x" * 51},
            {"Name": ["The length of 'Name' must be 50 characters or fewer. You entered 51 characters."]},
        ),
        ({"dataStoreIds": []}, {"DataStoreIds": [NO_STORES]}),
        ({"dataStoreIds": None}, {"DataStoreIds": [NO_STORES]}),
    ],
)
async def test_a_member_that_breaks_its_rules_is_refused(
    shared: Api, stores: list[int], change: bodies.Body, failures: dict[str, list[str]]
) -> None:
    body = bodies.api_client(1, stores)
    breaks_rules(await shared.post("/v3/apiClients", {**body, **change}), failures)
    breaks_rules(await shared.put("/v3/apiClients/7", {**body, "id": 7, **change}), failures)


@pytest.mark.parametrize("name", ["applicationId", "name", "isApproved"])
async def test_required_members_must_be_there(shared: Api, stores: list[int], name: str) -> None:
    body = bodies.api_client(1, stores, id=7)
    is_invalid_json(await shared.post("/v3/apiClients", bodies.without(body, name)))
    is_invalid_json(await shared.put("/v3/apiClients/7", bodies.without(body, name)))


async def test_omitted_data_stores_break_their_rule(shared: Api) -> None:
    body = bodies.without(bodies.api_client(1, []), "dataStoreIds")
    breaks_rules(await shared.post("/v3/apiClients", body), {"DataStoreIds": [NO_STORES]})


async def test_clients_are_listed_by_application(shared: Api, application_id: int, stores: list[int]) -> None:
    made = [await shared.made("/v3/apiClients", bodies.api_client(application_id, stores)) for _ in range(2)]
    listed = (await shared.get(f"/v3/apiClients?applicationId={application_id}")).json()
    assert [client["id"] for client in listed][1:] == made
    assert {client["applicationId"] for client in listed} == {application_id}
