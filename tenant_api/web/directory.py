"""Tenants by name, as requests address them."""

import time
from dataclasses import dataclass

from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg_pool import AsyncConnectionPool

FRESH_SECONDS = 1.0
MOST = 100_000


@dataclass(frozen=True)
class KnownTenant:
    """A tenant's id and its name as it is spelt."""

    id: int
    name: str


class TenantDirectory:
    """Tenants that are served, by name.

    What it found it believes for a second, so that a busy tenant costs no query per request and a renamed,
    suspended or deleted one is gone everywhere soon after; where the change was made, `forget` makes it at once.
    """

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[DictRow]]) -> None:
        self._pool = pool
        self._known: dict[str, tuple[KnownTenant, float]] = {}
        self._changes = 0

    async def find(self, name: str) -> KnownTenant | None:
        """The tenant of that name in any case, unless it is suspended."""
        known = self._known.get(name.lower())
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        changes, until = self._changes, time.monotonic() + FRESH_SECONDS
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT id, name FROM tenants WHERE lower(name) = lower(%s) AND NOT suspended", (name,)
            )
            row = await cursor.fetchone()
        if row is None:
            self._known.pop(name.lower(), None)
            return None
        found = KnownTenant(id=row["id"], name=row["name"])
        if changes == self._changes:
            self._remember(name.lower(), found, until)
        return found

    def forget(self) -> None:
        """Ask the database again: a tenant was changed. A look-up that is under way is not remembered."""
        self._changes += 1
        self._known.clear()

    def _remember(self, name: str, found: KnownTenant, until: float) -> None:
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[name] = (found, until)
