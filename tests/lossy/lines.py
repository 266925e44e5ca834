"""Services of which answers get lost: the provider's where it is outside, the service's own where it is not."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import httpx2

from idp_providers.memory import Fault as MemoryFault
from idp_providers.suite.fault_proxy import Fault, FaultProxy
from tenant_api.app import create_app
from tenant_api.service.web_server import answer_requests
from tests.api.service import Api, serving
from tests.identity.keycloak_realms import Console, new_realm, service_settings
from tests.identity.outside.world import World, outside
from tests.lossy.loss import Loss
from tests.parts.keycloak import keycloak_server

PATIENCE_SECONDS = 3
METHODS = {"create_client", "update_client", "replace_secret", "delete_clients", "find_client"}
BUILT_IN = "SELECT client_id FROM idp_clients"


@dataclass(frozen=True)
class Line:
    """`callers` is how callers reach the service; `at_provider` looks past the service which clients there are."""

    world: World
    callers: httpx2.AsyncClient
    at_provider: Callable[[], Awaitable[set[str]]]


@asynccontextmanager
async def memory(url: str, loss: Loss) -> AsyncIterator[Line]:
    """Answers of the fake get lost."""
    async with outside(url) as world:

        def fault_of(method: str) -> MemoryFault | None:
            return MemoryFault.LOST_REPLY if method in METHODS and loss.strikes() else None

        async def at_provider() -> set[str]:
            return set(world.provider.held)

        world.provider.faults.take = fault_of  # type: ignore[method-assign]  # it asks a queue otherwise
        yield Line(world, world.api.http, at_provider)


@asynccontextmanager
async def keycloak(url: str, loss: Loss) -> AsyncIterator[Line]:
    """Answers of a real Keycloak get lost."""
    server = keycloak_server()
    async with new_realm(server) as realm, FaultProxy(realm.server_url) as proxy:
        proxy.plan(Fault.LOST_REPLY, matching=lambda _request: loss.strikes())
        through = realm.model_copy(update={"server_url": proxy.url})
        settings = {**service_settings(through), "IDP__TIMEOUT_SECONDS": str(PATIENCE_SECONDS)}

        def listed() -> set[str]:
            with Console(server, realm.realm) as console:
                return {client["clientId"] for client in console.get("/clients", max="100000")}

        async with outside(url, **settings) as world:
            yield Line(world, world.api.http, lambda: asyncio.to_thread(listed))


@asynccontextmanager
async def self_hosted(url: str, loss: Loss) -> AsyncIterator[Line]:
    """Answers of the service get lost: its clients stand in its own database."""
    async with serving(url) as api, reachable(api) as address, FaultProxy(address) as proxy:
        proxy.plan(Fault.LOST_REPLY, matching=lambda _request: loss.strikes())
        world = World(api)

        async def at_provider() -> set[str]:
            return {row["client_id"] for row in await world.rows(BUILT_IN)}

        async with httpx2.AsyncClient(base_url=proxy.url, timeout=30) as callers:
            yield Line(world, callers, at_provider)


@asynccontextmanager
async def reachable(api: Api) -> AsyncIterator[str]:
    """The service on a port, and its address."""
    stop, ready = asyncio.Event(), asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        http = api.runtime.settings.http
        serving_it = answer_requests(create_app(api.runtime), http, listener, ready=ready.set, stop=stop)
        task = asyncio.create_task(serving_it)
        await ready.wait()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            await task


LINES: dict[str, Callable[[str, Loss], AbstractAsyncContextManager[Line]]] = {
    "self_hosted": self_hosted,
    "keycloak": keycloak,
    "memory": memory,
}
