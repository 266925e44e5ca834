"""Workers die at random while several of them work on creates, deletes, cancels and retries."""

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.api.service import Api, serving
from tests.crash.calls import MANAGE
from tests.crash.cases import Watch, reaped, watching
from tests.crash.checker import Findings, check, files_of_nobody
from tests.crash.environment import TEMPLATE, Environment
from tests.crash.processes import Worker
from tests.crash.proxy import KillPoint, Moment, Proxy, listening

WORKERS = 5
CUSTOMERS = 6
STORES = 14
LONGEST_LIFE = 3.0
REST_SECONDS = 180.0

HELD = "SELECT id, fence FROM operations WHERE state = 'running' AND split_part(lease_owner, ':', 2) = %s"
NEXT_CLAIM = "SELECT extract(epoch FROM min(at))::float8 FROM claims WHERE operation = %s AND fence > %s"
OPEN = "SELECT count(*) FROM operations WHERE state IN ('queued', 'running', 'waiting')"
FAILED = "SELECT kind || ' ' || target || ': ' || (error ->> 'message') FROM operations WHERE state = 'failed'"
ENDS = "SELECT kind || ' ' || state, count(*) FROM operations GROUP BY 1 ORDER BY 1"


@dataclass
class Storm:
    """`kills` workers die; then peace comes, and everything has to be as the rows say."""

    environment: Environment
    kills: int
    dice: random.Random
    killed: int = 0
    at_statements: int = 0
    held: list[tuple[Any, int, float]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    refusals: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)

    async def run(self) -> None:
        environment = self.environment
        async with (
            environment.service_database() as service,
            watching(environment, service) as watch,
            serving(environment.superuser.url(service), **environment.provisioner()) as api,
        ):
            visits = [asyncio.create_task(self._visits(api, number)) for number in range(CUSTOMERS)]
            await asyncio.gather(*(self._lives(service) for _ in range(WORKERS)))
            for visit in visits:
                visit.cancel()
            self._note(await asyncio.gather(*visits, return_exceptions=True))
            await self._rest(service, watch)
            await self._measure(watch)
            await self._judge(service, "after the storm")
            await self._clear(service, watch, api)

    async def _lives(self, service: str) -> None:
        """One worker after the other, each killed."""
        async with watching(self.environment, service) as watch:
            while self.killed < self.kills:
                self.killed += 1
                await self._life(service, watch)

    async def _life(self, service: str, watch: Watch) -> None:
        """Until a random statement, or a random moment where none is counted."""
        life = self.dice.uniform(0, LONGEST_LIFE)
        if self.dice.random() < 0.5:
            worker = Worker(self.environment.settings(service))
            await asyncio.sleep(life)
        else:
            point = KillPoint(self.dice.randrange(250), self.dice.choice(list(Moment)))
            async with listening(Proxy(self.environment.superuser.port, point=point)) as proxy:
                worker = Worker(self.environment.settings(service, port=proxy.port))
                proxy.kill = worker.kill
                with suppress(TimeoutError):
                    await asyncio.wait_for(proxy.struck.wait(), LONGEST_LIFE + life)
                worker.kill()
                self.at_statements += proxy.struck.is_set()
        worker.kill()
        killed_at = time.time()
        await reaped(worker)
        for operation, fence in await (await watch.execute(HELD, (str(worker.pid),))).fetchall():
            self.held.append((operation, fence, killed_at))

    async def _visits(self, api: Api, number: int) -> None:
        """What callers do, as far as the service allows it."""
        while True:
            stores = [row for row in (await api.get(MANAGE)).json() if row["status"] != "Deleted"]
            await self._visit(api, number, stores)
            await asyncio.sleep(self.dice.uniform(0, 0.3))

    async def _visit(self, api: Api, number: int, stores: list[dict[str, Any]]) -> None:
        if len(stores) < STORES:
            name = f"Store {number} {self.dice.randrange(8)}"
            await self._ask(api, "POST", MANAGE, {"name": name, "databaseTemplate": TEMPLATE})
            return
        store = self.dice.choice(stores)
        action = self.dice.choice([*store["allowedActions"], "look"])
        if action == "delete":
            await self._ask(api, "DELETE", f"{MANAGE}/{store['id']}")
        elif action == "retry" or (action == "cancel" and self.dice.random() < 0.2):
            await self._ask(api, "POST", f"/v3/jobs/{store['jobId']}/{action}")

    async def _ask(self, api: Api, method: str, path: str, body: Any = None) -> None:
        answer = await api.call(method, path, body)
        if answer.status_code not in {202, 400, 404, 409}:
            self.findings.wrong.append(f"{method} {path} answered {answer.status_code}: {answer.text}")
        self.refusals += answer.status_code != 202

    def _note(self, ends: list[Any]) -> None:
        for end in ends:
            if not isinstance(end, asyncio.CancelledError):
                self.findings.wrong.append(f"a caller gave up: {end!r}")

    async def _rest(self, service: str, watch: Watch) -> None:
        """Nobody is killed any more: all work comes to its end."""
        workers = [Worker(self.environment.settings(service, WORKERS__CONCURRENCY="8")) for _ in range(2)]
        give_up = time.monotonic() + REST_SECONDS
        while time.monotonic() < give_up and await _number(watch, OPEN):
            await asyncio.sleep(0.2)
        await reaped(*workers)

    async def _measure(self, watch: Watch) -> None:
        for operation, fence, killed_at in self.held:
            row = await (await watch.execute(NEXT_CLAIM, (operation, fence))).fetchone()
            if row and row[0] is not None:
                self.waits.append(row[0] - killed_at)
        self.ends = dict(await (await watch.execute(ENDS)).fetchall())
        self.findings.wrong += [row[0] for row in await (await watch.execute(FAILED)).fetchall()]

    async def _judge(self, service: str, when: str) -> None:
        found = await asyncio.to_thread(check, self.environment, [service])
        for mine, theirs in zip(vars(self.findings).values(), vars(found).values(), strict=True):
            mine += [f"{when}: {line}" for line in theirs]

    async def _clear(self, service: str, watch: Watch, api: Api) -> None:
        """Everything can be deleted, and then nothing is left."""
        for row in (await api.get(MANAGE)).json():
            if "delete" in row["allowedActions"]:
                await self._ask(api, "DELETE", f"{MANAGE}/{row['id']}")
        await self._rest(service, watch)
        await self._judge(service, "after all was deleted")
        left = [row for row in (await api.get(MANAGE)).json() if row["status"] != "Deleted"]
        self.findings.stuck += [f"{row['name']} is {row['status']}: {row['why']}" for row in left]
        self.findings.orphans += [f"files base/{name}" for name in files_of_nobody(self.environment)]


async def _number(watch: Watch, query: str) -> int:
    row = await (await watch.execute(query)).fetchone()
    assert row is not None
    return int(row[0])
