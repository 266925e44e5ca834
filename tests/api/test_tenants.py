"""Tenants speak the contract (section 1.9) and are there only with multi-tenancy."""

import asyncio

import psycopg
import pytest

from tests.api import bodies
from tests.api.managed_row import insert_managed
from tests.api.problems import breaks_rules, is_bad_parameter, is_missing, is_problem
from tests.api.service import Api

pytestmark = pytest.mark.anyio

TAKEN = {"Name": ["A tenant name already exists in the database. Please enter a unique name."]}
ALPHABET = "Tenant name must contain only alphanumeric characters, hyphens, and underscores."


async def test_a_new_tenant_says_so_and_where(fleet: Api) -> None:
    answer = await fleet.post("/v3/tenants", {"name": "Tenant1"})
    created = answer.json()
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert created == {
        "id": created["id"],
        "status": 201,
        "title": "New Tenant Tenant1 has been created successfully.",
    }
    assert answer.headers["location"] == f"http://tenant-api.test/v3/tenants/{created['id']}"
    shown = {"id": created["id"], "name": "Tenant1"}
    assert (await fleet.get(answer.headers["location"])).json() == shown
    assert (await fleet.get("/v3/tenants")).json() == [shown]


async def test_a_new_tenant_can_be_addressed_at_once_in_any_case(fleet: Api) -> None:
    assert (await fleet.get("/v3/vendors", tenant="North")).status_code == 400
    await fleet.made("/v3/tenants", {"name": "North"})
    assert (await fleet.get("/v3/vendors", tenant="nORTH")).json() == []


async def test_names_of_tenants_are_unique_without_case(fleet: Api) -> None:
    await fleet.made("/v3/tenants", {"name": "North"})
    for name in ("North", "NORTH", "north"):
        breaks_rules(await fleet.post("/v3/tenants", {"name": name}), TAKEN)
    assert len((await fleet.get("/v3/tenants")).json()) == 1


@pytest.mark.parametrize(
    ("body", "failures"),
    [
        ({}, {"Name": ["'Name' must not be empty.", ALPHABET]}),
        ({"name": None}, {"Name": ["'Name' must not be empty."]}),
        ({"name": "a b"}, {"Name": [ALPHABET]}),
        ({"name": "a\n"}, {"Name": [ALPHABET]}),
        ({"name": "(default)"}, {"Name": [ALPHABET]}),
        ({"name": "ä"}, {"Name": [ALPHABET]}),
        (
            {"name": "x" * 257},
            {"Name": ["The length of 'Name' must be 256 characters or fewer. You entered 257 characters."]},
        ),
    ],
)
async def test_a_name_that_breaks_its_rules_is_refused(
    shared_fleet: Api, body: object, failures: dict[str, list[str]]
) -> None:
    breaks_rules(await shared_fleet.post("/v3/tenants", body), failures)


async def test_the_longest_name_fits(shared_fleet: Api) -> None:
    tenant_id = await shared_fleet.made("/v3/tenants", {"name": "x" * 256})
    assert (await shared_fleet.get(f"/v3/tenants/{tenant_id}")).json()["name"] == "x" * 256
    assert (await shared_fleet.get("/v3/vendors", tenant="X" * 256)).status_code == 200


async def test_an_unknown_tenant_is_missing(shared_fleet: Api) -> None:
    for unknown in ("0", "12345678901", "-1"):
        is_missing(
            await shared_fleet.get(f"/v3/tenants/{unknown}"),
            f"Tenant {unknown} not found. It may have been recently deleted.",
        )
    is_bad_parameter(
        await shared_fleet.get(f"/v3/tenants/{2**63}"), "The request contains one or more invalid parameters."
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v3/vendors", bodies.vendor()),
        ("/v3/dataStores", bodies.data_store()),
        ("/v3/profiles", bodies.profile()),
        ("/v3/claimSets", {"claimSetName": "Own"}),
    ],
    ids=["vendor", "data store", "profile", "claim set"],
)
async def test_the_default_tenant_is_listed_while_something_belongs_to_it(
    fleet: Api, path: str, body: bodies.Body
) -> None:
    assert (await fleet.get("/v3/tenants")).json() == []
    made = await fleet.made(path, body, tenant="(default)")
    assert (await fleet.get("/v3/tenants")).json() == [{"id": 0, "name": "(default)"}]
    assert (await fleet.get("/v3/tenants/0")).json() == {"id": 0, "name": "(default)"}
    await fleet.delete(f"{path}/{made}", tenant="(default)")
    assert (await fleet.get("/v3/tenants")).json() == []


async def test_without_multi_tenancy_there_are_no_tenants(api: Api) -> None:
    for caller in ("admin", None):
        for answer in (
            await api.get("/v3/tenants", caller=caller),
            await api.get("/v3/tenants/1", caller=caller),
            await api.post("/v3/tenants", {"name": "North"}, caller=caller),
        ):
            is_missing(answer, "The requested resource could not be found.")


