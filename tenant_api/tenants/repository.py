"""Reads and writes tenants inside the caller's transaction; never commits."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, exists, func, not_, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from tenant_api.db.conflicts import conflict_of
from tenant_api.db.listing import ListQuery, ListRules
from tenant_api.db.pages import Listing, Page
from tenant_api.db.tables import (
    DEFAULT_TENANT_ID,
    ClaimSet,
    DataStore,
    ManagedDataStore,
    Operation,
    Profile,
    Tenant,
    TenantClient,
    Vendor,
)
from tenant_api.kernel.errors import DataError
from tenant_api.operations.states import OPEN

REMOVE = "removeTenant"

TENANT_LISTS = ListRules(
    filters={},
    order_by={"id": col(Tenant.id), "name": col(Tenant.name)},
    default_order="id",
)
LISTING = Listing[Tenant](rules=TENANT_LISTS, key=col(Tenant.id))
CONTENTS: Mapping[str, Callable[[int], SelectOfScalar[Any]]] = {
    "vendors": lambda tenant_id: select(Vendor.id).where(col(Vendor.tenant_id) == tenant_id),
    "data stores": lambda tenant_id: select(DataStore.id).where(col(DataStore.tenant_id) == tenant_id),
    "managed data stores": lambda tenant_id: select(ManagedDataStore.id).where(
        col(ManagedDataStore.tenant_id) == tenant_id, col(ManagedDataStore.deleted_at).is_(None)
    ),
    "profiles": lambda tenant_id: select(Profile.id).where(col(Profile.tenant_id) == tenant_id),
    "claim sets": lambda tenant_id: select(ClaimSet.id).where(col(ClaimSet.tenant_id) == tenant_id),
    "clients": lambda tenant_id: select(TenantClient.client_id).where(col(TenantClient.tenant_id) == tenant_id),
    "unfinished jobs": lambda tenant_id: select(Operation.number).where(
        col(Operation.tenant_id) == tenant_id, col(Operation.finished_at).is_(None)
    ),
}
SENTENCES = {
    "uq_tenants_name": DataError.of("Name", "A tenant name already exists in the database. Please enter a unique name.")
}


class TenantRepository:
    """All tenants. The default one is there only while something belongs to it."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, tenant_id: int) -> Tenant | None:
        """One tenant."""
        return (await self._session.exec(_visible().where(col(Tenant.id) == tenant_id))).first()

    async def page(self, query: ListQuery) -> Page[Tenant]:
        """A list as asked for."""
        return await LISTING.page(self._session, _visible(), query)

    async def lock(self, tenant_id: int) -> Tenant | None:
        """One tenant that nobody else changes, deletes or adds anything to until the transaction ends."""
        own = select(Tenant).where(col(Tenant.id) == tenant_id).with_for_update()
        return (await self._session.exec(own)).first()

    async def add(self, tenant: Tenant) -> None:
        """Insert; DataError if the name is taken in any case."""
        self._session.add(tenant)
        await self.save()

    async def contents(self, tenant_id: int) -> list[str]:
        """What belongs to a tenant, counted, in words."""
        found = []
        for words, belonging in CONTENTS.items():
            counting = select(func.count()).select_from(belonging(tenant_id).subquery())
            if number := (await self._session.exec(counting)).one():
                found.append(f"{number} {words}")
        return found

    async def removal_of(self, tenant_id: int) -> UUID | None:
        """The job that is removing a tenant, if one is."""
        removing = select(Operation.id).where(
            col(Operation.target) == target_of(tenant_id), col(Operation.state).in_(OPEN)
        )
        return (await self._session.exec(removing)).first()

    async def remove(self, tenant_id: int) -> None:
        """Delete an empty tenant, with the history of what it had."""
        await self._session.exec(delete(ManagedDataStore).where(col(ManagedDataStore.tenant_id) == tenant_id))
        await self._session.exec(delete(Operation).where(col(Operation.tenant_id) == tenant_id))
        await self._session.exec(delete(Tenant).where(col(Tenant.id) == tenant_id))

    def on_commit(self, act: Callable[[], None]) -> None:
        """Act once what was written counts for everybody."""
        event.listen(self._session.sync_session, "after_commit", lambda _session: act(), once=True)

    async def save(self) -> None:
        """Write what changed; DataError if the name is taken in any case."""
        try:
            await self._session.flush()
        except IntegrityError as error:
            raise conflict_of(error, SENTENCES) from error


def _visible() -> SelectOfScalar[Tenant]:
    return select(Tenant).where(
        or_(
            col(Tenant.id) != DEFAULT_TENANT_ID,
            exists().where(col(Vendor.tenant_id) == DEFAULT_TENANT_ID),
            exists().where(col(DataStore.tenant_id) == DEFAULT_TENANT_ID),
            exists().where(
                col(ManagedDataStore.tenant_id) == DEFAULT_TENANT_ID, col(ManagedDataStore.deleted_at).is_(None)
            ),
            exists().where(col(Profile.tenant_id) == DEFAULT_TENANT_ID),
            exists().where(col(ClaimSet.tenant_id) == DEFAULT_TENANT_ID, not_(col(ClaimSet.shared))),
        )
    )


def target_of(tenant_id: int) -> str:
    """How operations name a tenant: by its path."""
    return f"/v3/tenants/{tenant_id}"
