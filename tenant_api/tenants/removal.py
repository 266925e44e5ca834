"""Rules about removing a tenant with all that belongs to it; knows no HTTP and no SQL."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.tables import DEFAULT_TENANT_ID, Tenant
from tenant_api.kernel.errors import ConflictError
from tenant_api.operations.repository import OperationRepository
from tenant_api.settings.tree import WorkerSettings
from tenant_api.tenants.inventory import Inventory, lock_contents, read_inventory
from tenant_api.tenants.repository import REMOVE, TenantRepository, target_of
from tenant_api.tenants.service import TenantService

CHANGED = (
    "What belongs to tenant '{name}' is not what was confirmed. "
    "Read what its removal would remove again, and confirm that."
)


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What would go with a tenant, and the job that is removing it, if one is."""

    tenant: Tenant
    inventory: Inventory
    job_id: UUID | None


class TenantRemovalService:
    """Asks first, then leaves the work to a job of the default tenant: it outlives the tenant that it removes."""

    def __init__(self, session: AsyncSession, tenants: TenantService, workers: WorkerSettings) -> None:
        self._session = session
        self._tenants = tenants
        self._workers = workers

    async def describe(self, tenant_id: int) -> Removal:
        """What would go now; NotFoundError, ConflictError for the default tenant."""
        self._tenants.refuse_default(tenant_id)
        return Removal(
            tenant=await self._tenants.get(tenant_id),
            inventory=await read_inventory(self._session, tenant_id),
            job_id=await TenantRepository(self._session).removal_of(tenant_id),
        )

    async def accept(self, tenant_id: int, confirmation: str) -> UUID:
        """Suspend the tenant and enqueue its removal, both or neither; answers the id of the job.

        ConflictError for the default tenant, one that is being removed, and one of which something was added, changed
        or deleted since `confirmation` was given.
        """
        tenant = await self._tenants.changeable(tenant_id)
        await lock_contents(self._session, tenant_id)
        if (await read_inventory(self._session, tenant_id)).confirmation != confirmation:
            raise ConflictError(CHANGED.format(name=tenant.name))
        await self._tenants.suspend(tenant_id, suspended=True)
        operations = OperationRepository(self._session, DEFAULT_TENANT_ID)
        return await operations.enqueue(
            REMOVE,
            target_of(tenant_id),
            deadline=timedelta(seconds=self._workers.operation_deadline_seconds),
            max_attempts=self._workers.max_attempts,
        )
