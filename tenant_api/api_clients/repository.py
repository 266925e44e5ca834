"""Reads and writes one tenant's API clients inside the caller's transaction; never commits."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from tenant_api.api_clients.reach import ReachingClient, select_reaching_clients
from tenant_api.db.among import among
from tenant_api.db.listing import ListQuery, ListRules
from tenant_api.db.pages import Listing, Page
from tenant_api.db.tables import ApiClient, ApiClientDataStore, Application, Vendor

API_CLIENT_LISTS = ListRules(
    filters={"applicationid": (int, lambda value: col(ApiClient.application_id) == value)},
    order_by={"id": col(ApiClient.id), "applicationId": col(ApiClient.application_id), "name": col(ApiClient.name)},
    default_order="id",
    direction_alone=True,
    repeating={"name"},
    joined={"applicationId": col(Application.id)},
)

LISTING = Listing[ReachingClient](
    rules=API_CLIENT_LISTS,
    key=col(ApiClient.id),
    item=lambda row: ReachingClient(row=row[0], data_store_ids=row[1]),
    entity=lambda client: client.row,
)

OWN = (
    select_reaching_clients()
    .join(Application, col(Application.id) == col(ApiClient.application_id))
    .join(Vendor, col(Vendor.id) == col(Application.vendor_id))
    .where(col(Vendor.tenant_id) == bindparam("tenant_id"))
)
FRESH = OWN.execution_options(populate_existing=True)
ONE = FRESH.where(col(ApiClient.id) == bindparam("api_client_id"))
WITH_KEY = FRESH.where(col(ApiClient.client_id) == bindparam("key"))
OF_APPLICATION = FRESH.where(col(ApiClient.application_id) == bindparam("application_id")).order_by(col(ApiClient.id))


class ApiClientRepository:
    """API clients of one tenant; another tenant's are not there."""

    def __init__(self, session: AsyncSession, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def find(self, api_client_id: int) -> ReachingClient | None:
        """One API client by id, read afresh."""
        return next(iter(await self._all(ONE, api_client_id=api_client_id)), None)

    async def find_by_key(self, key: str) -> ReachingClient | None:
        """One API client by its OAuth client id."""
        return next(iter(await self._all(WITH_KEY, key=key)), None)

    async def page(self, query: ListQuery) -> Page[ReachingClient]:
        """A list as asked for."""
        return await LISTING.page(self._session, OWN, query, tenant_id=self._tenant_id)

    async def of_application(self, application_id: int) -> list[ReachingClient]:
        """All of an application, the oldest first."""
        return await self._all(OF_APPLICATION, application_id=application_id)

    async def keys_of(self, application_ids: Collection[int]) -> Sequence[str]:
        """The OAuth client ids of applications."""
        statement = select(ApiClient.client_id).where(among(col(ApiClient.application_id), application_ids))
        return (await self._session.exec(statement)).all()

    async def add(
        self, *, application_id: int, name: str, is_approved: bool, data_store_ids: Collection[int]
    ) -> ApiClient:
        """Insert with a new key and the links."""
        client = ApiClient(
            application_id=application_id,
            name=name,
            is_approved=is_approved,
            client_id=str(uuid4()),
            client_uuid=uuid4(),
        )
        self._session.add(client)
        await self._session.flush()
        assert client.id is not None
        await self.link([client.id], data_store_ids)
        return client

    async def link(self, api_client_ids: Collection[int], data_store_ids: Collection[int]) -> None:
        """Let each of the clients reach each of the data stores."""
        links = [
            {"api_client_id": api_client_id, "data_store_id": data_store_id}
            for api_client_id in api_client_ids
            for data_store_id in data_store_ids
        ]
        if links:
            statement: Any = insert(ApiClientDataStore).on_conflict_do_nothing()
            await self._session.exec(statement, params=links)

    async def unlink(self, api_client_ids: Collection[int], data_store_ids: Collection[int]) -> None:
        """Let none of the clients reach any of the data stores."""
        statement = delete(ApiClientDataStore).where(
            among(col(ApiClientDataStore.api_client_id), api_client_ids),
            among(col(ApiClientDataStore.data_store_id), data_store_ids),
        )
        await self._session.exec(statement)

    async def remove(self, api_client_id: int) -> None:
        """Delete an API client with its links."""
        await self._session.exec(delete(ApiClient).where(col(ApiClient.id) == api_client_id))

    async def _all(self, statement: Select[ApiClient, Sequence[int]], **values: int | str) -> list[ReachingClient]:
        rows = await self._session.exec(statement, params={"tenant_id": self._tenant_id, **values})
        return [ReachingClient(row=row, data_store_ids=data_store_ids) for row, data_store_ids in rows.all()]
