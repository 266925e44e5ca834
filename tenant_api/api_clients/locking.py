"""Locks of applications: whoever changes or deletes an application or its API clients waits for the others.

Locks are taken in ascending order of ids and waited for as long as the settings say.
"""

from collections.abc import Collection, Mapping

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.among import among
from tenant_api.db.tables import Application, Vendor


class ApplicationLocks:
    """Locks on one tenant's applications, held until the transaction ends."""

    def __init__(self, session: AsyncSession, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def exclusive(self, application_ids: Collection[int]) -> Mapping[int, Application]:
        """Those that are there, fresh, by id; nobody else changes, deletes or adds API clients to them."""
        return await self._locked(application_ids, key_share=False)

    async def shared(self, application_id: int) -> Application | None:
        """The application, if it is there; it stays, and others may add API clients as well."""
        return (await self._locked({application_id}, key_share=True)).get(application_id)

    async def exclusive_of_vendor(self, vendor_id: int) -> Collection[int]:
        """Ids of all applications of a locked vendor."""
        own = select(Application.id).where(col(Application.vendor_id) == vendor_id)
        locked = await self._session.exec(own.order_by(col(Application.id)).with_for_update())
        return [application_id for application_id in locked.all() if application_id is not None]

    async def _locked(self, application_ids: Collection[int], *, key_share: bool) -> Mapping[int, Application]:
        own = (
            select(Application)
            .join(Vendor)
            .where(among(col(Application.id), application_ids), col(Vendor.tenant_id) == self._tenant_id)
            .order_by(col(Application.id))
            .with_for_update(of=Application, read=key_share, key_share=key_share)
            .execution_options(populate_existing=True)
        )
        found = (await self._session.exec(own)).all()
        return {application.id: application for application in found if application.id is not None}
