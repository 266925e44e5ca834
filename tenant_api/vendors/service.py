"""Rules about vendors; knows no HTTP and no SQL."""

from tenant_api.api_clients.issuing import Issuing
from tenant_api.api_clients.locking import ApplicationLocks
from tenant_api.api_clients.repository import ApiClientRepository
from tenant_api.db.listing import ListQuery
from tenant_api.db.pages import Page
from tenant_api.db.tables import Vendor
from tenant_api.identity.clients import clients_of_vendor
from tenant_api.kernel.errors import NotFoundError
from tenant_api.vendors.repository import VendorRepository
from tenant_api.vendors.schemas import VendorCreate, VendorReplace


class VendorService:
    """Vendors of the addressed tenant. Every change is in the next token of each of their clients."""

    def __init__(
        self,
        vendors: VendorRepository,
        clients: ApiClientRepository,
        locks: ApplicationLocks,
        issuing: Issuing,
    ) -> None:
        self._vendors = vendors
        self._clients = clients
        self._locks = locks
        self._issuing = issuing

    async def page(self, query: ListQuery) -> Page[Vendor]:
        """A list as asked for."""
        return await self._vendors.page(query)

    async def get(self, vendor_id: int) -> Vendor:
        """One vendor; NotFoundError."""
        return _there(await self._vendors.find(vendor_id), vendor_id)

    async def put(self, wanted: VendorCreate) -> tuple[int, bool]:
        """Create, or replace the vendor of the same company; answers its id and whether it is new."""
        vendor_id, is_new = await self._vendors.put(
            company=wanted.company or "",
            contact_name=wanted.contact_name,
            contact_email_address=wanted.contact_email_address,
            namespace_prefixes=wanted.prefixes(),
        )
        if not is_new:
            await self._issuing.changed(clients_of_vendor(vendor_id))
        return vendor_id, is_new

    async def replace(self, vendor_id: int, wanted: VendorReplace) -> None:
        """Bring a vendor to the wanted state; DataError if another one has that company."""
        vendor = _there(await self._vendors.lock(vendor_id), vendor_id)
        vendor.company = wanted.company or ""
        vendor.contact_name = wanted.contact_name
        vendor.contact_email_address = wanted.contact_email_address
        vendor.namespace_prefixes = wanted.prefixes()
        await self._vendors.save()
        await self._issuing.changed(clients_of_vendor(vendor_id))

    async def remove(self, vendor_id: int) -> None:
        """Delete a vendor, its applications, and their clients at the identity provider."""
        _there(await self._vendors.lock(vendor_id), vendor_id)
        keys = await self._clients.keys_of(await self._locks.exclusive_of_vendor(vendor_id))
        await self._vendors.remove(vendor_id)
        await self._issuing.delete(keys)


def vendor_not_found(vendor_id: int) -> NotFoundError:
    """What the contract says about a vendor that is not there, or is another tenant's."""
    return NotFoundError(f"Vendor {vendor_id} not found. It may have been recently deleted.")


def _there(vendor: Vendor | None, vendor_id: int) -> Vendor:
    if vendor is None:
        raise vendor_not_found(vendor_id)
    return vendor
