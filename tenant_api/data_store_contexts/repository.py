"""Reads and writes the contexts of one tenant's data stores inside the caller's transaction; never commits."""

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from tenant_api.db.conflicts import conflict_of
from tenant_api.db.listing import ListQuery, ListRules
from tenant_api.db.pages import Listing, Page
from tenant_api.db.tables import DataStore, DataStoreContext
from tenant_api.kernel.errors import DataError

CONTEXT_LISTS = ListRules(
    filters={},
    order_by={
        "id": col(DataStoreContext.id),
        "dataStoreId": col(DataStoreContext.data_store_id),
        "contextKey": col(DataStoreContext.context_key),
        "contextValue": col(DataStoreContext.context_value),
    },
    default_order="id",
    repeating={"contextKey", "contextValue"},
    joined={"dataStoreId": col(DataStore.id)},
)

LISTING = Listing[DataStoreContext](rules=CONTEXT_LISTS, key=col(DataStoreContext.id))


class DataStoreContextRepository:
    """Contexts of one tenant's data stores; another tenant's are not there."""

    def __init__(self, session: AsyncSession, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def find(self, context_id: int) -> DataStoreContext | None:
        """One context."""
        return (await self._session.exec(self._own().where(col(DataStoreContext.id) == context_id))).first()

    async def lock(self, context_id: int) -> DataStoreContext | None:
        """One context, as it is now, that nobody else changes or deletes until the transaction ends."""
        own = self._own().where(col(DataStoreContext.id) == context_id)
        locked = own.with_for_update(of=DataStoreContext).execution_options(populate_existing=True)
        return (await self._session.exec(locked)).first()

    async def page(self, query: ListQuery) -> Page[DataStoreContext]:
        """A list as asked for."""
        return await LISTING.page(self._session, self._own(), query)

    async def add(self, context: DataStoreContext) -> None:
        """Insert; DataError if its data store has a context of that key."""
        self._session.add(context)
        await self.save(context)

    async def save(self, context: DataStoreContext) -> None:
        """Write what changed; DataError if the data store has another context of that key."""
        taken = DataError.of(
            "ContextKey",
            f"Data store context with DataStoreId '{context.data_store_id}' "
            f"and ContextKey '{context.context_key}' already exists.",
        )
        try:
            await self._session.flush()
        except IntegrityError as error:
            raise conflict_of(error, {"uq_data_store_contexts_data_store_id_context_key": taken}) from error

    async def remove(self, context_id: int) -> None:
        """Delete a context."""
        await self._session.exec(delete(DataStoreContext).where(col(DataStoreContext.id) == context_id))

    def _own(self) -> SelectOfScalar[DataStoreContext]:
        joined = select(DataStoreContext).join(DataStore, col(DataStore.id) == col(DataStoreContext.data_store_id))
        return joined.where(col(DataStore.tenant_id) == self._tenant_id)
