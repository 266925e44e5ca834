"""What a tenant's claim sets stand on, read when it is needed."""

from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.claim_sets.hierarchy import NOTHING, Hierarchy
from tenant_api.claim_sets.memory import ClaimsMemory
from tenant_api.claim_sets.strategies import known_strategies


class Surroundings:
    """The hierarchy and the strategies, as the request's transaction sees them."""

    def __init__(self, session: AsyncSession, memory: ClaimsMemory, tenant_id: int) -> None:
        self._session = session
        self._memory = memory
        self._tenant_id = tenant_id

    async def hierarchy(self) -> Hierarchy:
        """The tenant's hierarchy; an empty one before anything was loaded."""
        return await self._memory.hierarchy(self._session, self._tenant_id) or NOTHING

    async def strategies(self) -> dict[str, int | None]:
        """Ids of the strategies that the tenant knows, by name."""
        return {strategy.name: strategy.id for strategy in await known_strategies(self._session, self._tenant_id)}
