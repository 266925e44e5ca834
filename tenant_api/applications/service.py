"""Rules about applications; knows no HTTP and no SQL."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tenant_api.api_clients.issuing import Issuing
from tenant_api.api_clients.locking import ApplicationLocks
from tenant_api.api_clients.reach import ReachingClient
from tenant_api.api_clients.repository import ApiClientRepository
from tenant_api.applications.overview import ApplicationOverview
from tenant_api.applications.repository import ApplicationRepository
from tenant_api.applications.schemas import ApplicationCreate, ApplicationReplace
from tenant_api.data_stores.repository import DataStoreRepository
from tenant_api.data_stores.service import data_store_not_found
from tenant_api.db.listing import ListQuery
from tenant_api.db.pages import Page
from tenant_api.db.tables import Application
from tenant_api.identity.clients import clients_of_application
from tenant_api.kernel.errors import NotFoundError, UnresolvedReferenceError
from tenant_api.profiles.repository import ProfileRepository
from tenant_api.vendors.repository import VendorRepository
from tenant_api.vendors.service import vendor_not_found


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What an application's owner needs; the secret is shown once."""

    application_id: int
    key: str
    secret: str = field(repr=False)


class Neighbours(NamedTuple):
    """What applications refer to and what refers to them, in the same tenant and transaction."""

    vendors: VendorRepository
    stores: DataStoreRepository
    profiles: ProfileRepository
    clients: ApiClientRepository
    locks: ApplicationLocks


class ApplicationService:
    """Applications of the addressed tenant. A change is in the next token of each of their clients."""

    def __init__(self, applications: ApplicationRepository, neighbours: Neighbours, issuing: Issuing) -> None:
        self._applications = applications
        self._vendors, self._stores, self._profiles, self._clients, self._locks = neighbours
        self._issuing = issuing

    async def page(self, query: ListQuery) -> Page[ApplicationOverview]:
        """A list as asked for."""
        return await self._applications.page(query)

    async def of_vendor(self, vendor_id: int, query: ListQuery) -> Page[ApplicationOverview]:
        """The applications of a vendor; NotFoundError if that is not there."""
        if await self._vendors.find(vendor_id) is None:
            raise vendor_not_found(vendor_id)
        return await self._applications.of_vendor(vendor_id, query)

    async def of_data_store(self, data_store_id: int, query: ListQuery) -> Page[ApplicationOverview]:
        """The applications that may reach a data store; NotFoundError if that is not there."""
        if await self._stores.find(data_store_id) is None:
            raise data_store_not_found(data_store_id)
        return await self._applications.of_data_store(data_store_id, query)

    async def get(self, application_id: int) -> ApplicationOverview:
        """One application; NotFoundError."""
        application = await self._applications.find(application_id)
        if application is None:
            raise _not_found()
        return application

    async def create(self, wanted: ApplicationCreate) -> Credential:
        """A new application with its first credential; UnresolvedReferenceError, DataError if its name is taken."""
        await self._require_vendor(wanted.vendor_id)
        data_store_ids = await self._resolved_data_stores(wanted)
        profile_ids = await self._resolved_profiles(wanted)
        application = Application(**_members(wanted))
        await self._applications.add(application)
        assert application.id is not None
        if profile_ids:
            await self._profiles.assign(application.id, profile_ids)
        client = await self._clients.add(
            application_id=application.id,
            name=application.application_name,
            is_approved=True,
            data_store_ids=data_store_ids,
        )
        secret = await self._issuing.create(client.client_id, with_application=True)
        return Credential(application_id=application.id, key=client.client_id, secret=secret)

    async def replace(self, application_id: int, wanted: ApplicationReplace) -> None:
        """Bring an application to the wanted state.

        Its data stores are those that any of its clients may reach: one that is new is given to every client, one
        that is gone is taken from every client, the rest stays as it is with each.
        """
        application = await self._locked(application_id)
        clients = await self._clients_of(application_id)
        if wanted.vendor_id != application.vendor_id:
            await self._require_vendor(wanted.vendor_id)
        after = await self._resolved_data_stores(wanted)
        profile_ids = await self._resolved_profiles(wanted)
        application.sqlmodel_update(_members(wanted))
        await self._applications.save(application)
        await self._profiles.assign(application_id, profile_ids)
        before = {data_store_id for client in clients for data_store_id in client.data_store_ids}
        client_ids = [client.row.id for client in clients if client.row.id is not None]
        await self._clients.unlink(client_ids, before - after)
        await self._clients.link(client_ids, after - before)
        await self._issuing.changed(clients_of_application(application_id))

    async def reset(self, application_id: int) -> Credential:
        """A new secret for the oldest credential; the old one stops working at once."""
        await self._locked(application_id)
        oldest = (await self._clients_of(application_id))[0].row
        secret = await self._issuing.renew(oldest.client_id)
        return Credential(application_id=application_id, key=oldest.client_id, secret=secret)

    async def remove(self, application_id: int) -> None:
        """Delete an application and its API clients, here and at the identity provider."""
        await self._locked(application_id)
        keys = await self._clients.keys_of([application_id])
        await self._applications.remove(application_id)
        await self._issuing.delete(keys)

    async def _locked(self, application_id: int) -> Application:
        locked = await self._locks.exclusive([application_id])
        if application_id not in locked:
            raise _not_found()
        return locked[application_id]

    async def _clients_of(self, application_id: int) -> list[ReachingClient]:
        """At least one: the contract takes an application without any for one that is not there."""
        clients = await self._clients.of_application(application_id)
        if not clients:
            raise _not_found()
        return clients

    async def _require_vendor(self, vendor_id: int) -> None:
        if not await self._vendors.hold(vendor_id):
            raise UnresolvedReferenceError("Reference 'VendorId' does not exist.")

    async def _resolved_data_stores(self, wanted: ApplicationCreate) -> set[int]:
        data_store_ids = set(wanted.data_store_ids or ())
        if await self._stores.missing(data_store_ids):
            raise UnresolvedReferenceError("Data store does not exist.")
        return data_store_ids

    async def _resolved_profiles(self, wanted: ApplicationCreate) -> set[int]:
        profile_ids = set(wanted.profile_ids or ())
        if await self._profiles.missing(profile_ids):
            raise UnresolvedReferenceError("Profile does not exist.")
        return profile_ids


def _members(wanted: ApplicationCreate) -> dict[str, Any]:
    return {
        "application_name": wanted.application_name or "",
        "vendor_id": wanted.vendor_id,
        "claim_set_name": wanted.claim_set_name or "",
        "education_organization_ids": sorted(set(wanted.education_organization_ids or ())),
    }


def _not_found() -> NotFoundError:
    return NotFoundError("Application not found")
