"""Authorization strategies: what each tenant knows of them."""

from collections.abc import Sequence

from sqlalchemy import or_
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.claim_sets.layer import documents_behind
from tenant_api.db.tables import AuthorizationStrategy, ClaimsDocument

STANDARD = 13
"""The contract's strategies have the ids up to this one (section 1.17)."""


async def known_strategies(session: AsyncSession, tenant_id: int) -> Sequence[AuthorizationStrategy]:
    """The standard ones, and those that the shared document or the tenant's own names, by id."""
    brought = select(func.unnest(col(ClaimsDocument.strategies))).where(documents_behind(tenant_id))
    known = or_(col(AuthorizationStrategy.id) <= STANDARD, col(AuthorizationStrategy.name).in_(brought))
    statement = select(AuthorizationStrategy).where(known).order_by(col(AuthorizationStrategy.id))
    return (await session.exec(statement)).all()
