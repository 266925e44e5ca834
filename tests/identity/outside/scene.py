"""A service that nobody kills, and beside it processes that die at a chosen moment. They share a provider's clients."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx2
import psycopg.conninfo
import pytest

from idp_providers.memory import MemoryProvider, MemorySettings
from idp_providers.testing import KitHost
from tenant_api.connect.bootstrap import bootstrap
from tenant_api.embedded import ServerAddress
from tests.api.service import environment, serving
from tests.crash.cases import reaped
from tests.crash.processes import ApiProcess
from tests.crash.proxy import KillPoint, Moment, Proxy, listening
from tests.crash.statements import changes, every_moment
from tests.identity.outside.remote import Door, install, opened
from tests.identity.outside.world import QUICK, World

# What the dead held is let go by the clock; the test moves it.
HOLDS_END = "UPDATE identity_intents SET held_until = NULL, run_after = now() RETURNING 1"
LEASES_END = "UPDATE operations SET lease_until = now() - interval '1 s' WHERE state = 'running' RETURNING 1"
BOTH = (Moment.BEFORE, Moment.AFTER)
Request = tuple[str, str, Any]


@dataclass(frozen=True)
class Scene(World):
    """The world seen through a service that nobody kills. `clients` are shared with those that die."""

    clients: MemoryProvider
    server: ServerAddress
    url: str

    @property
    def provider(self) -> MemoryProvider:
        return self.clients

    def environment(self, door: Door, proxy: Proxy | None = None) -> dict[str, str]:
        """That of a process to be killed, which reaches everything through what kills it."""
        name = str(psycopg.conninfo.conninfo_to_dict(self.url)["dbname"])
        server = replace(self.server, port=proxy.port) if proxy else self.server
        chosen = {"IDP__NAME": "remote", "IDP__SETTINGS__DOOR": str(door.port), "DATABASE__POOL_SIZE": "3", **QUICK}
        return environment(server.url(name), **{f"TENANT_API_{key}": value for key, value in chosen.items()})

    async def recovered(self) -> None:
        """The dead hold nothing any more, and others have worked off what they left."""
        await self.rows(HOLDS_END)
        await self.rows(LEASES_END)
        await self.brought_in_line(seconds=60)
        await self.assert_agreement()


@asynccontextmanager
async def standing(service_url: str, server: ServerAddress, folder: Path) -> AsyncIterator[Scene]:
    """The scene; the folder is where processes find the fake as a plugin."""
    install(folder)
    clients = await MemoryProvider.open(MemorySettings(), KitHost())
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        async with opened(Door(clients)) as door:
            chosen = {"IDP__NAME": "remote", "IDP__SETTINGS__DOOR": str(door.port), **QUICK}
            async with serving(service_url, **chosen) as api:
                await bootstrap(api.runtime.idp, api.runtime.settings.identity.clients)
                yield Scene(api, clients, server, service_url)


@dataclass(frozen=True)
class Fate:
    """How a process dies: at a statement, or at a call of the provider."""

    point: KillPoint | None = None
    call: int | None = None
    moment: Moment = Moment.BEFORE

    @property
    def kind(self) -> tuple[bool, Moment]:
        """At a statement or at a call, and when."""
        return self.call is None, self.point.moment if self.point else self.moment


@asynccontextmanager
async def doomed(scene: Scene, fate: Fate, *, begins: str | None = None) -> AsyncIterator[tuple[Door, Proxy]]:
    async with (
        opened(Door(scene.clients, at=fate.call, moment=fate.moment)) as door,
        listening(Proxy(scene.server.port, begins=begins, point=fate.point)) as proxy,
    ):
        yield door, proxy


async def call(scene: Scene, request: Request, fate: Fate) -> tuple[int | None, Door, Proxy]:
    """The answer of an API that dies like this, if it gave one, and what it said to database and provider."""
    headers = {"Authorization": f"Bearer {await scene.api.token('admin')}"}
    method, path, body = request
    async with doomed(scene, fate) as (door, proxy):
        api = ApiProcess(scene.environment(door, proxy))
        door.kill = proxy.kill = api.kill
        try:
            async with httpx2.AsyncClient(base_url=api.url, timeout=120) as client:
                assert (await client.get("/health/live")).status_code == 200
                proxy.counting = door.counting = True
                status = (await client.request(method, path, json=body, headers=headers)).status_code
        except httpx2.TransportError:
            status = None
        finally:
            await reaped(api)
    return status, door, proxy


def fates(door: Door, proxy: Proxy) -> list[Fate]:
    """Every statement after which the database is another, at every moment; the rest once; every call, both ways."""
    lasting = changes(proxy.statements)
    others = [number for number in range(len(proxy.statements)) if number not in lasting]
    points = [*every_moment(lasting), *(KillPoint(number, Moment.INSIDE) for number in others)]
    called = [Fate(call=number, moment=moment) for number in range(len(door.calls)) for moment in BOTH]
    return [*(Fate(point=point) for point in points), *called]


def one_of_each_kind(found: Sequence[Fate]) -> list[Fate]:
    """The last one before, the first one under way and the first one after: with effects that nobody answered for."""
    chosen = []
    for (_, moment), alike in groupby(sorted(found, key=lambda fate: fate.kind), key=lambda fate: fate.kind):
        group = list(alike)
        chosen.append(group[-1] if moment is Moment.BEFORE else group[0])
    return chosen
