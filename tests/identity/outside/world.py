"""A service beside an outside provider, and what both hold of a client."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from idp_providers.contract import ClientClaims, ClientSpec, ClientState
from idp_providers.memory import Fault, MemoryProvider
from tenant_api.connect.bootstrap import bootstrap
from tenant_api.identity.sweeper import sweep
from tenant_api.plugins.claims import CLAIMS, claims_from, wanted_clients
from tenant_api.worker import run_worker
from tests.api import bodies
from tests.api.service import Api, serving
from tests.engine.jobs import until

Credential = dict[str, Any]
KEYS = "SELECT client_id FROM api_clients"
QUICK = {"WORKERS__POLL_SECONDS": "0.05", "IDP__TIMEOUT_SECONDS": "2"}
FAKE = {"IDP__NAME": "memory", "IDP__SETTINGS__ALGORITHM": "ES256"}
"""To make a key of another algorithm takes longer than all else at the start."""
# How long a call may still have its effect is told by the clock; the test moves it.
DOUBTS_END = """
UPDATE identity_intents SET doubtful_until = now(), run_after = now()
WHERE doubtful_until > now() AND held_until IS NULL AND error IS NULL RETURNING 1
"""


@dataclass(frozen=True)
class World:
    api: Api

    @property
    def provider(self) -> MemoryProvider:
        return cast("MemoryProvider", self.api.runtime.idp)

    def fail(self, method: str, *faults: Fault) -> None:
        self.provider.faults.plan(method, *faults)

    def at_provider(self) -> dict[str, ClientClaims]:
        """The clients of applications there, and what their tokens say."""
        return {key: state.claims for key, state in self.provider.held.items() if state.claims is not None}

    async def in_rows(self) -> dict[str, ClientClaims]:
        keys = [row["client_id"] for row in await self.rows(KEYS)]
        return {row["client_id"]: claims_from(row) for row in await self.rows(CLAIMS, keys)}

    async def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        async with self.api.runtime.pool.connection() as connection:
            return await (await connection.execute(query, parameters or None)).fetchall()

    async def intents(self) -> list[dict[str, Any]]:
        return await self.rows("SELECT * FROM identity_intents ORDER BY client_id")

    async def jobs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.api.get("/v3/jobs")).json()
        return [job for job in found if job["kind"] == "identity.sync"]

    async def vendor(self, **changes: Any) -> int:
        return await self.api.made("/v3/vendors", bodies.vendor(**changes))

    async def application(self, vendor_id: int, **changes: Any) -> Credential:
        answer = await self.api.post("/v3/applications", bodies.application(vendor_id, **changes))
        assert answer.status_code == 201, answer.text
        credential: Credential = answer.json()
        return credential

    async def job(self, answer: Any) -> dict[str, Any]:
        """The job that an answer names, as it is now."""
        assert answer.status_code < 300, answer.text
        found: dict[str, Any] = (await self.api.get(answer.headers["operation-location"])).json()
        return found

    async def ended(self, answer: Any) -> dict[str, Any]:
        """The job that an answer names, at its end."""
        assert answer.status_code < 300, answer.text
        return await self.end_of(answer.headers["operation-location"])

    async def end_of(self, address: str) -> dict[str, Any]:
        """A job at its end, which a worker brings about."""

        async def has_ended() -> bool:
            return (await self.api.get(address)).json()["status"] not in {"Pending", "InProgress"}

        async with self.working():
            await until(has_ended)
        found: dict[str, Any] = (await self.api.get(address)).json()
        return found

    async def brought_in_line(self, seconds: float = 30, *, doubts_end: bool = True) -> None:
        """Workers and sweepers have done what there was to do; without `doubts_end` late calls are waited for."""

        async def is_done() -> bool:
            if doubts_end:
                await self.rows(DOUBTS_END)
            await sweep(self.api.runtime)
            return not await self.intents()

        async with self.working():
            await until(is_done, seconds=seconds)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """While a worker works."""
        stop = asyncio.Event()
        worker = asyncio.create_task(run_worker(self.api.runtime, stop))
        try:
            yield
        finally:
            stop.set()
            await worker

    async def assert_agreement(self) -> None:
        """Exactly the clients of the rows, with exactly their names, roles, scopes and claims; all of them enabled."""
        keys = [row["client_id"] for row in await self.rows(KEYS)]
        async with self.api.runtime.pool.connection() as connection:
            wanted = await wanted_clients(connection, keys, role=self.api.runtime.settings.identity.client_role)
        held = {key: state for key, state in self.provider.held.items() if state.claims is not None}
        assert {key: _seen(state) for key, state in held.items()} == {key: _seen(spec) for key, spec in wanted.items()}


def _seen(client: ClientState | ClientSpec) -> tuple[object, ...]:
    return client.display_name, client.role, client.scopes, client.enabled, client.claims


@asynccontextmanager
async def outside(url: str, **settings: str | bool) -> AsyncIterator[World]:
    chosen: Mapping[str, str | bool] = {**QUICK, **({} if "IDP__NAME" in settings else FAKE), **settings}
    async with serving(url, **chosen) as api:
        await bootstrap(api.runtime.idp, api.runtime.settings.identity.clients)
        yield World(api)
