"""Clients of the service that act for one tenant alone, inside the caller's transaction."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.among import among
from tenant_api.db.conflicts import conflict_of
from tenant_api.db.tables import Tenant, TenantClient
from tenant_api.kernel.errors import DataError

TAKEN = "Client with the same Client Id already exists. Please provide different Client Id."
SENTENCES = dict.fromkeys(("pk_tenant_clients", "uq_tenant_clients_client_id"), DataError.of("ClientId", TAKEN))


class TenantClientRepository:
    """Bindings of clients to tenants. Ids of clients are compared without regard to case."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, client_id: str, tenant_id: int) -> None:
        """Bind a client that is about to be made; DataError if the id was bound before."""
        self._session.add(TenantClient(client_id=client_id, tenant_id=tenant_id))
        try:
            await self._session.flush()
        except IntegrityError as error:
            raise conflict_of(error, SENTENCES) from error

    async def bind(self, client_id: str, tenant_name: str) -> bool:
        """Bind a client, whatever it was bound to before, and answer whether there is a tenant of that name.

        Without one the client is bound to none: it may do nothing.
        """
        found = select(Tenant.id).where(func.lower(col(Tenant.name)) == tenant_name.lower())
        tenant_id = (await self._session.exec(found)).first()
        binding = insert(TenantClient).values(client_id=client_id, tenant_id=tenant_id)
        await self._session.exec(
            binding.on_conflict_do_update(index_elements=[text("lower(client_id)")], set_={"tenant_id": tenant_id})
        )
        return tenant_id is not None

    async def free(self, client_id: str) -> None:
        """Let a client act for all tenants."""
        await self._session.exec(
            delete(TenantClient).where(func.lower(col(TenantClient.client_id)) == client_id.lower())
        )

    async def of_tenant(self, tenant_id: int, *, most: int) -> Sequence[str]:
        """Some of the clients that are bound to a tenant."""
        bound = select(TenantClient.client_id).where(col(TenantClient.tenant_id) == tenant_id)
        return (await self._session.exec(bound.limit(most))).all()

    async def remove(self, client_ids: Collection[str]) -> None:
        """Forget the bindings of clients that are gone."""
        await self._session.exec(delete(TenantClient).where(among(col(TenantClient.client_id), client_ids)))
