"""Rules about API clients; knows no HTTP and no SQL."""

import re
from typing import NamedTuple

from tenant_api.api_clients.issuing import Issuing
from tenant_api.api_clients.locking import ApplicationLocks
from tenant_api.api_clients.reach import ReachingClient
from tenant_api.api_clients.repository import ApiClientRepository
from tenant_api.api_clients.schemas import ApiClientCreate, ApiClientReplace
from tenant_api.data_stores.repository import DataStoreRepository
from tenant_api.db.listing import ListQuery
from tenant_api.db.pages import Page
from tenant_api.db.tables import ApiClient
from tenant_api.identity.clients import client_of
from tenant_api.kernel.errors import ConcurrentModificationError, NotFoundError, UnresolvedReferenceError

_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ID = re.compile(r"[0-9]{1,10}")
_INT32 = 2**31


class Issued(NamedTuple):
    """An API client and its new secret."""

    client: ApiClient
    secret: str


class ApiClientService:
    """API clients of the addressed tenant. A change is in the client's next token."""

    def __init__(
        self, clients: ApiClientRepository, locks: ApplicationLocks, stores: DataStoreRepository, issuing: Issuing
    ) -> None:
        self._clients = clients
        self._locks = locks
        self._stores = stores
        self._issuing = issuing

    async def page(self, query: ListQuery) -> Page[ReachingClient]:
        """A list as asked for."""
        return await self._clients.page(query)

    async def get(self, key_or_id: str) -> ReachingClient:
        """One API client by its key or its id; NotFoundError."""
        if _KEY.fullmatch(key_or_id):
            return _there(await self._clients.find_by_key(key_or_id))
        is_id = _ID.fullmatch(key_or_id) and int(key_or_id) < _INT32
        return _there(await self._clients.find(int(key_or_id)) if is_id else None)

    async def create(self, wanted: ApiClientCreate) -> Issued:
        """A new API client and its secret; UnresolvedReferenceError."""
        data_store_ids = wanted.distinct_data_store_ids()
        if await self._locks.shared(wanted.application_id) is None:
            raise _no_application(wanted.application_id)
        await self._require_data_stores(data_store_ids)
        client = await self._clients.add(
            application_id=wanted.application_id,
            name=wanted.name or "",
            is_approved=wanted.is_approved,
            data_store_ids=data_store_ids,
        )
        return Issued(client, await self._issuing.create(client.client_id))

    async def replace(self, api_client_id: int, wanted: ApiClientReplace) -> None:
        """Bring an API client to the wanted state, also below another application of the tenant."""
        data_store_ids = wanted.distinct_data_store_ids()
        client = await self._locked(api_client_id, wanted.application_id)
        await self._require_data_stores(data_store_ids)
        client.row.application_id = wanted.application_id
        client.row.name = wanted.name or ""
        client.row.is_approved = wanted.is_approved
        await self._clients.unlink([api_client_id], set(client.data_store_ids) - set(data_store_ids))
        await self._clients.link([api_client_id], set(data_store_ids) - set(client.data_store_ids))
        await self._issuing.changed(client_of(api_client_id))

    async def reset(self, api_client_id: int) -> Issued:
        """A new secret for the same key; the old one stops working at once."""
        client = await self._locked(api_client_id)
        return Issued(client.row, await self._issuing.renew(client.row.client_id))

    async def remove(self, api_client_id: int) -> None:
        """Delete an API client, here and at the identity provider."""
        client = await self._locked(api_client_id)
        await self._clients.remove(api_client_id)
        await self._issuing.delete([client.row.client_id])

    async def _locked(self, api_client_id: int, wanted_application_id: int | None = None) -> ReachingClient:
        """The API client while its application, and the one where it shall go, are locked."""
        seen = _there(await self._clients.find(api_client_id))
        wanted = wanted_application_id or seen.row.application_id
        locked = await self._locks.exclusive({seen.row.application_id, wanted})
        client = _there(await self._clients.find(api_client_id))
        if client.row.application_id not in locked:
            raise ConcurrentModificationError
        if wanted not in locked:
            raise _no_application(wanted)
        return client

    async def _require_data_stores(self, data_store_ids: list[int]) -> None:
        if missing := await self._stores.missing(data_store_ids):
            listed = ", ".join(map(str, missing))
            raise UnresolvedReferenceError(f"The following DataStoreIds were not found in database: {listed}")


def _there(client: ReachingClient | None) -> ReachingClient:
    if client is None:
        raise NotFoundError("ApiClient not found")
    return client


def _no_application(application_id: int) -> UnresolvedReferenceError:
    return UnresolvedReferenceError(f"Application with ID {application_id} not found.")
