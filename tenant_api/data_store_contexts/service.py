"""Rules about contexts of data stores; knows no HTTP and no SQL."""

from tenant_api.data_store_contexts.repository import DataStoreContextRepository
from tenant_api.data_store_contexts.schemas import DataStoreContextCreate, DataStoreContextReplace
from tenant_api.data_stores.repository import DataStoreRepository
from tenant_api.db.listing import ListQuery
from tenant_api.db.pages import Page
from tenant_api.db.tables import DataStoreContext
from tenant_api.kernel.errors import NotFoundError, UnresolvedReferenceError


class DataStoreContextService:
    """Contexts of the addressed tenant's data stores, of managed ones too: they route, they do not make."""

    def __init__(self, contexts: DataStoreContextRepository, stores: DataStoreRepository) -> None:
        self._contexts = contexts
        self._stores = stores

    async def page(self, query: ListQuery) -> Page[DataStoreContext]:
        """A list as asked for."""
        return await self._contexts.page(query)

    async def get(self, context_id: int) -> DataStoreContext:
        """One context; NotFoundError."""
        return _there(await self._contexts.find(context_id))

    async def create(self, wanted: DataStoreContextCreate) -> int:
        """A new context; UnresolvedReferenceError, DataError if its key is taken in this data store."""
        await self._require_data_store(wanted.data_store_id)
        context = DataStoreContext(
            data_store_id=wanted.data_store_id,
            context_key=wanted.context_key or "",
            context_value=wanted.context_value or "",
        )
        await self._contexts.add(context)
        assert context.id is not None
        return context.id

    async def replace(self, context_id: int, wanted: DataStoreContextReplace) -> None:
        """Bring a context to the wanted state; the same refusals, and NotFoundError."""
        _there(await self._contexts.find(context_id))
        # The data store first, as whoever deletes it has to.
        await self._require_data_store(wanted.data_store_id)
        context = _there(await self._contexts.lock(context_id))
        context.data_store_id = wanted.data_store_id
        context.context_key = wanted.context_key or ""
        context.context_value = wanted.context_value or ""
        await self._contexts.save(context)

    async def remove(self, context_id: int) -> None:
        """Delete a context; NotFoundError."""
        _there(await self._contexts.lock(context_id))
        await self._contexts.remove(context_id)

    async def _require_data_store(self, data_store_id: int) -> None:
        if await self._stores.missing([data_store_id]):
            raise UnresolvedReferenceError("Reference 'DataStoreId' does not exist.")


def _there(context: DataStoreContext | None) -> DataStoreContext:
    if context is None:
        raise NotFoundError("Data store context not found")
    return context
