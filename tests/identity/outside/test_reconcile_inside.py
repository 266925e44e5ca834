"""With the built-in provider clients stand beside their rows: what is lost there is made again in one transaction."""

from collections.abc import AsyncIterator

import pytest

from tests.api import bodies
from tests.api.service import serving
from tests.identity.outside.reconciling import asked, drift, reconciled, report
from tests.identity.outside.world import QUICK, Credential, World

pytestmark = pytest.mark.anyio

MANY = 70
"""More clients than are repaired in one transaction."""
CLIENTS = "SELECT client_id, secret, display_name, role, enabled FROM idp_clients WHERE client_id = ANY(%s) ORDER BY 1"


@pytest.fixture
async def world(service_url: str) -> AsyncIterator[World]:
    async with serving(service_url, **QUICK) as api:
        yield World(api)


@pytest.fixture
async def credentials(world: World) -> list[Credential]:
    vendor = await world.vendor()
    return [await world.application(vendor) for _ in range(3)]


async def lose(world: World, *keys: str) -> None:
    await world.rows("DELETE FROM idp_clients WHERE client_id = ANY(%s) RETURNING 1", list(keys))


async def test_what_is_missing_or_switched_off_is_reported_and_then_repaired(
    world: World, credentials: list[Credential]
) -> None:
    gone, disabled, sound = (credential["key"] for credential in credentials)
    await lose(world, gone)
    await world.rows("UPDATE idp_clients SET enabled = false WHERE client_id = %s RETURNING 1", disabled)
    untouched = await world.rows(CLIENTS, [sound])
    before = await world.rows(CLIENTS, [gone, disabled, sound])
    expected = {"missing": [gone], "enabledDiffers": [disabled]}
    found = await reconciled(world)
    assert (drift(found), found["repair"], found["drifted"]) == (expected, "NotAsked", 2)
    assert await world.rows(CLIENTS, [gone, disabled, sound]) == before
    found = await reconciled(world, {"dryRun": False})
    assert (drift(found), found["repair"], found["repairJobId"]) == (expected, "Done", None)
    assert drift(await reconciled(world)) == {}
    assert await world.rows(CLIENTS, [sound]) == untouched
    assert [(await world.api.grant(credential)).status_code for credential in credentials] == [401, 200, 200]
    api_client = (await world.api.get(f"/v3/apiClients/{gone}")).json()
    renewed = (await world.api.put(f"/v3/apiClients/{api_client['id']}/reset-credential")).json()
    assert (await world.api.grant(renewed)).status_code == 200


async def test_a_change_of_rows_is_no_drift_where_claims_are_live(world: World, credentials: list[Credential]) -> None:
    application = (await world.api.get(f"/v3/applications/{credentials[0]['id']}")).json()
    body = bodies.application(application["vendorId"], id=application["id"], applicationName="Another name")
    assert (await world.api.put(f"/v3/applications/{application['id']}", body)).status_code == 204
    assert drift(await reconciled(world)) == {}


async def test_more_than_one_transaction_holds_is_repaired(world: World) -> None:
    vendor = await world.vendor()
    keys = [(await world.application(vendor))["key"] for _ in range(MANY)]
    await lose(world, *keys)
    too_much = await reconciled(world, {"dryRun": False, "limit": MANY - 1})
    assert (too_much["repair"], await world.rows(CLIENTS, keys)) == ("TooMuch", [])
    found = await reconciled(world, {"dryRun": False, "limit": MANY})
    assert (found["repair"], found["drifted"]) == ("Done", MANY)
    assert [row["client_id"] for row in await world.rows(CLIENTS, keys)] == sorted(keys)


async def test_a_client_that_is_deleted_before_its_repair_is_not_made(
    world: World, credentials: list[Credential]
) -> None:
    key = credentials[0]["key"]
    await lose(world, key)
    answer = await asked(world, {"dryRun": False})
    assert (await world.api.delete(f"/v3/applications/{credentials[0]['id']}")).status_code == 204
    assert (await world.ended(answer))["status"] == "Completed"
    assert (await report(world, answer))["repair"] == "NotNeeded"
    assert await world.rows(CLIENTS, [key]) == []
