"""Tenants by name, as requests address them."""

import asyncio
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg_pool import AsyncConnectionPool

from idp_providers.batching import CoalescedReader
from tenant_api.db.tables import DEFAULT_TENANT_NAME
from tenant_api.kernel import lengths

FRESH_SECONDS = 0.5
"""How long a process believes what it read, and therefore how long a change of a tenant takes to be answered."""
MOST = 100_000
OWNERS = """
SELECT api_clients.client_id, tenants.id
FROM api_clients
JOIN applications ON applications.id = api_clients.application_id
JOIN vendors ON vendors.id = applications.vendor_id
JOIN tenants ON tenants.id = vendors.tenant_id
WHERE api_clients.client_id = ANY(%s) AND NOT tenants.suspended
"""
POSSIBLE = re.compile(rf"[a-z0-9_-]{{1,{lengths.TENANT_NAME}}}|{re.escape(DEFAULT_TENANT_NAME)}")


@dataclass(frozen=True)
class KnownTenant:
    """A tenant's id and its name as it is spelt."""

    id: int
    name: str


class TenantDirectory:
    """Tenants that are served, by name.

    A busy tenant costs no query per request: what was found is believed for `FRESH_SECONDS`. Nobody is misled by
    that, because whoever changes a tenant waits as long before answering (`settled`), so that no process of the
    installation believes any more what was true before. Names that are not known share one query at a time, and
    texts that cannot be a name cost none.
    """

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[DictRow]]) -> None:
        self._pool = pool
        self._known: dict[str, tuple[KnownTenant, float]] = {}
        self._reader = CoalescedReader(self._read)
        self._owners = CoalescedReader(self._read_owners)
        self._settled_at = 0.0

    async def find(self, name: str) -> KnownTenant | None:
        """The tenant of that name in any case, unless it is suspended."""
        key = name.lower()
        known = self._known.get(key)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        if not POSSIBLE.fullmatch(key):
            return None
        until = time.monotonic() + FRESH_SECONDS
        found = await self._reader.read(key)
        if found is None:
            self._known.pop(key, None)
        else:
            self._remember(key, found, until)
        return found

    async def owner(self, key: str) -> int | None:
        """The id of the tenant whose API client has that key as of now, unless it is suspended."""
        return await self._owners.read(key)

    def changed(self) -> None:
        """Note that a change of a tenant was committed just now."""
        self._settled_at = time.monotonic() + FRESH_SECONDS

    async def settled(self) -> None:
        """Wait until no process believes what was true before the last change; at most `FRESH_SECONDS`."""
        await asyncio.sleep(max(0.0, self._settled_at - time.monotonic()))

    def _remember(self, key: str, found: KnownTenant, until: float) -> None:
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[key] = (found, until)

    async def _read(self, keys: Collection[str]) -> Mapping[str, KnownTenant]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT id, name FROM tenants WHERE lower(name) = ANY(%s) AND NOT suspended",
                (list(keys),),
                prepare=True,
            )
            rows = await cursor.fetchall()
        return {row["name"].lower(): KnownTenant(id=row["id"], name=row["name"]) for row in rows}

    async def _read_owners(self, keys: Collection[str]) -> Mapping[str, int]:
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(OWNERS, (list(keys),), prepare=True)).fetchall()
        return {row["client_id"]: row["id"] for row in rows}
