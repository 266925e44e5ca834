"""Reads and writes one tenant's vendors inside the caller's transaction; never commits."""

from typing import Any

from sqlalchemy import ARRAY, ColumnElement, String, bindparam, literal
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, func, literal_column, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from tenant_api.db.conflicts import conflict_of
from tenant_api.db.listing import ListQuery, ListRules
from tenant_api.db.pages import Listing, Page
from tenant_api.db.tables import Vendor
from tenant_api.kernel.caller import current_caller
from tenant_api.kernel.errors import DataError


def _has_prefix(prefix: str) -> ColumnElement[bool]:
    return col(Vendor.namespace_prefixes).bool_op("@>")(literal([prefix], ARRAY(String)))


VENDOR_LISTS = ListRules(
    filters={
        "id": (int, lambda value: col(Vendor.id) == value),
        "company": (str, lambda value: col(Vendor.company) == value),
        "namespacePrefixes": (str, _has_prefix),
        "contactName": (str, lambda value: col(Vendor.contact_name) == value),
        "contactEmailAddress": (str, lambda value: col(Vendor.contact_email_address) == value),
    },
    order_by={
        "id": col(Vendor.id),
        "company": col(Vendor.company),
        "contactName": col(Vendor.contact_name),
        "contactEmailAddress": col(Vendor.contact_email_address),
    },
    default_order="id",
)
LISTING = Listing[Vendor](rules=VENDOR_LISTS, key=col(Vendor.id))
OWN = select(Vendor).where(col(Vendor.tenant_id) == bindparam("tenant_id"))
ONE = OWN.where(col(Vendor.id) == bindparam("vendor_id"))
LOCKED = ONE.with_for_update()
HELD = ONE.with_for_update(read=True, key_share=True)
SENTENCES = {
    "uq_vendors_tenant_id_company_twin": DataError.of(
        "Name", "A vendor name already exists in the database. Please enter a unique name."
    )
}


class VendorRepository:
    """Vendors of one tenant; another tenant's are not there."""

    def __init__(self, session: AsyncSession, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def find(self, vendor_id: int) -> Vendor | None:
        """One vendor."""
        return await self._first(ONE, vendor_id)

    async def lock(self, vendor_id: int) -> Vendor | None:
        """One vendor that nobody else changes, deletes or adds applications to until the transaction ends."""
        return await self._first(LOCKED, vendor_id)

    async def hold(self, vendor_id: int) -> bool:
        """Whether a vendor is there; if so, it stays until the transaction ends."""
        return await self._first(HELD, vendor_id) is not None

    async def page(self, query: ListQuery) -> Page[Vendor]:
        """A list as asked for."""
        return await LISTING.page(self._session, OWN, query, tenant_id=self._tenant_id)

    async def put(self, *, company: str, **details: str | list[str] | None) -> tuple[int, bool]:
        """Insert, or replace the one of the same company; answers its id and whether it is new."""
        statement: Any = (
            insert(Vendor)
            .values(tenant_id=self._tenant_id, company=company, created_by=current_caller(), **details)
            .on_conflict_do_update(
                constraint="uq_vendors_tenant_id_company_twin",
                set_={**details, "modified_at": func.now(), "modified_by": current_caller()},
            )
            .returning(col(Vendor.id), literal_column("xmax = 0"))
        )
        vendor_id, is_new = (await self._session.exec(statement)).one()
        return vendor_id, is_new

    async def save(self) -> None:
        """Write what changed."""
        try:
            await self._session.flush()
        except IntegrityError as error:
            raise conflict_of(error, SENTENCES) from error

    async def remove(self, vendor_id: int) -> None:
        """Delete a vendor with its applications and their API clients."""
        await self._session.exec(delete(Vendor).where(col(Vendor.id) == vendor_id))

    async def _first(self, statement: SelectOfScalar[Vendor], vendor_id: int) -> Vendor | None:
        values = {"tenant_id": self._tenant_id, "vendor_id": vendor_id}
        return (await self._session.exec(statement, params=values)).first()