async def test_a_renamed_tenant_keeps_what_it_has(fleet: Api) -> None:
    tenant_id = await fleet.made("/v3/tenants", {"name": "North"})
    await fleet.made("/v3/vendors", bodies.vendor(), tenant="North")
    answer = await fleet.put(f"/v3/tenants/{tenant_id}", {"id": tenant_id, "name": "Norden"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await fleet.get(f"/v3/tenants/{tenant_id}")).json() == {"id": tenant_id, "name": "Norden"}
    assert len((await fleet.get("/v3/vendors", tenant="norden")).json()) == 1
    assert (await fleet.get("/v3/vendors", tenant="North")).status_code == 400
    other = await fleet.made("/v3/tenants", {"name": "North"})
    breaks_rules(await fleet.put(f"/v3/tenants/{other}", {"id": other, "name": "NORDEN"}), TAKEN)
    await fleet.put(f"/v3/tenants/{tenant_id}", {"id": tenant_id, "name": "NORDEN"})
    assert (await fleet.get(f"/v3/tenants/{tenant_id}")).json()["name"] == "NORDEN"
    breaks_rules(await fleet.put(f"/v3/tenants/{other}", {"id": other, "name": "a b"}), {"Name": [ALPHABET]})
    guard = {"Id": ["Request body id must match the id in the url."]}
    breaks_rules(await fleet.put(f"/v3/tenants/{other}", {"id": 1234, "name": "x"}), guard)


async def test_a_suspended_tenant_is_not_served_until_it_is_resumed(fleet: Api) -> None:
    tenant_id = await fleet.made("/v3/tenants", {"name": "North"})
    vendor = await fleet.made("/v3/vendors", bodies.vendor(), tenant="North")
    credential = (await fleet.post("/v3/applications", bodies.application(vendor), tenant="North")).json()
    for _ in range(2):
        answer = await fleet.post(f"/v3/tenants/{tenant_id}/suspend")
        assert (answer.status_code, answer.content) == (204, b"")
    is_problem(await fleet.get("/v3/vendors", tenant="North"), 400, "bad-request", "Invalid tenant: North")
    refused = await fleet.grant(credential)
    assert (refused.status_code, refused.json()["errors"]) == (
        401,
        ["invalid_client. Invalid client or Invalid client credentials"],
    )
    shown = {"id": tenant_id, "name": "North"}
    assert (await fleet.get("/v3/tenants")).json() == [shown]
    assert (await fleet.get(f"/v3/tenants/{tenant_id}/status")).json() == {**shown, "suspended": True}
    assert (await fleet.post(f"/v3/tenants/{tenant_id}/resume")).status_code == 204
    assert (await fleet.get(f"/v3/tenants/{tenant_id}/status")).json() == {**shown, "suspended": False}
    assert len((await fleet.get("/v3/vendors", tenant="North")).json()) == 1
    assert (await fleet.grant(credential)).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/v3/vendors", bodies.vendor(), "1 vendors"),
        ("/v3/dataStores", bodies.data_store(), "1 data stores"),
        ("/v3/profiles", bodies.profile(), "1 profiles"),
    ],
)
async def test_only_an_empty_tenant_is_deleted(fleet: Api, path: str, body: bodies.Body, words: str) -> None:
    tenant_id = await fleet.made("/v3/tenants", {"name": "North"})
    made = await fleet.made(path, body, tenant="North")
    sentence = f"Tenant 'North' still has {words}. Remove these first."
    answer = await fleet.delete(f"/v3/tenants/{tenant_id}")
    is_problem(answer, 409, "conflict:dependent-item-exists", sentence)
    assert (await fleet.delete(f"{path}/{made}", tenant="North")).status_code == 204
    answer = await fleet.delete(f"/v3/tenants/{tenant_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await fleet.get("/v3/vendors", tenant="North")).status_code == 400
    assert (await fleet.get("/v3/tenants")).json() == []
    assert await fleet.made("/v3/tenants", {"name": "North"}) != tenant_id


async def test_a_tenant_with_a_managed_data_store_stays_and_its_history_does_not(service_url: str, fleet: Api) -> None:
    tenant_id = await fleet.made("/v3/tenants", {"name": "North"})
    with psycopg.connect(service_url, autocommit=True) as connection:
        managed = insert_managed(connection, None, tenant_id=tenant_id)
        sentence = "Tenant 'North' still has 1 managed data stores, 1 unfinished jobs. Remove these first."
        answer = await fleet.delete(f"/v3/tenants/{tenant_id}")
        is_problem(answer, 409, "conflict:dependent-item-exists", sentence)
        connection.execute("UPDATE managed_data_stores SET deleted_at = now() WHERE id = %s", (managed,))
        connection.execute("UPDATE operations SET finished_at = now() WHERE tenant_id = %s", (tenant_id,))
    assert (await fleet.delete(f"/v3/tenants/{tenant_id}")).status_code == 204


CHANGES = [("PUT", ""), ("DELETE", ""), ("POST", "/suspend"), ("POST", "/resume")]


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_changes_are_for_administrators_and_for_tenants_that_are_there(
    shared_fleet: Api, method: str, path: str
) -> None:
    body = {"id": 999_999, "name": "x"} if method == "PUT" else None
    detail = "Tenant 999999 not found. It may have been recently deleted."
    is_missing(await shared_fleet.call(method, f"/v3/tenants/999999{path}", body), detail)
    assert (await shared_fleet.call(method, f"/v3/tenants/1{path}", body, caller="reader")).status_code == 403


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_the_default_tenant_is_never_changed(shared_fleet: Api, method: str, path: str) -> None:
    body = {"id": 0, "name": "x"} if method == "PUT" else None
    answer = await shared_fleet.call(method, f"/v3/tenants/0{path}", body)
    is_problem(answer, 409, "conflict", "The default tenant cannot be changed.")


async def test_nothing_is_added_to_a_tenant_that_is_being_deleted(fleet: Api) -> None:
    for number in range(5):
        name = f"Tenant{number}"
        tenant_id = await fleet.made("/v3/tenants", {"name": name})
        await fleet.get("/v3/vendors", tenant=name)
        added, deleted = await asyncio.gather(
            fleet.post("/v3/vendors", bodies.vendor(), tenant=name), fleet.delete(f"/v3/tenants/{tenant_id}")
        )
        assert (added.status_code, deleted.status_code) in {(201, 409), (409, 204), (400, 204)}
