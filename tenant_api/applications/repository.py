"""Reads and writes one tenant's applications inside the caller's transaction; never commits."""

from sqlalchemy import bindparam
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.applications.overview import ApplicationOverview, Overviews, select_overviews
from tenant_api.db.among import among
from tenant_api.db.conflicts import conflict_of
from tenant_api.db.listing import ListQuery, ListRules
from tenant_api.db.pages import Listing, Page
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
    repeating={"vendorId", "claimSetName"},
    joined={"vendorId": col(Vendor.id)},
)
PAGES = ListRules(filters={})
BY_NAME = ListRules(
    filters={}, order_by={"applicationName": col(Application.application_name)}, default_order="applicationName"
)


def _own(overviews: Overviews) -> Overviews:
    joined = overviews.join(Vendor, col(Vendor.id) == col(Application.vendor_id))
    return joined.where(col(Vendor.tenant_id) == bindparam("tenant_id"))


OWN = _own(select_overviews())
ONE = OWN.where(col(Application.id) == bindparam("application_id"))
OF_VENDOR = OWN.where(col(Application.vendor_id) == bindparam("vendor_id"))


def _listing(rules: ListRules) -> Listing[ApplicationOverview]:
    return Listing(
        rules=rules,
        key=col(Application.id),
        item=lambda row: ApplicationOverview(*row),
        entity=lambda application: application.row,
    )


class ApplicationRepository:
    """Applications of one tenant's vendors; another tenant's are not there."""

    def __init__(self, session: AsyncSession, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def find(self, application_id: int) -> ApplicationOverview | None:
        """One application."""
        values = {"tenant_id": self._tenant_id, "application_id": application_id}
        row = (await self._session.exec(ONE, params=values)).first()
        return None if row is None else ApplicationOverview(*row)

    async def page(self, query: ListQuery) -> Page[ApplicationOverview]:
        """A list as asked for."""
        return await _listing(APPLICATION_LISTS).page(self._session, OWN, query, tenant_id=self._tenant_id)

    async def of_vendor(self, vendor_id: int, query: ListQuery) -> Page[ApplicationOverview]:
        """Those of a vendor, by name."""
        values = {"tenant_id": self._tenant_id, "vendor_id": vendor_id}
        return await _listing(BY_NAME).page(self._session, OF_VENDOR, query, **values)

    async def of_data_store(self, data_store_id: int, query: ListQuery) -> Page[ApplicationOverview]:
        """Those with clients that may reach a data store, by id."""
        linked = _own(select_overviews(linked_to=data_store_id))
        return await _listing(PAGES).page(self._session, linked, query, tenant_id=self._tenant_id)

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
