"""Rules about tenants; knows no HTTP and no SQL."""

from tenant_api.api_clients.issuing import Issuing
from tenant_api.db.listing import ListQuery
from tenant_api.db.pages import Page
from tenant_api.db.tables import DEFAULT_TENANT_ID, Tenant
from tenant_api.identity.clients import clients_of_tenant
from tenant_api.kernel.errors import ConflictError, DependentItemExistsError, NotFoundError
from tenant_api.tenants.repository import TenantRepository
from tenant_api.tenants.schemas import TenantCreate, TenantReplace
from tenant_api.web.directory import TenantDirectory


class TenantService:
    """Tenants. A suspended one is not served: its name leads nowhere, its clients get no tokens; nothing is lost."""

    def __init__(self, tenants: TenantRepository, directory: TenantDirectory, issuing: Issuing) -> None:
        self._tenants = tenants
        self._issuing = issuing
        self._directory = directory

    async def page(self, query: ListQuery) -> Page[Tenant]:
        """A list as asked for."""
        return await self._tenants.page(query)

    async def get(self, tenant_id: int) -> Tenant:
        """One tenant; NotFoundError."""
        tenant = await self._tenants.find(tenant_id)
        return _there(tenant, tenant_id)

    async def create(self, wanted: TenantCreate) -> Tenant:
        """A new tenant with nothing in it; DataError if its name is taken."""
        tenant = Tenant(name=wanted.name or "")
        await self._tenants.add(tenant)
        return tenant

    async def replace(self, tenant_id: int, wanted: TenantReplace) -> None:
        """Rename a tenant; DataError if the name is taken. What belongs to it stays where it is."""
        tenant = await self.changeable(tenant_id)
        tenant.name = wanted.name or ""
        await self._tenants.save()

    async def suspend(self, tenant_id: int, *, suspended: bool) -> None:
        """Stop or resume serving a tenant. Tokens that were granted stay valid until they expire."""
        tenant = await self.changeable(tenant_id)
        tenant.suspended = suspended
        await self._tenants.save()
        await self._issuing.changed(clients_of_tenant(tenant_id))

    async def remove(self, tenant_id: int) -> None:
        """Delete a tenant in which nothing is left but its history; DependentItemExistsError names what is."""
        tenant = await self.changeable(tenant_id)
        if contents := await self._tenants.contents(tenant_id):
            raise DependentItemExistsError(
                f"Tenant '{tenant.name}' still has {', '.join(contents)}. Remove these first."
            )
        await self._tenants.remove(tenant_id)

    async def changeable(self, tenant_id: int) -> Tenant:
        """One tenant that nobody else changes until the transaction ends, when the directory hears of it.

        NotFoundError; ConflictError for the default tenant and for one that is being removed.
        """
        self.refuse_default(tenant_id)
        tenant = _there(await self._tenants.lock(tenant_id), tenant_id)
        if job_id := await self._tenants.removal_of(tenant_id):
            raise ConflictError(f"Tenant '{tenant.name}' is being removed by job {job_id}.")
        self._tenants.on_commit(self._directory.changed)
        return tenant

    @staticmethod
    def refuse_default(tenant_id: int) -> None:
        """ConflictError for the tenant that is always there."""
        if tenant_id == DEFAULT_TENANT_ID:
            raise ConflictError("The default tenant cannot be changed.")


def _there(tenant: Tenant | None, tenant_id: int) -> Tenant:
    if tenant is None:
        raise NotFoundError(f"Tenant {tenant_id} not found. It may have been recently deleted.")
    return tenant
