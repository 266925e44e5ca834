"""Reads and writes one tenant's profiles inside the caller's transaction; never commits."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, Integer
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import defer
from sqlmodel import col, delete, func, literal, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from tenant_api.db.among import among, not_among
from tenant_api.db.conflicts import conflict_of
from tenant_api.db.listing import ListQuery, ListRules
from tenant_api.db.pages import Listing, Page
from tenant_api.db.tables import ApplicationProfile, Profile
from tenant_api.kernel.errors import DataError, DependentItemExistsError

PROFILE_LISTS = ListRules(
    filters={
        "id": (int, lambda value: col(Profile.id) == value),
        "name": (str, lambda value: col(Profile.name) == value),
    },
    order_by={"id": col(Profile.id), "name": col(Profile.name)},
    default_order="id",
    direction_alone=True,
)
NAMES = "uq_profiles_tenant_id_name"
USES = "fk_application_profiles_profile_id"

LISTING = Listing[Profile](rules=PROFILE_LISTS, key=col(Profile.id))


class ProfileRepository:
    """Profiles of one tenant; another tenant's are not there."""

    def __init__(self, session: AsyncSession, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def find(self, profile_id: int) -> Profile | None:
        """One profile."""
        return (await self._session.exec(self._own().where(col(Profile.id) == profile_id))).first()

    async def lock(self, profile_id: int) -> Profile | None:
        """One profile that nobody else changes, deletes or refers to until the transaction ends."""
        return (await self._session.exec(self._own().where(col(Profile.id) == profile_id).with_for_update())).first()

    async def page(self, query: ListQuery) -> Page[Profile]:
        """A list as asked for, without definitions."""
        names = self._own().options(defer(col(Profile.definition)))  # type: ignore[arg-type]  # col() hides what it wraps
        return await LISTING.page(self._session, names, query)

    async def add(self, *, name: str, definition: str) -> Profile:
        """Insert; DataError if the tenant has a profile of that name."""
        profile = Profile(tenant_id=self._tenant_id, name=name, definition=definition)
        self._session.add(profile)
        await self._flush(DataError.of("Name", f"Profile '{name}' already exists."))
        return profile

    async def save(self) -> None:
        """Write what changed; DataError if the tenant has another profile of that name."""
        await self._flush(DataError.of("Name", "A profile with this name already exists."))

    async def remove(self, profile_id: int) -> None:
        """Delete a profile; DependentItemExistsError while applications use it."""
        used = DependentItemExistsError("Profile is assigned to applications and cannot be deleted.")
        try:
            await self._session.exec(delete(Profile).where(col(Profile.id) == profile_id))
        except IntegrityError as error:
            raise conflict_of(error, {USES: used}) from error

    async def missing(self, profile_ids: Collection[int]) -> list[int]:
        """Those that are not there, in the order given. The others stay until the transaction ends."""
        if not profile_ids:
            return []
        own = select(Profile.id).where(col(Profile.tenant_id) == self._tenant_id, among(col(Profile.id), profile_ids))
        locked = own.order_by(col(Profile.id)).with_for_update(read=True, key_share=True)
        there = set((await self._session.exec(locked)).all())
        return [profile_id for profile_id in profile_ids if profile_id not in there]

    async def assign(self, application_id: int, profile_ids: Collection[int]) -> None:
        """Let an application use exactly these profiles."""
        others = delete(ApplicationProfile).where(
            col(ApplicationProfile.application_id) == application_id,
            not_among(col(ApplicationProfile.profile_id), profile_ids),
        )
        await self._session.exec(others)
        chosen: Any = func.unnest(literal(list(profile_ids), ARRAY(Integer)))
        uses = insert(ApplicationProfile).from_select(
            ["application_id", "profile_id"], select(literal(application_id), chosen)
        )
        await self._session.exec(uses.on_conflict_do_nothing())

    async def _flush(self, taken: DataError) -> None:
        try:
            await self._session.flush()
        except IntegrityError as error:
            raise conflict_of(error, {NAMES: taken}) from error

    def _own(self) -> SelectOfScalar[Profile]:
        return select(Profile).where(col(Profile.tenant_id) == self._tenant_id)
