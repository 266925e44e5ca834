"""Rules about data stores; knows no HTTP and no SQL."""

from tenant_api.api_clients.issuing import Issuing
from tenant_api.data_stores.connection_strings import ConnectionStrings
from tenant_api.data_stores.overview import DataStoreOverview
from tenant_api.data_stores.repository import DataStoreRepository
from tenant_api.data_stores.schemas import DataStoreCreate, DataStoreReplace
from tenant_api.db.listing import ListQuery
from tenant_api.db.pages import Page
from tenant_api.db.tables import DataStore
from tenant_api.identity.clients import clients_reaching
from tenant_api.kernel.errors import ConflictError, NotFoundError


class DataStoreService:
    """Data stores of the addressed tenant. The service never opens the databases behind them."""

    def __init__(self, stores: DataStoreRepository, connection_strings: ConnectionStrings, issuing: Issuing) -> None:
        self._stores = stores
        self._issuing = issuing
        self._connection_strings = connection_strings

    async def page(self, query: ListQuery) -> Page[DataStoreOverview]:
        """A list as asked for."""
        return await self._stores.page(query)

    async def get(self, data_store_id: int) -> DataStoreOverview:
        """One data store; NotFoundError."""
        store = await self._stores.find(data_store_id)
        if store is None:
            raise data_store_not_found(data_store_id)
        return store

    async def create(self, wanted: DataStoreCreate) -> DataStore:
        """A new data store. Neither name nor type need be unique."""
        store = await self._stores.new(name=wanted.name or "", data_store_type=wanted.data_store_type or "")
        self._connection_strings.put(store, wanted.connection_string)
        await self._stores.add(store)
        return store

    async def replace(self, data_store_id: int, wanted: DataStoreReplace) -> None:
        """Bring a data store to the wanted state; ConflictError for the data store of a managed one."""
        store = await self._changeable(data_store_id)
        store.data_store_type = wanted.data_store_type or ""
        store.name = wanted.name or ""
        self._connection_strings.put(store, wanted.connection_string)

    async def remove(self, data_store_id: int) -> None:
        """Delete a data store, its contexts, derivatives and links; ConflictError for that of a managed one."""
        await self._changeable(data_store_id)
        await self._issuing.changed(clients_reaching(data_store_id))
        await self._stores.remove(data_store_id)

    async def _changeable(self, data_store_id: int) -> DataStore:
        store = await self._stores.lock(data_store_id)
        if store is None:
            raise data_store_not_found(data_store_id)
        managed_id = await self._stores.managed_id(data_store_id)
        if managed_id is not None:
            raise ConflictError(
                f"DataStore {data_store_id} belongs to a managed data store. Use /v3/dataStores/manage/{managed_id}."
            )
        return store


def data_store_not_found(data_store_id: int) -> NotFoundError:
    """What the contract says about a data store that is not there, or is another tenant's."""
    return NotFoundError(f"DataStore {data_store_id} not found. It may have been recently deleted.")
