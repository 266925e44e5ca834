"""Who stands still for longer than it holds a client, then goes on: in the end the provider is as the rows want it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from idp_providers.contract import ClientCredentials, ClientSecret, ClientSpec
from tenant_api.identity import steps
from tenant_api.operations.plan import Task
from tenant_api.plugins import claims
from tests.api import bodies
from tests.engine.jobs import until
from tests.identity.outside.scene import HOLDS_END
from tests.identity.outside.world import World, outside

pytestmark = pytest.mark.anyio

OLD, NEW = "uri://old", "uri://new"
WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


class Standstill:
    """Where the first one that comes along stands still, until it is told to go on."""

    def __init__(self) -> None:
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        if not self.reached.is_set():
            self.reached.set()
            await self.go.wait()


@asynccontextmanager
async def a_worker_past_its_hold(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """One that has read the rows and wakes up when the block ends."""
    standstill, read = Standstill(), claims.wanted_clients

    async def wanted_clients(*arguments: Any, **more: Any) -> dict[str, ClientSpec]:
        found = await read(*arguments, **more)
        await standstill()
        return found

    monkeypatch.setattr(steps, "wanted_clients", wanted_clients)
    task = Task(runtime=world.api.runtime, operation_id=uuid4(), tenant_id=0, target="identity:0")
    async with late(world, standstill, lambda: steps.align(task)):
        yield


@asynccontextmanager
async def a_request_past_its_hold(world: World, vendor: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """One that has made a client, and hears of it when the block ends."""
    standstill, create = Standstill(), world.provider.create_client

    async def create_client(spec: ClientSpec, secret: ClientSecret) -> ClientCredentials:
        made = await create(spec, secret)
        await standstill()
        return made

    monkeypatch.setattr(world.provider, "create_client", create_client, raising=False)
    async with late(world, standstill, lambda: world.application(vendor)):
        yield


@asynccontextmanager
async def late(world: World, standstill: Standstill, call: Callable[[], Awaitable[Any]]) -> AsyncIterator[None]:
    calling = asyncio.ensure_future(call())
    await standstill.reached.wait()
    await world.rows(HOLDS_END)
    yield
    standstill.go.set()
    await calling


async def changed(world: World, vendor: int, prefix: str) -> None:
    answer = await world.api.put(f"/v3/vendors/{vendor}", bodies.vendor(id=vendor, namespacePrefixes=prefix))
    assert answer.status_code == 204


async def test_old_rows_that_arrive_last_do_not_stay(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = await world.vendor()
    await world.application(vendor)
    await changed(world, vendor, OLD)
    async with a_worker_past_its_hold(world, monkeypatch):
        await changed(world, vendor, NEW)
        await world.brought_in_line()
        await world.assert_agreement()
    await world.brought_in_line()
    await world.assert_agreement()


async def test_a_client_that_is_made_after_its_deletion_does_not_stay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = await world.vendor()
    credential = await world.application(vendor)
    await world.provider.delete_clients([credential["key"]])
    await changed(world, vendor, OLD)
    async with a_worker_past_its_hold(world, monkeypatch):
        assert (await world.api.delete(f"/v3/vendors/{vendor}")).status_code == 204
        await world.brought_in_line()
    await world.brought_in_line()
    assert world.at_provider() == {}


async def test_a_client_of_a_tenant_that_is_gone_meanwhile_does_not_stay(
    fleet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await fleet.api.made("/v3/tenants", bodies.tenant())
    key = "00000000-0000-4000-8000-000000000001"
    left = ClientSpec(client_id=key, display_name="left", role="", scopes=())
    await fleet.provider.create_client(left, ClientSecret(value="of a request that died"))
    await fleet.rows("INSERT INTO identity_intents (client_id, tenant_id) VALUES (%s, %s) RETURNING 1", key, tenant)
    standstill, delete = Standstill(), fleet.provider.delete_clients

    async def delete_clients(keys: Any) -> None:
        await standstill()
        await delete(keys)

    monkeypatch.setattr(fleet.provider, "delete_clients", delete_clients, raising=False)
    task = Task(runtime=fleet.api.runtime, operation_id=uuid4(), tenant_id=tenant, target=f"identity:{tenant}")
    async with late(fleet, standstill, lambda: steps.align(task)):
        assert (await fleet.api.delete(f"/v3/tenants/{tenant}")).status_code == 204
        await fleet.brought_in_line()
    assert [(intent["client_id"], intent["tenant_id"]) for intent in await fleet.intents()] == [(key, 0)]
    await fleet.brought_in_line()


async def test_a_late_request_forgets_no_change_that_came_after_its_hold(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = await world.vendor()
    async with a_request_past_its_hold(world, vendor, monkeypatch):
        await world.brought_in_line()
        await changed(world, vendor, NEW)
    await world.brought_in_line()
    await world.assert_agreement()


async def test_a_client_that_a_late_request_made_is_looked_at_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = await world.vendor()
    async with a_request_past_its_hold(world, vendor, monkeypatch):
        await world.brought_in_line()
    [intent] = await world.intents()
    assert intent["held_until"] is None
    await world.brought_in_line()
    await world.assert_agreement()


async def test_a_hold_is_not_shorter_for_what_its_request_waited_for(service_url: str) -> None:
    async with outside(service_url, IDP__TIMEOUT_SECONDS="30") as world:
        credential = await world.application(await world.vendor())
        [client] = (await world.api.get("/v3/apiClients")).json()
        standstill, replace = Standstill(), world.provider.replace_secret

        async def replace_secret(client_id: str, secret: ClientSecret) -> ClientCredentials:
            await standstill()
            return await replace(client_id, secret)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(world.provider, "replace_secret", replace_secret, raising=False)
            async with world.api.runtime.pool.connection() as other, other.transaction():
                await other.execute("SELECT FROM applications WHERE id = %s FOR UPDATE", (credential["id"],))
                reset = asyncio.ensure_future(world.api.put(f"/v3/apiClients/{client['id']}/reset-credential"))
                await until(lambda: _waits(world))
                row = await (await other.execute("SELECT clock_timestamp() AS t")).fetchone()
            await standstill.reached.wait()
            [intent] = await world.intents()
            assert row is not None
            assert (intent["held_until"] - row["t"]).total_seconds() > 40
            standstill.go.set()
            assert (await reset).status_code == 200


async def _waits(world: World) -> bool:
    return bool(await world.rows(WAITING))
