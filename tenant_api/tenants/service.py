"""Rules about tenants; knows no HTTP and no SQL."""

from collections.abc import Sequence

from tenant_api.db.listing import ListQuery
from tenant_api.db.tables import Tenant
from tenant_api.kernel.errors import NotFoundError
from tenant_api.tenants.repository import TenantRepository
from tenant_api.tenants.schemas import TenantCreate


class TenantService:
    """Tenants are made and shown, never changed: everything else hangs on them."""

    def __init__(self, tenants: TenantRepository) -> None:
        self._tenants = tenants

    async def page(self, query: ListQuery) -> Sequence[Tenant]:
        """A list as asked for."""
        return await self._tenants.page(query)

    async def get(self, tenant_id: int) -> Tenant:
        """One tenant; NotFoundError."""
        tenant = await self._tenants.find(tenant_id)
        if tenant is None:
            raise NotFoundError(f"Tenant {tenant_id} not found. It may have been recently deleted.")
        return tenant

    async def create(self, wanted: TenantCreate) -> Tenant:
        """A new tenant with nothing in it; DataError if its name is taken."""
        tenant = Tenant(name=wanted.name or "")
        await self._tenants.add(tenant)
        return tenant
