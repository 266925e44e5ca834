"""How the job works: in batches, around what fails, until its deadline; and what finds what nobody sees to."""

import asyncio
from typing import Any

import pytest

from idp_providers.contract import ClientSecret, ClientSpec, ClientState
from idp_providers.memory import Fault
from tenant_api.identity import sweeper
from tenant_api.identity.steps import AT_ONCE
from tenant_api.identity.sweeper import keep_sweeping, sweep
from tests.api import bodies
from tests.engine.jobs import until
from tests.identity.outside.world import World

pytestmark = pytest.mark.anyio

CLIENTS = 30


@pytest.fixture
async def vendor(world: World) -> int:
    """A vendor with more clients than one batch takes."""
    return await vendor_with_clients(world)


async def vendor_with_clients(world: World, number: int = CLIENTS) -> int:
    vendor = await world.vendor()
    for _ in range(number):
        await world.application(vendor)
    return vendor


async def change(world: World, vendor: int, prefix: str = "uri://new") -> Any:
    return await world.api.put(f"/v3/vendors/{vendor}", bodies.vendor(id=vendor, namespacePrefixes=prefix))


async def test_many_clients_go_in_batches_with_progress(
    world: World, vendor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []
    answer = await change(world, vendor)
    find = world.provider.find_client

    async def watched(client_id: str) -> ClientState | None:
        seen.append((await world.job(answer))["fraction"] or 0.0)
        return await find(client_id)

    monkeypatch.setattr(world.provider, "find_client", watched, raising=False)
    assert (await world.ended(answer))["status"] == "Completed"
    assert sorted(seen) == seen
    assert len(set(seen) - {0.0, 1.0}) >= CLIENTS // AT_ONCE
    await world.assert_agreement()


async def test_a_provider_that_is_away_for_a_while_delays_and_loses_nothing(world: World, vendor: int) -> None:
    world.fail("find_client", *[Fault.REFUSED] * 20)
    world.fail("update_client", *[Fault.LOST_REPLY] * 10)
    answer = await change(world, vendor)
    assert (await world.ended(answer))["status"] == "Completed"
    await world.assert_agreement()


async def test_a_client_of_somebody_else_holds_up_nobody_and_is_named(world: World, vendor: int) -> None:
    key = next(iter(world.at_provider()))
    world.provider.plant(ClientSpec(client_id=key, display_name="theirs", role="", scopes=()), "theirs")
    answer = await change(world, vendor)
    job = await world.ended(answer)
    assert job["status"] == "Error"
    assert job["error"]["code"] == "identity-provider"
    assert job["errorMessage"] == (
        f"1 client remains to be brought in line at the identity provider, for example {key} "
        "(The identity provider holds a client of this id that this installation did not make.)."
    )
    assert [intent["client_id"] for intent in await world.intents()] == [key]
    assert world.provider.held[key].display_name == "theirs"
    prefixes = {claims.namespace_prefixes for claims in world.at_provider().values()}
    assert prefixes == {("uri://new",)}

    world.provider.uproot(key)
    assert (await world.api.post(f"/v3/jobs/{job['id']}/retry")).status_code == 202
    assert (await world.ended(answer))["status"] == "Completed"
    await world.assert_agreement()


async def test_a_deleted_client_of_somebody_else_is_not_deleted_there(world: World) -> None:
    credential = await world.application(await world.vendor())
    key = credential["key"]
    world.provider.plant(ClientSpec(client_id=key, display_name="theirs", role="", scopes=()), "theirs")
    answer = await world.api.delete(f"/v3/applications/{credential['id']}")
    assert (await world.ended(answer))["status"] == "Error"
    assert world.provider.held[key].display_name == "theirs"


async def test_a_job_whose_time_is_up_says_how_much_remains(world: World) -> None:
    vendor = await vendor_with_clients(world, 3)
    world.fail("find_client", *[Fault.REFUSED] * 1000)
    answer = await change(world, vendor)
    async with world.working():
        await until(lambda: _has_failed(world))
        await world.rows("UPDATE operations SET deadline = now() RETURNING 1")
    job = await world.ended(answer)
    assert (job["status"], job["error"]["code"]) == ("Error", "deadline-exceeded")
    assert job["errorMessage"].startswith(
        "The operation ran out of time. 3 clients remain to be brought in line at the identity provider, "
    )
    world.provider.faults.forget()
    await world.brought_in_line()
    await world.assert_agreement()


async def test_a_client_that_is_as_wanted_is_not_written_again(world: World) -> None:
    vendor = await vendor_with_clients(world, 3)
    world.fail("update_client", *[Fault.REFUSED] * 1000)
    answer = await change(world, vendor, "uri://ed-fi.org,uri://acme.org")
    assert (await world.ended(answer))["status"] == "Completed"
    assert {intent["attempts"] for intent in await world.intents()} == set()


async def test_a_client_that_is_missing_is_made_with_a_secret_that_nobody_knows(world: World) -> None:
    vendor = await world.vendor()
    credential = await world.application(vendor)
    await world.provider.delete_clients([credential["key"]])
    assert (await world.ended(await change(world, vendor)))["status"] == "Completed"
    await world.assert_agreement()
    assert (await world.api.grant(credential)).status_code == 401


async def test_a_change_while_the_job_is_at_the_client_is_not_lost(world: World) -> None:
    vendor = await vendor_with_clients(world, 1)
    world.fail("update_client", Fault.HANGING)
    first = await change(world, vendor, "uri://first")
    async with world.working():
        await until(lambda: _hangs(world))
        second = await change(world, vendor, "uri://second")
        world.provider.faults.release()
    assert (await world.ended(second))["status"] == "Completed"
    assert (await world.ended(first))["status"] == "Completed"
    assert {claims.namespace_prefixes for claims in world.at_provider().values()} == {("uri://second",)}
    await world.brought_in_line()
    await world.assert_agreement()


async def test_an_intent_that_no_job_sees_to_is_swept_up_once(world: World) -> None:
    key = "00000000-0000-4000-8000-000000000001"
    left = ClientSpec(client_id=key, display_name="left", role="", scopes=())
    await world.provider.create_client(left, ClientSecret(value="of a request that died"))
    await world.rows("INSERT INTO identity_intents (client_id) VALUES (%s) RETURNING 1", key)
    assert [await sweep(world.api.runtime), await sweep(world.api.runtime)] == [1, 0]
    await world.brought_in_line()
    assert key not in world.provider.held


async def test_a_service_sweeps_from_its_start_until_its_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper, "EVERY_SECONDS", 3600.0)
    stop = asyncio.Event()
    await world.rows("INSERT INTO identity_intents (client_id) VALUES ('left') RETURNING 1")
    sweeping = asyncio.create_task(keep_sweeping(world.api.runtime, stop))
    async with world.working():
        await until(lambda: _none_left(world))
    stop.set()
    await asyncio.wait_for(sweeping, 30)


