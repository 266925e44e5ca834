"""One worker dies, another one finishes its work; the server's own record tells when it began."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import TupleRow

from tenant_api.managed_data_stores.states import CREATE, DELETE
from tenant_api.operations.states import OPEN
from tenant_api.tenants.repository import REMOVE
from tests.crash.environment import Environment
from tests.crash.processes import Forked, Order, Worker
from tests.crash.proxy import KillPoint, Proxy, Statement, listening

Watch = psycopg.AsyncConnection[TupleRow]
KINDS = {"create": CREATE, "delete": DELETE, "remove": REMOVE}
PATIENCE = 90.0
_POLL = 0.1
_FOLLOWS = 10.0  # seconds; of the last commit others know before its answer has left the server


@dataclass(frozen=True, kw_only=True)
class Kill:
    """What was done to an operation. `waited`: seconds until another worker had it, where any work was left.

    Without a statement the operation ended before its worker came to that point.
    """

    point: KillPoint
    statement: Statement | None
    waited: float | None
    state: str

    def __str__(self) -> str:
        text = " ".join(self.statement.text.split())[:60] if self.statement else "not reached"
        return f"{self.point.moment} {self.point.number} ({text})"


@asynccontextmanager
async def watching(environment: Environment, database: str) -> AsyncIterator[Watch]:
    """A superuser's session in a service's database, to look and not to touch."""
    async with await psycopg.AsyncConnection.connect(environment.superuser.url(database), autocommit=True) as watch:
        yield watch


def doomed_settings(environment: Environment, database: str, proxy: Proxy) -> dict[str, str]:
    """Through the proxy, and without polls among the statements that are counted."""
    return environment.settings(database, port=proxy.port, WORKERS__POLL_SECONDS="30")


async def statements_of(environment: Environment, database: str, watch: Watch, order: Order) -> list[Statement]:
    """A dry run: what a worker says from its claim on, and after it."""
    async with listening(Proxy(environment.superuser.port)) as proxy:
        worker = Worker(doomed_settings(environment, database, proxy), order)
        assert await end_of(order, watch, worker) == "succeeded"
        await reaped(worker)
    return proxy.statements


async def killed_and_recovered(
    environment: Environment, database: str, watch: Watch, order: Order, point: KillPoint
) -> Kill:
    """A worker accepts and begins the order, and dies at that point; another one is there and finishes."""
    rescuer = Worker(environment.settings(database), wait=True)
    async with listening(Proxy(environment.superuser.port, point=point)) as proxy:
        doomed = Worker(doomed_settings(environment, database, proxy), order)
        proxy.kill = doomed.kill
        ended = asyncio.create_task(end_of(order, watch, doomed))
        await _either(proxy.begun, ended)
        rescuer.go()
        await _either(proxy.struck, ended)
        killed_at = time.time()
        await reaped(doomed)
        await ended
    state = await end_of(order, watch, rescuer)
    await reaped(rescuer)
    claimed_at = await claimed_by(watch, rescuer)
    return Kill(
        point=point,
        statement=proxy.statements[point.number] if proxy.struck.is_set() else None,
        waited=claimed_at.timestamp() - killed_at if claimed_at else None,
        state=state,
    )


async def _either(event: asyncio.Event, ended: asyncio.Task[str]) -> None:
    """Wait for the event, or until the operation has ended and the event had time to follow."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({waiting, ended}, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait({waiting}, timeout=_FOLLOWS)
    waiting.cancel()


async def end_of(order: Order, watch: Watch, worker: Worker) -> str:
    """The state in which the ordered operation ended, or `stuck`."""
    newest = "SELECT state FROM operations WHERE kind = %s AND target LIKE %s ORDER BY number DESC LIMIT 1"
    verb, what = order
    ordered = (KINDS[verb], "%" if verb == "create" else f"%/{what}")
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up and worker.is_alive():
        found = await watch.execute(newest, ordered)
        row = await found.fetchone()
        if row and row[0] not in OPEN:
            return str(row[0])
        await asyncio.sleep(_POLL)
    return "stuck" if worker.is_alive() else "abandoned"


async def claimed_by(watch: Watch, worker: Worker) -> datetime | None:
    found = await watch.execute("SELECT min(at) FROM claims WHERE split_part(owner, ':', 2) = %s", (str(worker.pid),))
    row = await found.fetchone()
    return row[0] if row else None


async def reaped(*processes: Forked) -> None:
    """Killed, those that still live, and gone."""
    for process in processes:
        process.kill()
        await asyncio.to_thread(process.join)
