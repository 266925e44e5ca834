"""Reads and writes one tenant's claim sets inside the caller's transaction; never commits."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import BigInteger, ColumnElement, String, and_, bindparam, or_
from sqlalchemy.dialects.postgresql import aggregate_order_by, array, insert
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import aliased
from sqlmodel import col, delete, exists, func, select, update
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from tenant_api.claim_sets.hierarchies import LOADING
from tenant_api.claim_sets.layer import has_own_layer
from tenant_api.claim_sets.overview import ClaimSetOverview
from tenant_api.db.among import among
from tenant_api.db.conflicts import conflict_of
from tenant_api.db.listing import ListQuery, ListRules
from tenant_api.db.pages import Listing, Page
from tenant_api.db.tables import DEFAULT_TENANT_ID, Application, ClaimSet, Vendor
from tenant_api.kernel.caller import current_caller
from tenant_api.kernel.errors import NonUniqueIdentityError

CLAIM_SET_LISTS = ListRules(
    filters={
        "id": (int, lambda value: col(ClaimSet.id) == value),
        "name": (str, lambda value: col(ClaimSet.claim_set_name) == value),
        "claimSetName": (str, lambda value: col(ClaimSet.claim_set_name) == value),
    },
    order_by={
        "id": col(ClaimSet.id),
        "name": col(ClaimSet.claim_set_name),
        "claimSetName": col(ClaimSet.claim_set_name),
    },
    default_order="id",
)
CONTENTION = (LockNotAvailable, DeadlockDetected)
UNIQUE = "uq_claim_sets_tenant_id_claim_set_name"


class LockedOutError(Exception):
    """Another transaction holds what this one needs, for longer than anybody should wait."""


LISTING = Listing[ClaimSetOverview](
    rules=CLAIM_SET_LISTS,
    key=col(ClaimSet.id),
    item=lambda row: ClaimSetOverview(*row),
    entity=lambda claim_set: claim_set.row,
)


class ClaimSetRepository:
    """What a tenant sees: its own claim sets, and those of the shared layer while it stands on that one."""

    def __init__(self, session: AsyncSession, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def find(self, claim_set_id: int) -> ClaimSetOverview | None:
        """One claim set."""
        row = (await self._session.exec(self._overviews().where(col(ClaimSet.id) == claim_set_id))).first()
        return ClaimSetOverview(*row) if row else None

    async def page(self, query: ListQuery) -> Page[ClaimSetOverview]:
        """A list as asked for."""
        return await LISTING.page(self._session, self._overviews(), query)

    async def lock(self, claim_set_id: int) -> ClaimSet | None:
        """One claim set that nobody else changes until the transaction ends; a shared one is not locked."""
        visible = select(ClaimSet).where(visible_to(self._tenant_id), col(ClaimSet.id) == claim_set_id)
        found = (await self._session.exec(visible)).first()
        if found is None or found.is_system_reserved:
            return found
        locked = visible.with_for_update(of=ClaimSet).execution_options(populate_existing=True)
        with _lock_conflicts():
            return (await self._session.exec(locked)).first()

    async def hold(self, claim_set_id: int) -> ClaimSet | None:
        """One claim set that stays as it is until the transaction ends."""
        visible = select(ClaimSet).where(visible_to(self._tenant_id), col(ClaimSet.id) == claim_set_id)
        with _lock_conflicts():
            return (await self._session.exec(visible.with_for_update(of=ClaimSet, read=True, key_share=True))).first()

    async def keep_loads_out(self) -> None:
        """Let nobody load claims until the transaction ends: a load may bring the very name that is to be given.

        Comes before every other lock, as it does in a load.
        """
        await self._session.exec(select(func.pg_advisory_xact_lock_shared(bindparam("key", LOADING, BigInteger))))

    async def add(self, name: str, *, is_system_reserved: bool = False) -> int:
        """Insert; NonUniqueIdentityError if the tenant sees one of that name."""
        await self.require_free(name)
        claim_set = ClaimSet(tenant_id=self._tenant_id, claim_set_name=name, is_system_reserved=is_system_reserved)
        self._session.add(claim_set)
        await self.save()
        assert claim_set.id is not None
        return claim_set.id

    async def put(self, name: str) -> int | None:
        """Insert, or take over the tenant's own set of that name and lock it; None if that one is reserved."""
        visible = select(ClaimSet).where(visible_to(self._tenant_id), col(ClaimSet.claim_set_name) == name)
        found = (await self._session.exec(visible)).first()
        if found and found.is_system_reserved:
            return None
        statement: Any = (
            insert(ClaimSet)
            .values(
                tenant_id=self._tenant_id,
                claim_set_name=name,
                is_system_reserved=False,
                revision=1,
                created_by=current_caller(),
            )
            .on_conflict_do_update(
                constraint=UNIQUE,
                set_={
                    "revision": ClaimSet.revision + 1,
                    "modified_at": func.now(),
                    "modified_by": current_caller(),
                },
                where=col(ClaimSet.is_system_reserved).is_(False),
            )
            .returning(col(ClaimSet.id))
        )
        row = (await self._session.exec(statement)).first()
        return row[0] if row else None

    async def save(self) -> None:
        """Write what changed."""
        try:
            with _lock_conflicts():
                await self._session.flush()
        except IntegrityError as error:
            raise conflict_of(error, {UNIQUE: name_taken()}) from error

    async def require_free(self, name: str, *, besides: int | None = None) -> None:
        """NonUniqueIdentityError if the tenant sees another claim set of that name."""
        visible = select(ClaimSet.id).where(visible_to(self._tenant_id), col(ClaimSet.claim_set_name) == name)
        if (await self._session.exec(visible.where(col(ClaimSet.id).is_distinct_from(besides)))).first():
            raise name_taken()

    async def remove(self, claim_set_id: int) -> None:
        """Delete a claim set with its permissions."""
        await self._session.exec(delete(ClaimSet).where(col(ClaimSet.id) == claim_set_id))

    async def rename_in_applications(self, old: str, new: str) -> None:
        """Let the tenant's applications that name a set follow its new name."""
        own = (
            select(Application.id)
            .join(Vendor, col(Vendor.id) == col(Application.vendor_id))
            .where(col(Vendor.tenant_id) == self._tenant_id, col(Application.claim_set_name) == old)
        )
        with _lock_conflicts():
            ids = (await self._session.exec(own.order_by(col(Application.id)).with_for_update(of=Application))).all()
        await self._session.exec(update(Application).where(among(col(Application.id), ids)).values(claim_set_name=new))

    def _overviews(self) -> Select[ClaimSet, Sequence[str]]:
        names = (
            select(
                func.array_agg(
                    aggregate_order_by(
                        col(Application.application_name), col(Application.application_name), col(Application.id)
                    )
                )
            )
            .join(Vendor, col(Vendor.id) == col(Application.vendor_id))
            .where(
                col(Vendor.tenant_id) == self._tenant_id,
                col(Application.claim_set_name) == col(ClaimSet.claim_set_name),
            )
            .scalar_subquery()
        )
        return select(ClaimSet, func.coalesce(names, array([], type_=String))).where(visible_to(self._tenant_id))


def visible_to(tenant_id: int) -> ColumnElement[bool]:
    """Own claim sets; without a layer of its own also the shared ones that no own one of the same name hides."""
    own = aliased(ClaimSet)
    hidden = exists().where(
        col(own.tenant_id) == tenant_id,
        ~col(own.shared),
        col(own.claim_set_name) == col(ClaimSet.claim_set_name),
    )
    shared = and_(
        col(ClaimSet.tenant_id) == DEFAULT_TENANT_ID, col(ClaimSet.shared), ~has_own_layer(tenant_id), ~hidden
    )
    return or_(owned_by(tenant_id), shared)


def owned_by(tenant_id: int) -> ColumnElement[bool]:
    """The tenant's own claim sets; those that all share are not even the default tenant's."""
    return and_(col(ClaimSet.tenant_id) == tenant_id, ~col(ClaimSet.shared))


@contextmanager
def _lock_conflicts() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if isinstance(error.orig, CONTENTION):
            raise LockedOutError from error
        raise


def name_taken() -> NonUniqueIdentityError:
    """What the contract says about a second claim set of one name."""
    return NonUniqueIdentityError(errors=["A claim set with this name already exists."])
