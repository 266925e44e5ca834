"""Authorization strategies: the same for every tenant."""

from collections.abc import Sequence

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.tables import AuthorizationStrategy


async def all_strategies(session: AsyncSession) -> Sequence[AuthorizationStrategy]:
    """Every known strategy, by id."""
    return (await session.exec(select(AuthorizationStrategy).order_by(col(AuthorizationStrategy.id)))).all()
