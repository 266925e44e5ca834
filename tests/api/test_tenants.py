"""Tenants speak the contract (section 1.9) and are there only with multi-tenancy."""

import pytest

from tests.api import bodies
from tests.api.problems import breaks_rules, is_bad_parameter, is_missing
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
    [("/v3/vendors", bodies.vendor()), ("/v3/dataStores", bodies.data_store())],
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


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_tenants_are_never_changed(shared_fleet: Api, method: str) -> None:
    tenant_id = await shared_fleet.made("/v3/tenants", bodies.tenant())
    assert (await shared_fleet.call(method, f"/v3/tenants/{tenant_id}", {})).status_code == 405
