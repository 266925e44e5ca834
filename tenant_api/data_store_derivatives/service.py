"""Rules about derivatives of data stores; knows no HTTP and no SQL."""

from tenant_api.data_store_derivatives.repository import DataStoreDerivativeRepository
from tenant_api.data_store_derivatives.schemas import DataStoreDerivativeCreate, DataStoreDerivativeReplace
from tenant_api.data_stores.connection_strings import ConnectionStrings
from tenant_api.data_stores.repository import DataStoreRepository
from tenant_api.db.listing import ListQuery
from tenant_api.db.pages import Page
from tenant_api.db.tables import DataStoreDerivative
from tenant_api.kernel.errors import NotFoundError, UnresolvedReferenceError


class DataStoreDerivativeService:
    """Derivatives of the addressed tenant's data stores. The service never opens the databases behind them."""

    def __init__(
        self,
        derivatives: DataStoreDerivativeRepository,
        stores: DataStoreRepository,
        connection_strings: ConnectionStrings,
    ) -> None:
        self._derivatives = derivatives
        self._stores = stores
        self._connection_strings = connection_strings

    async def page(self, query: ListQuery) -> Page[DataStoreDerivative]:
        """A list as asked for."""
        return await self._derivatives.page(query)

    async def get(self, derivative_id: int) -> DataStoreDerivative:
        """One derivative; NotFoundError."""
        return _there(await self._derivatives.find(derivative_id), derivative_id)

    async def create(self, wanted: DataStoreDerivativeCreate) -> DataStoreDerivative:
        """A new derivative; UnresolvedReferenceError, ConflictError if its data store has one of that type."""
        await self._require_data_store(wanted.data_store_id)
        derivative = DataStoreDerivative(
            id=await self._derivatives.next_id(),
            data_store_id=wanted.data_store_id,
            derivative_type=wanted.derivative_type or "",
        )
        self._connection_strings.put(derivative, wanted.connection_string)
        await self._derivatives.add(derivative)
        return derivative

    async def replace(self, derivative_id: int, wanted: DataStoreDerivativeReplace) -> None:
        """Bring a derivative to the wanted state; the same refusals, and NotFoundError."""
        _there(await self._derivatives.find(derivative_id), derivative_id)
        # The data store first, as whoever deletes it has to.
        await self._require_data_store(wanted.data_store_id)
        derivative = _there(await self._derivatives.lock(derivative_id), derivative_id)
        derivative.data_store_id = wanted.data_store_id
        derivative.derivative_type = wanted.derivative_type or ""
        self._connection_strings.put(derivative, wanted.connection_string)
        await self._derivatives.save(derivative)

    async def remove(self, derivative_id: int) -> None:
        """Delete a derivative; NotFoundError. Its database stays where it is."""
        _there(await self._derivatives.lock(derivative_id), derivative_id)
        await self._derivatives.remove(derivative_id)

    async def _require_data_store(self, data_store_id: int) -> None:
        if await self._stores.missing([data_store_id]):
            raise UnresolvedReferenceError("The specified DataStore does not exist.")


def _there(derivative: DataStoreDerivative | None, derivative_id: int) -> DataStoreDerivative:
    if derivative is None:
        raise NotFoundError(f"DataStoreDerivative {derivative_id} not found. It may have been recently deleted.")
    return derivative
