"""Tenants by name, as requests address them."""

from dataclasses import dataclass

from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg_pool import AsyncConnectionPool


@dataclass(frozen=True)
class KnownTenant:
    """A tenant's id and its name as it was created."""

    id: int
    name: str


class TenantDirectory:
    """Tenants by name. Remembers the ones it found: names and ids never change."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[DictRow]]) -> None:
        self._pool = pool
        self._known: dict[str, KnownTenant] = {}

    async def find(self, name: str) -> KnownTenant | None:
        """The tenant of that name, in any case."""
        if known := self._known.get(name.lower()):
            return known
        async with self._pool.connection() as connection:
            cursor = await connection.execute("SELECT id, name FROM tenants WHERE lower(name) = lower(%s)", (name,))
            row = await cursor.fetchone()
        if row is None:
            return None
        return self._known.setdefault(name.lower(), KnownTenant(id=row["id"], name=row["name"]))
