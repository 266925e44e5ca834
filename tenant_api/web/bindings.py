"""Which clients act for one tenant alone, where the settings ask for that."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg_pool import AsyncConnectionPool

from idp_providers.batching import CoalescedReader

BINDINGS = """
SELECT asked, coalesce(bound.tenant_id, vendors.tenant_id) AS tenant_id
FROM unnest(%s::text[]) AS asked
LEFT JOIN tenant_clients AS bound ON lower(bound.client_id) = lower(asked)
LEFT JOIN api_clients ON api_clients.client_id = asked
LEFT JOIN applications ON applications.id = api_clients.application_id
LEFT JOIN vendors ON vendors.id = applications.vendor_id
WHERE bound.client_id IS NOT NULL OR vendors.id IS NOT NULL
"""


@dataclass(frozen=True)
class Binding:
    """The tenant of a client; None when it is gone or was never there, and then the client may do nothing."""

    tenant_id: int | None

    def allows(self, addressed: int | None) -> bool:
        """Whether a request about that tenant, or about none, is the client's to make."""
        return self.tenant_id is not None and self.tenant_id == addressed


class ClientBindings:
    """Bindings by client id, as committed when the call began; concurrent calls share one query.

    They are looked up and not written into tokens, so that a new binding holds for tokens that were granted before
    it, whatever identity provider signed them.
    """

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[DictRow]]) -> None:
        self._pool = pool
        self._reader = CoalescedReader(self._read)

    async def of(self, client_id: str) -> Binding | None:
        """The binding of a client of the service, or of an application's client to its vendor's tenant.

        None for a client of the service that may address every tenant.
        """
        return await self._reader.read(client_id)

    async def _read(self, client_ids: Collection[str]) -> Mapping[str, Binding]:
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(BINDINGS, (list(client_ids),), prepare=True)).fetchall()
        return {row["asked"]: Binding(row["tenant_id"]) for row in rows}
