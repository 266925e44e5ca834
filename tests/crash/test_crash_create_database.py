"""The server goes on with CREATE DATABASE after its client was killed; the database appears when nobody expects it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest

from tests.crash.cases import Watch, doomed_settings, end_of, reaped, watching
from tests.crash.checker import check
from tests.crash.environment import Environment
from tests.crash.processes import Worker
from tests.crash.proxy import KillPoint, Moment, Proxy, listening

pytestmark = [pytest.mark.crash, pytest.mark.xdist_group("crash"), pytest.mark.anyio]

SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE \"ta_default%' AND state = 'active'"
DATABASES = "SELECT count(*) FROM pg_database WHERE datname LIKE 'ta_default_%'"


class KilledInsideCreateDatabase(Proxy):
    def count(self, user: str, application: str, text: str) -> Moment | None:
        moment = super().count(user, application, text)
        if text.startswith("CREATE DATABASE"):
            self.point = KillPoint(len(self.statements) - 1, Moment.INSIDE)
            return Moment.INSIDE
        return moment


@asynccontextmanager
async def no_new_databases(environment: Environment) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """CREATE DATABASE waits in the server until the yielded function is called."""
    async with await psycopg.AsyncConnection.connect(environment.superuser.url()) as connection:
        await connection.execute("LOCK TABLE pg_database IN SHARE MODE")
        yield connection.commit


async def number(watch: Watch, query: str) -> int:
    row = await (await watch.execute(query)).fetchone()
    assert row is not None
    return int(row[0])


async def reaches(watch: Watch, query: str, wanted: int) -> None:
    give_up = time.monotonic() + 30
    while await number(watch, query) != wanted:
        assert time.monotonic() < give_up, query
        await asyncio.sleep(0.05)


async def test_a_database_that_appears_after_the_kill_is_completed(environment: Environment) -> None:
    async with environment.service_database() as service, watching(environment, service) as watch:
        async with (
            no_new_databases(environment) as let_go,
            listening(KilledInsideCreateDatabase(environment.superuser.port)) as proxy,
        ):
            doomed = Worker(doomed_settings(environment, service, proxy), ("create", "Late"))
            proxy.kill = doomed.kill
            await asyncio.wait_for(proxy.struck.wait(), 30)
            await reaped(doomed)
            rescuer = Worker(environment.settings(service))
            await reaches(watch, "SELECT count(*) FROM operations WHERE fence = 2", 1)
            await reaches(watch, "SELECT count(*) FROM operations WHERE message LIKE '%copying%'", 1)
            assert (await number(watch, SESSIONS), await number(watch, DATABASES)) == (1, 0)
            await let_go()
            assert await end_of(("create", "Late"), watch, rescuer) == "succeeded"
            await reaped(rescuer)
        assert check(environment, [service]).all == []
        await deleted(environment, service, watch)


async def test_a_database_that_appears_after_the_kill_and_a_cancel_is_removed(environment: Environment) -> None:
    async with environment.service_database() as service, watching(environment, service) as watch:
        async with (
            no_new_databases(environment) as let_go,
            listening(KilledInsideCreateDatabase(environment.superuser.port)) as proxy,
        ):
            doomed = Worker(doomed_settings(environment, service, proxy), ("create", "Unwanted"))
            proxy.kill = doomed.kill
            await asyncio.wait_for(proxy.struck.wait(), 30)
            await reaped(doomed)
            await watch.execute("UPDATE operations SET cancel_requested = true")
            rescuer = Worker(environment.settings(service))
            await reaches(watch, "SELECT count(*) FROM operations WHERE undo IS NOT NULL", 1)
            await reaches(watch, "SELECT count(*) FROM operations WHERE message LIKE '%still creating%'", 1)
            assert (await number(watch, SESSIONS), await number(watch, DATABASES)) == (1, 0)
            await let_go()
            assert await end_of(("create", "Unwanted"), watch, rescuer) == "cancelled"
            await reaped(rescuer)
        assert check(environment, [service]).all == []
        assert await number(watch, DATABASES) == 0


async def deleted(environment: Environment, service: str, watch: Watch) -> None:
    worker = Worker(environment.settings(service), ("delete", 1))
    assert await end_of(("delete", 1), watch, worker) == "succeeded"
    await reaped(worker)
    assert check(environment, [service]).all == []
    assert await number(watch, DATABASES) == 0
