"""Calls to an API that dies while it answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.api.service import Api, serving
from tests.crash.cases import Watch, reaped, watching
from tests.crash.environment import Environment
from tests.crash.processes import ApiProcess
from tests.crash.proxy import KillPoint, Moment, Proxy, listening
from tests.crash.statements import changes, every_moment

MANAGE = "/v3/dataStores/manage"
Request = tuple[str, str, Any]


@dataclass(frozen=True)
class Service:
    """A service with an API that is not killed, and a look at its database."""

    environment: Environment
    database: str
    healthy: Api
    watch: Watch

    async def number(self, query: str) -> int:
        row = await (await self.watch.execute(query)).fetchone()
        assert row is not None
        return int(row[0])


@asynccontextmanager
async def service_of(environment: Environment) -> AsyncIterator[Service]:
    async with (
        environment.service_database() as database,
        watching(environment, database) as watch,
        serving(environment.superuser.url(database), **environment.provisioner()) as healthy,
    ):
        yield Service(environment, database, healthy, watch)


async def call(service: Service, request: Request, point: KillPoint | None) -> tuple[Proxy, int | None]:
    """Call an API of its own that dies at that point; what it said to the database, and its answer if it gave one."""
    headers = {"Authorization": f"Bearer {await service.healthy.token('admin')}"}
    method, path, body = request
    async with listening(Proxy(service.environment.superuser.port, begins=None, point=point)) as proxy:
        api = ApiProcess(service.environment.settings(service.database, port=proxy.port))
        proxy.kill = api.kill
        try:
            # Without the certificates of the system, which are read anew for every client.
            async with httpx2.AsyncClient(base_url=api.url, timeout=30, verify=False) as client:
                assert (await client.get("/health/live")).status_code == 200
                proxy.counting = True
                answer = await client.request(method, path, json=body, headers=headers)
        except httpx2.TransportError:
            return proxy, None
        finally:
            await reaped(api)
        return proxy, answer.status_code


async def points_of(service: Service, request: Request, status: int = 202) -> list[KillPoint]:
    """Before, inside and after what lasts, and inside everything else; from a call that nobody disturbs."""
    proxy, answered = await call(service, request, None)
    assert answered == status
    lasting = changes(proxy.statements)
    others = [number for number in range(len(proxy.statements)) if number not in lasting]
    return [*every_moment(lasting), *(KillPoint(number, Moment.INSIDE) for number in others)]


async def at_once(*calls: Any) -> list[Any]:
    """A few at a time."""
    gate = asyncio.Semaphore(6)

    async def one(awaitable: Any) -> Any:
        async with gate:
            return await awaitable

    return await asyncio.gather(*map(one, calls))
