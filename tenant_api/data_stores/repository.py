"""Reads and writes one tenant's data stores inside the caller's transaction; never commits."""

from collections.abc import Collection

from sqlalchemy import bindparam
from sqlmodel import col, delete, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.data_stores.overview import DataStoreOverview, select_overviews
from tenant_api.db.among import among
from tenant_api.db.listing import ListQuery, ListRules
from tenant_api.db.pages import Listing, Page
from tenant_api.db.tables import DataStore, ManagedDataStore

DATA_STORE_LISTS = ListRules(
    filters={
        "id": (int, lambda value: col(DataStore.id) == value),
        "name": (str, lambda value: col(DataStore.name) == value),
        "dataStoreType": (str, lambda value: col(DataStore.data_store_type) == value),
    },
    order_by={"id": col(DataStore.id), "dataStoreType": col(DataStore.data_store_type), "name": col(DataStore.name)},
    default_order="id",
)

LISTING = Listing[DataStoreOverview](
    rules=DATA_STORE_LISTS,
    key=col(DataStore.id),
    item=lambda row: DataStoreOverview.of(*row),
    entity=lambda store: store.row,
)
OWN = select_overviews().where(col(DataStore.tenant_id) == bindparam("tenant_id"))
ONE = OWN.where(col(DataStore.id) == bindparam("data_store_id"))


class DataStoreRepository:
    """Data stores of one tenant; another tenant's are not there."""

    def __init__(self, session: AsyncSession, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def find(self, data_store_id: int) -> DataStoreOverview | None:
        """One data store with its contexts and derivatives."""
        values = {"tenant_id": self._tenant_id, "data_store_id": data_store_id}
        row = (await self._session.exec(ONE, params=values)).first()
        return None if row is None else DataStoreOverview.of(*row)

    async def lock(self, data_store_id: int) -> DataStore | None:
        """One data store that nobody else changes, deletes or refers to until the transaction ends."""
        own = select(DataStore).where(col(DataStore.tenant_id) == self._tenant_id, col(DataStore.id) == data_store_id)
        return (await self._session.exec(own.with_for_update())).first()

    async def page(self, query: ListQuery) -> Page[DataStoreOverview]:
        """A list as asked for."""
        return await LISTING.page(self._session, OWN, query, tenant_id=self._tenant_id)

    async def new(self, *, name: str, data_store_type: str) -> DataStore:
        """A row with its id, to which secrets are bound; `add` inserts it."""
        next_id = select(func.nextval(func.pg_get_serial_sequence("data_stores", "id")))
        data_store_id = (await self._session.exec(next_id)).one()
        return DataStore(id=data_store_id, tenant_id=self._tenant_id, name=name, data_store_type=data_store_type)

    async def add(self, store: DataStore) -> None:
        """Insert."""
        self._session.add(store)
        await self._session.flush()

    async def remove(self, data_store_id: int) -> None:
        """Delete a data store, its contexts, its derivatives and its links to API clients."""
        await self._session.exec(delete(DataStore).where(col(DataStore.id) == data_store_id))

    async def missing(self, data_store_ids: Collection[int]) -> list[int]:
        """Those that are not there, in the order given. The others stay until the transaction ends."""
        if not data_store_ids:
            return []
        own = select(DataStore.id).where(
            col(DataStore.tenant_id) == self._tenant_id, among(col(DataStore.id), data_store_ids)
        )
        locked = own.order_by(col(DataStore.id)).with_for_update(read=True, key_share=True)
        there = set((await self._session.exec(locked)).all())
        return [data_store_id for data_store_id in data_store_ids if data_store_id not in there]

    async def managed_id(self, data_store_id: int) -> int | None:
        """The managed data store that keeps this one, if any does."""
        own = select(ManagedDataStore.id).where(col(ManagedDataStore.data_store_id) == data_store_id)
        return (await self._session.exec(own)).first()
