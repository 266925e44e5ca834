"""Reads and writes managed data stores inside the caller's transaction; never commits."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.conflicts import conflict_of
from tenant_api.db.listing import ListQuery, ListRules
from tenant_api.db.pages import Listing, Page
from tenant_api.db.tables import (
    ApiClient,
    ApiClientDataStore,
    Application,
    DataStore,
    DataStoreDerivative,
    ManagedDataStore,
    Operation,
    Template,
    Tenant,
)
from tenant_api.kernel.errors import DataError

MANAGED_LISTS = ListRules(
    filters={
        "id": (int, lambda value: col(ManagedDataStore.id) == value),
        "name": (str, lambda value: col(ManagedDataStore.name) == value),
    },
    order_by={"id": col(ManagedDataStore.id), "name": col(ManagedDataStore.name)},
    default_order="id",
)

Shown = tuple[ManagedDataStore, Operation]

LISTING = Listing[Shown](
    rules=MANAGED_LISTS,
    key=col(ManagedDataStore.id),
    item=lambda row: (row[0], row[1]),
    entity=lambda shown: shown[0],
)


def name_taken(name: str, kind: str = "DataStoreManage") -> DataError:
    """The contract's sentence for a name in use."""
    return DataError.of("Name", f"A {kind} named '{name}' already exists.")


class ManagedDataStoreRepository:
    """Managed data stores of one tenant."""

    def __init__(self, session: AsyncSession, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def find(self, managed_id: int) -> Shown | None:
        """One managed data store with its last operation, deleted or not."""
        row = (await self._session.exec(self._own().where(col(ManagedDataStore.id) == managed_id))).first()
        return None if row is None else (row[0], row[1])

    async def lock(self, managed_id: int) -> Shown | None:
        """The same, its row ours until the transaction ends."""
        own = self._own().where(col(ManagedDataStore.id) == managed_id)
        row = (await self._session.exec(own.with_for_update(of=ManagedDataStore))).first()
        return None if row is None else (row[0], row[1])

    async def page(self, query: ListQuery) -> Page[Shown]:
        """A list as asked for, tombstones included."""
        return await LISTING.page(self._session, self._own(), query)

    async def next_id(self) -> int:
        """An id for a row to come: its operation's target names it."""
        connection = await self._session.connection()
        sequence = text("SELECT nextval(pg_get_serial_sequence('managed_data_stores', 'id'))")
        return int((await connection.execute(sequence)).scalar_one())

    async def add(self, managed: ManagedDataStore) -> None:
        """Insert; DataError if the name is taken."""
        sentences = {"uq_managed_data_stores_name": name_taken(managed.name)}
        self._session.add(managed)
        try:
            await self._session.flush()
        except IntegrityError as error:
            raise conflict_of(error, sentences) from error

    async def name_exists(self, name: str) -> bool:
        """Whether a managed data store that is not deleted has this name."""
        statement = select(ManagedDataStore.id).where(
            col(ManagedDataStore.tenant_id) == self._tenant_id,
            col(ManagedDataStore.name) == name,
            col(ManagedDataStore.deleted_at).is_(None),
        )
        return (await self._session.exec(statement)).first() is not None

    async def data_store_name_exists(self, name: str) -> bool:
        """Whether a data store has this name."""
        statement = select(DataStore.id).where(col(DataStore.tenant_id) == self._tenant_id, col(DataStore.name) == name)
        return (await self._session.exec(statement.limit(1))).first() is not None

    async def templates(self, server: str) -> dict[str, UUID]:
        """The current templates of a server, by name."""
        statement = select(Template.name, Template.id).where(
            col(Template.server) == server, col(Template.state) == "current"
        )
        return dict((await self._session.exec(statement.order_by(col(Template.created_at), Template.name))).all())

    async def tenant_name(self) -> str:
        """The name of our tenant."""
        return (await self._session.exec(select(Tenant.name).where(col(Tenant.id) == self._tenant_id))).one()

    async def dependants(self, data_store_id: int) -> list[str]:
        """What still needs a data store, in words: API clients and derivatives; locks it against new ones."""
        await self._session.exec(select(DataStore.id).where(col(DataStore.id) == data_store_id).with_for_update())
        statement = (
            select(Application.application_name, ApiClient.name)
            .join(ApiClient, col(ApiClient.application_id) == col(Application.id))
            .join(ApiClientDataStore, col(ApiClientDataStore.api_client_id) == col(ApiClient.id))
            .where(col(ApiClientDataStore.data_store_id) == data_store_id)
            .order_by(col(Application.id), col(ApiClient.id))
            .limit(10)
        )
        clients = (await self._session.exec(statement)).all()
        derivatives = select(DataStoreDerivative.derivative_type).where(
            col(DataStoreDerivative.data_store_id) == data_store_id
        )
        types = (await self._session.exec(derivatives.order_by(col(DataStoreDerivative.id)))).all()
        return [
            *(f"application '{application}' (API client '{client}')" for application, client in clients),
            *(f"derivative '{derivative_type}'" for derivative_type in types),
        ]

    async def change(self, managed_id: int, **values: Any) -> None:
        """Update columns of one row."""
        statement = update(ManagedDataStore).where(col(ManagedDataStore.id) == managed_id)
        await self._session.exec(statement.values(modified_at=func.now(), **values))

    async def remove_data_store(self, data_store_id: int) -> None:
        """Take a data store from the data planes."""
        await self._session.exec(delete(DataStore).where(col(DataStore.id) == data_store_id))

    def _own(self) -> Any:
        return (
            select(ManagedDataStore, Operation)
            .join(Operation, col(Operation.id) == col(ManagedDataStore.operation_id))
            .where(col(ManagedDataStore.tenant_id) == self._tenant_id)
        )
