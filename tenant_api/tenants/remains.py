"""What is left of a tenant that is being removed, read and deleted inside a worker's transaction."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, delete, exists, not_, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.among import among
from tenant_api.db.tables import (
    ApiClient,
    ApiClientDataStore,
    Application,
    ClaimSet,
    DataStore,
    DataStoreDerivative,
    ManagedDataStore,
    Operation,
    Profile,
    Tenant,
    Vendor,
)
from tenant_api.tenants.inventory import lock_contents


class TenantRemains:
    """The belongings of one tenant."""

    def __init__(self, session: AsyncSession, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def changed_since(self, operation_id: UUID) -> bool:
        """Whether the tenant is served again, or was renamed, since that job was accepted.

        Both times are those of a transaction, and accepting suspends the tenant and makes the job in one.
        """
        accepted = select(Operation.created_at).where(col(Operation.id) == operation_id).scalar_subquery()
        untouched = or_(col(Tenant.modified_at).is_(None), col(Tenant.modified_at) <= accepted)
        other = select(Tenant.id).where(
            col(Tenant.id) == self._tenant_id, or_(not_(col(Tenant.suspended)), not_(untouched))
        )
        return (await self._session.exec(other)).first() is not None

    async def next_managed(self) -> tuple[ManagedDataStore, Operation] | None:
        """A managed data store that is not deleted, with its last job."""
        left = (
            select(ManagedDataStore, Operation)
            .join(Operation, col(Operation.id) == col(ManagedDataStore.operation_id))
            .where(col(ManagedDataStore.tenant_id) == self._tenant_id, col(ManagedDataStore.deleted_at).is_(None))
            .order_by(col(ManagedDataStore.id))
        )
        row = (await self._session.exec(left.limit(1))).first()
        return None if row is None else (row[0], row[1])

    async def release(self, data_store_id: int) -> None:
        """Let nothing refer to a data store any more."""
        await self._session.exec(
            delete(ApiClientDataStore).where(col(ApiClientDataStore.data_store_id) == data_store_id)
        )
        await self._session.exec(
            delete(DataStoreDerivative).where(col(DataStoreDerivative.data_store_id) == data_store_id)
        )

    async def keys(self, *, most: int) -> Sequence[str]:
        """Some client ids of the tenant's applications."""
        left = (
            select(ApiClient.client_id)
            .join(Application, col(Application.id) == col(ApiClient.application_id))
            .join(Vendor, col(Vendor.id) == col(Application.vendor_id))
            .where(col(Vendor.tenant_id) == self._tenant_id)
        )
        return (await self._session.exec(left.limit(most))).all()

    async def remove_keys(self, keys: Collection[str]) -> None:
        """Delete the rows of these clients."""
        await self._session.exec(delete(ApiClient).where(among(col(ApiClient.client_id), keys)))

    async def open_jobs(self) -> bool:
        """Whether a job of the tenant has not ended."""
        unfinished = exists().where(col(Operation.tenant_id) == self._tenant_id, col(Operation.finished_at).is_(None))
        return bool((await self._session.exec(select(unfinished))).one())

    async def lock(self) -> None:
        """Let nobody add anything until the transaction ends."""
        own = select(Tenant.id).where(col(Tenant.id) == self._tenant_id)
        await self._session.exec(own.with_for_update())
        await lock_contents(self._session, self._tenant_id)

    async def remove_all(self) -> None:
        """Delete every row of the tenant, those that use others first; what is not named here goes by cascade."""
        tables: tuple[Any, ...] = (Vendor, Profile, ManagedDataStore, DataStore, ClaimSet, Operation)
        for table in tables:
            await self._session.exec(delete(table).where(table.tenant_id == self._tenant_id))
        await self._session.exec(delete(Tenant).where(col(Tenant.id) == self._tenant_id))
