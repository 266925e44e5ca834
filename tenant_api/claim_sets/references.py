"""Finds applications that name a claim set which does not exist: data planes will refuse all that they ask."""

from dataclasses import dataclass

import structlog
from sqlmodel import col, exists, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.tables import DEFAULT_TENANT_ID, Application, ClaimsDocument, ClaimSet, Vendor
from tenant_api.web.state import Runtime

SHOWN = 20

APPLICATIONS_WITHOUT_CLAIM_SET = """
SELECT count(*) FROM applications a JOIN vendors v ON v.id = a.vendor_id
LEFT JOIN claims_documents own ON own.tenant_id = v.tenant_id AND NOT own.shared
WHERE NOT EXISTS (
    SELECT FROM claim_sets c
    WHERE c.tenant_id = v.tenant_id AND NOT c.shared AND c.claim_set_name = a.claim_set_name
)
AND NOT EXISTS (
    SELECT FROM claim_sets c
    WHERE c.tenant_id = 0 AND c.shared AND c.claim_set_name = a.claim_set_name AND own.tenant_id IS NULL
)
"""

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class MissingClaimSet:
    """A name without a claim set, and how many of a tenant's applications have it."""

    tenant_id: int
    claim_set_name: str
    applications: int


async def missing_claim_sets(session: AsyncSession) -> list[MissingClaimSet]:
    """Every name that leads nowhere, of all tenants."""
    named = col(ClaimSet.claim_set_name) == col(Application.claim_set_name)
    own = exists().where(col(ClaimSet.tenant_id) == col(Vendor.tenant_id), ~col(ClaimSet.shared), named)
    shared = exists().where(
        col(ClaimSet.tenant_id) == DEFAULT_TENANT_ID,
        col(ClaimSet.shared),
        named,
        col(ClaimsDocument.tenant_id).is_(None),
    )
    own_layer = (col(ClaimsDocument.tenant_id) == col(Vendor.tenant_id)) & ~col(ClaimsDocument.shared)
    names = (
        select(Vendor.tenant_id, Application.claim_set_name, func.count())
        .join(Application, col(Application.vendor_id) == col(Vendor.id))
        .outerjoin(ClaimsDocument, own_layer)
        .where(~own, ~shared)
        .group_by(col(Vendor.tenant_id), col(Application.claim_set_name))
        .order_by(col(Vendor.tenant_id), col(Application.claim_set_name))
    )
    return [MissingClaimSet(*row) for row in (await session.exec(names)).all()]


async def applications_without_claim_set(runtime: Runtime) -> int:
    """How many applications of all tenants name a claim set that does not exist."""
    async with runtime.pool.connection() as connection:
        [row] = await (await connection.execute(APPLICATIONS_WITHOUT_CLAIM_SET)).fetchall()
    return int(row["count"])


async def warn_of_missing_claim_sets(session: AsyncSession) -> None:
    """Write into the log what an operator should know; the applications stay as they are."""
    missing = await missing_claim_sets(session)
    for entry in missing[:SHOWN]:
        logger.warning(
            "claim_sets.missing",
            tenant=entry.tenant_id,
            claim_set=entry.claim_set_name,
            applications=entry.applications,
        )
    if len(missing) > SHOWN:
        logger.warning("claim_sets.missing.more", names=len(missing) - SHOWN)
