"""Reads and writes the derivatives of one tenant's data stores inside the caller's transaction; never commits."""

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from tenant_api.db.conflicts import conflict_of
from tenant_api.db.listing import ListQuery, ListRules
from tenant_api.db.pages import Listing, Page
from tenant_api.db.tables import DataStore, DataStoreDerivative
from tenant_api.kernel.errors import ConflictError

DERIVATIVE_LISTS = ListRules(
    filters={},
    order_by={
        "id": col(DataStoreDerivative.id),
        "dataStoreId": col(DataStoreDerivative.data_store_id),
        "derivativeType": col(DataStoreDerivative.derivative_type),
    },
    default_order="id",
    repeating={"derivativeType"},
    joined={"dataStoreId": col(DataStore.id)},
)

LISTING = Listing[DataStoreDerivative](rules=DERIVATIVE_LISTS, key=col(DataStoreDerivative.id))


class DataStoreDerivativeRepository:
    """Derivatives of one tenant's data stores; another tenant's are not there."""

    def __init__(self, session: AsyncSession, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def find(self, derivative_id: int) -> DataStoreDerivative | None:
        """One derivative."""
        return (await self._session.exec(self._own().where(col(DataStoreDerivative.id) == derivative_id))).first()

    async def lock(self, derivative_id: int) -> DataStoreDerivative | None:
        """One derivative, as it is now, that nobody else changes or deletes until the transaction ends."""
        own = self._own().where(col(DataStoreDerivative.id) == derivative_id)
        locked = own.with_for_update(of=DataStoreDerivative).execution_options(populate_existing=True)
        return (await self._session.exec(locked)).first()

    async def page(self, query: ListQuery) -> Page[DataStoreDerivative]:
        """A list as asked for."""
        return await LISTING.page(self._session, self._own(), query)

    async def next_id(self) -> int:
        """An id for a row to come, to which its secret is bound."""
        statement = select(func.nextval(func.pg_get_serial_sequence("data_store_derivatives", "id")))
        return int((await self._session.exec(statement)).one())

    async def add(self, derivative: DataStoreDerivative) -> None:
        """Insert; ConflictError if its data store has a derivative of that type."""
        self._session.add(derivative)
        await self.save(derivative)

    async def save(self, derivative: DataStoreDerivative) -> None:
        """Write what changed; ConflictError if the data store has another derivative of that type."""
        taken = ConflictError(
            f"DataStore {derivative.data_store_id} already has a derivative of type {derivative.derivative_type}."
        )
        try:
            await self._session.flush()
        except IntegrityError as error:
            raise conflict_of(error, {"uq_data_store_derivatives_data_store_id_derivative_type": taken}) from error

    async def remove(self, derivative_id: int) -> None:
        """Delete a derivative."""
        await self._session.exec(delete(DataStoreDerivative).where(col(DataStoreDerivative.id) == derivative_id))

    def _own(self) -> SelectOfScalar[DataStoreDerivative]:
        joined = select(DataStoreDerivative).join(
            DataStore, col(DataStore.id) == col(DataStoreDerivative.data_store_id)
        )
        return joined.where(col(DataStore.tenant_id) == self._tenant_id)
