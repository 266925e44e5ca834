"""What belongs to a tenant: counted, named, and condensed into one text that changes with any of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

KINDS = (
    "managedDataStores",
    "dataStores",
    "dataStoreContexts",
    "dataStoreDerivatives",
    "vendors",
    "applications",
    "apiClients",
    "claimSets",
    "profiles",
    "clients",
)
"""Members of the wire model have the same names."""

SUMMARY = text("""
WITH applications_of_tenant AS (
    SELECT a.id, a.application_name FROM applications a JOIN vendors v ON v.id = a.vendor_id WHERE v.tenant_id = :tenant
), belongings (kind, id, name) AS (
    SELECT 'managedDataStores', id, name || ' (' || physical_name || ')' FROM managed_data_stores
    WHERE tenant_id = :tenant AND deleted_at IS NULL
    UNION ALL SELECT 'dataStores', id, name FROM data_stores WHERE tenant_id = :tenant
    UNION ALL SELECT 'dataStoreContexts', c.id, s.name || ': ' || c.context_key || '=' || c.context_value
    FROM data_store_contexts c JOIN data_stores s ON s.id = c.data_store_id WHERE s.tenant_id = :tenant
    UNION ALL SELECT 'dataStoreDerivatives', d.id, s.name || ': ' || d.derivative_type
    FROM data_store_derivatives d JOIN data_stores s ON s.id = d.data_store_id WHERE s.tenant_id = :tenant
    UNION ALL SELECT 'vendors', id, company FROM vendors WHERE tenant_id = :tenant
    UNION ALL SELECT 'applications', id, application_name FROM applications_of_tenant
    UNION ALL SELECT 'apiClients', c.id, c.name || ' (' || c.client_id || ')'
    FROM api_clients c JOIN applications_of_tenant a ON a.id = c.application_id
    UNION ALL SELECT 'claimSets', id, claim_set_name FROM claim_sets WHERE tenant_id = :tenant
    UNION ALL SELECT 'profiles', id, name FROM profiles WHERE tenant_id = :tenant
    UNION ALL SELECT 'clients', 0, client_id FROM tenant_clients WHERE tenant_id = :tenant
)
SELECT kind, count(*) AS number, (array_agg(name ORDER BY id, name))[1:100] AS names,
    encode(sha256(convert_to(
        string_agg(jsonb_build_array(id, name)::text, '' ORDER BY id, name), 'UTF8')), 'hex') AS digest
FROM belongings GROUP BY kind
""")

# In this order, so that whoever adds something waits here, or we for them; nothing is added below a locked row.
LOCKS = (
    "SELECT FROM vendors WHERE tenant_id = :tenant ORDER BY id FOR UPDATE",
    """
    SELECT FROM applications WHERE vendor_id IN (SELECT id FROM vendors WHERE tenant_id = :tenant)
    ORDER BY id FOR UPDATE
    """,
    "SELECT FROM data_stores WHERE tenant_id = :tenant ORDER BY id FOR UPDATE",
)


@dataclass(frozen=True)
class Belongings:
    """How many there are of one kind, and the names of the first hundred."""

    count: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inventory:
    """All that belongs to a tenant, by kind. `confirmation` stands for exactly that, every id and name of it."""

    contents: Mapping[str, Belongings]
    confirmation: str


async def lock_contents(session: AsyncSession, tenant_id: int) -> None:
    """Let nobody add to what belongs to a tenant until the transaction ends. The caller holds the tenant's row."""
    connection = await session.connection()
    for lock in LOCKS:
        await connection.execute(text(lock), {"tenant": tenant_id})


async def read_inventory(session: AsyncSession, tenant_id: int) -> Inventory:
    """What belongs to a tenant now, in one query."""
    connection = await session.connection()
    rows = (await connection.execute(SUMMARY, {"tenant": tenant_id})).all()
    found = {row.kind: Belongings(row.number, tuple(row.names)) for row in rows}
    digests = {row.kind: row.digest for row in rows}
    whole = f"{tenant_id} " + " ".join(f"{kind}:{digests.get(kind, '')}" for kind in KINDS)
    contents = {kind: found.get(kind, Belongings()) for kind in KINDS}
    return Inventory(contents=contents, confirmation=sha256(whole.encode()).hexdigest())
