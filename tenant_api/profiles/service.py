"""Rules about profiles; knows no HTTP and no SQL."""

import asyncio

from tenant_api.db.listing import ListQuery
from tenant_api.db.pages import Page
from tenant_api.db.tables import Profile
from tenant_api.kernel.errors import DataError, NotFoundError
from tenant_api.profiles.repository import ProfileRepository
from tenant_api.profiles.schemas import ProfileCreate, ProfileReplace

LONG = 64 * 1024
"""Characters of a definition that are judged beside the event loop, which serves others meanwhile."""


class ProfileService:
    """Profiles of the addressed tenant. A row was judged when it was written and never is again."""

    def __init__(self, profiles: ProfileRepository) -> None:
        self._profiles = profiles

    async def page(self, query: ListQuery) -> Page[Profile]:
        """A list as asked for."""
        return await self._profiles.page(query)

    async def get(self, profile_id: int) -> Profile:
        """One profile; NotFoundError."""
        return _there(await self._profiles.find(profile_id), profile_id)

    async def create(self, wanted: ProfileCreate) -> int:
        """A new profile; DataError if it breaks a rule, or if its name is taken."""
        await _require_valid(wanted)
        profile = await self._profiles.add(name=wanted.name or "", definition=wanted.definition or "")
        assert profile.id is not None
        return profile.id

    async def replace(self, profile_id: int, wanted: ProfileReplace) -> None:
        """Bring a profile to the wanted state; NotFoundError, DataError as for `create`."""
        await _require_valid(wanted)
        profile = _there(await self._profiles.lock(profile_id), profile_id)
        profile.name = wanted.name or ""
        profile.definition = wanted.definition or ""
        await self._profiles.save()

    async def remove(self, profile_id: int) -> None:
        """Delete a profile that no application uses; NotFoundError, DependentItemExistsError."""
        _there(await self._profiles.lock(profile_id), profile_id)
        await self._profiles.remove(profile_id)


async def _require_valid(wanted: ProfileCreate) -> None:
    is_long = len(wanted.definition or "") > LONG
    failures = await asyncio.to_thread(wanted.broken_rules) if is_long else wanted.broken_rules()
    if failures:
        raise DataError(validation_errors=failures)


def _there(profile: Profile | None, profile_id: int) -> Profile:
    if profile is None:
        raise NotFoundError(f"Profile {profile_id} not found.")
    return profile
