"""What the tokens of applications' clients say, read for many clients at once and never cached.

A change that was answered is in the next token (contract section 1.10): each read begins after the calls that
wait for it, so there is nothing to invalidate.
"""

from collections.abc import Collection, Mapping
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from idp_providers.batching import CoalescedReader
from idp_providers.contract import ClientClaims, ClientSpec
from tenant_api.web.state import Pool

CLAIMS = """
SELECT c.client_id, c.is_approved AND NOT t.suspended AS is_approved, a.application_name,
       a.claim_set_name, a.education_organization_ids, v.namespace_prefixes,
       ARRAY(SELECT s.data_store_id FROM api_client_data_stores s
             WHERE s.api_client_id = c.id ORDER BY s.data_store_id) AS data_store_ids
FROM api_clients c
JOIN applications a ON a.id = c.application_id
JOIN vendors v ON v.id = a.vendor_id
JOIN tenants t ON t.id = v.tenant_id
WHERE c.client_id = ANY(%s)
"""


class ClaimsReader:
    """Claims by client id, as committed when the call began."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reader = CoalescedReader(self._read)

    async def of(self, client_id: str) -> ClientClaims | None:
        """The claims of an application's client, or None for any other client."""
        return await self._reader.read(client_id)

    async def _read(self, client_ids: Collection[str]) -> Mapping[str, ClientClaims]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(CLAIMS, (list(client_ids),), prepare=True)
            rows = await cursor.fetchall()
        return {row["client_id"]: claims_from(row) for row in rows}


async def wanted_clients(
    connection: AsyncConnection[Any], client_ids: Collection[str], *, role: str
) -> dict[str, ClientSpec]:
    """What the provider should hold of these clients, as this connection sees the rows; none where there is no row.

    Whether a client is approved is one of its claims: it stays enabled as such.
    """
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(CLAIMS, (list(client_ids),))
        return {row["client_id"]: _client_from(row, role) for row in await cursor.fetchall()}


def _client_from(row: Mapping[str, Any], role: str) -> ClientSpec:
    claims = claims_from(row)
    return ClientSpec(
        client_id=row["client_id"], display_name=claims.display_name, role=role, scopes=claims.scopes, claims=claims
    )


def claims_from(row: Mapping[str, Any]) -> ClientClaims:
    """A row of `CLAIMS` in the providers' terms."""
    return ClientClaims(
        scopes=(row["claim_set_name"],),
        namespace_prefixes=tuple(row["namespace_prefixes"]),
        education_organization_ids=tuple(sorted(row["education_organization_ids"])),
        data_store_ids=tuple(row["data_store_ids"]),
        approved=row["is_approved"],
        display_name=row["application_name"],
    )
