"""Reads and writes one tenant's applications inside the caller's transaction; never commits."""

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from tenant_api.applications.overview import ApplicationOverview, select_overviews
from tenant_api.db.among import among
from tenant_api.db.conflicts import conflict_of
from tenant_api.db.listing import ListQuery, ListRules, listed
from tenant_api.db.tables import Application, Vendor
from tenant_api.kernel.errors import DataError

APPLICATION_LISTS = ListRules(
    filters={
        "id": (int, lambda value: col(Application.id) == value),
        "applicationName": (str, lambda value: col(Application.application_name) == value),
        "claimSetName": (str, lambda value: col(Application.claim_set_name) == value),
        "ids": (list, lambda values: among(col(Application.id), values)),
    },
    order_by={
        "id": col(Application.id),
        "applicationName": col(Application.application_name),
        "vendorId": col(Application.vendor_id),
        "claimSetName": col(Application.claim_set_name),
    },
    default_order="applicationName",
    direction_alone=True,
)
Overviews = Select[Application, Sequence[int], bool]
PAGES = ListRules(filters={})


class ApplicationRepository:
    """Applications of one tenant's vendors; another tenant's are not there."""

    def __init__(self, session: AsyncSession, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def find(self, application_id: int) -> ApplicationOverview | None:
        """One application."""
        found = await self._all(self._own(select_overviews()).where(col(Application.id) == application_id))
        return found[0] if found else None

    async def page(self, query: ListQuery) -> list[ApplicationOverview]:
        """A list as asked for."""
        return await self._all(listed(self._own(select_overviews()), APPLICATION_LISTS, query, key=col(Application.id)))

    async def of_vendor(self, vendor_id: int) -> list[ApplicationOverview]:
        """All of a vendor, by name."""
        own = self._own(select_overviews()).where(col(Application.vendor_id) == vendor_id)
        return await self._all(own.order_by(col(Application.application_name), col(Application.id)))

    async def of_data_store(self, data_store_id: int, query: ListQuery) -> list[ApplicationOverview]:
        """Those with clients that may reach a data store, by id."""
        own = self._own(select_overviews(linked_to=data_store_id))
        return await self._all(listed(own, PAGES, query, key=col(Application.id)))

    async def add(self, application: Application) -> None:
        """Insert; DataError if its vendor has one of that name."""
        self._session.add(application)
        await self.save(application)

    async def save(self, application: Application) -> None:
        """Write what changed; DataError if the vendor has another one of that name."""
        name = application.application_name
        try:
            await self._session.flush()
        except IntegrityError as error:
            taken = DataError.of("ApplicationName", f"Application '{name}' already exists for vendor.")
            raise conflict_of(error, {"uq_applications_vendor_id_application_name_twin": taken}) from error

    async def remove(self, application_id: int) -> None:
        """Delete an application with its API clients."""
        await self._session.exec(delete(Application).where(col(Application.id) == application_id))

    def _own(self, overviews: Overviews) -> Overviews:
        joined = overviews.join(Vendor, col(Vendor.id) == col(Application.vendor_id))
        return joined.where(col(Vendor.tenant_id) == self._tenant_id)

    async def _all(self, statement: Overviews) -> list[ApplicationOverview]:
        rows = (await self._session.exec(statement)).all()
        return [
            ApplicationOverview(row=row, data_store_ids=data_store_ids, enabled=enabled)
            for row, data_store_ids, enabled in rows
        ]