async def test_what_is_held_or_not_due_is_not_swept_up(world: World) -> None:
    await world.rows(
        "INSERT INTO identity_intents (client_id, held_until) VALUES ('held', now() + interval '1 h') RETURNING 1"
    )
    await world.rows(
        "INSERT INTO identity_intents (client_id, run_after) VALUES ('later', now() + interval '1 h') RETURNING 1"
    )
    assert await sweep(world.api.runtime) == 0


async def test_an_intent_outlives_its_tenant(fleet: World) -> None:
    body = bodies.tenant()
    tenant = await fleet.api.made("/v3/tenants", body)
    await fleet.rows("INSERT INTO identity_intents (client_id, tenant_id) VALUES ('left', %s) RETURNING 1", tenant)
    assert (await fleet.api.delete(f"/v3/tenants/{tenant}")).status_code == 204
    assert [intent["tenant_id"] for intent in await fleet.intents()] == [0]
    await fleet.brought_in_line()


async def test_metrics_and_health_tell_of_clients_that_wait(world: World) -> None:
    vendor = await vendor_with_clients(world, 2)
    assert "tenant_api_identity_intents 0.0" in (await world.api.http.get("/metrics")).text
    world.fail("find_client", *[Fault.REFUSED] * 1000)
    answer = await change(world, vendor)
    async with world.working():
        await until(lambda: _has_failed(world))
    metrics = (await world.api.http.get("/metrics")).text
    assert "tenant_api_identity_intents 2.0" in metrics
    assert "tenant_api_identity_oldest_intent_seconds" in metrics
    ready = await world.api.http.get("/health/ready")
    check = ready.json()["checks"]["identityProvider"]
    assert (ready.status_code, check["ok"]) == (200, True)
    assert check["why"].startswith("2 clients could not be brought in line yet, the oldest for ")
    world.provider.faults.forget()
    assert (await world.ended(answer))["status"] == "Completed"
    assert (await world.api.http.get("/health/ready")).json()["checks"]["identityProvider"]["why"] is None


async def _none_left(world: World) -> bool:
    return not await world.intents()


async def _hangs(world: World) -> bool:
    return world.provider.faults.planned == 0


async def _has_failed(world: World) -> bool:
    intents = await world.intents()
    return bool(intents) and all(intent["attempts"] for intent in intents)
