"""Reads and writes tenants inside the caller's transaction; never commits."""

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, exists, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from tenant_api.db.conflicts import conflict_of
from tenant_api.db.listing import ListQuery, ListRules, listed
from tenant_api.db.tables import DEFAULT_TENANT_ID, DataStore, ManagedDataStore, Tenant, Vendor
from tenant_api.kernel.errors import DataError

TENANT_LISTS = ListRules(
    filters={},
    order_by={"id": col(Tenant.id), "name": col(Tenant.name)},
    default_order="id",
)
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

    async def page(self, query: ListQuery) -> Sequence[Tenant]:
        """A list as asked for."""
        return (await self._session.exec(listed(_visible(), TENANT_LISTS, query, key=col(Tenant.id)))).all()

    async def add(self, tenant: Tenant) -> None:
        """Insert; DataError if the name is taken in any case."""
        self._session.add(tenant)
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
        )
    )
