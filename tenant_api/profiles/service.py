"""Rules about profiles; knows no HTTP and no SQL."""

from tenant_api.db.listing import ListQuery
from tenant_api.db.pages import Page
from tenant_api.db.tables import Profile
from tenant_api.kernel.errors import NotFoundError
from tenant_api.profiles.repository import ProfileRepository
from tenant_api.profiles.schemas import ProfileCreate, ProfileReplace


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
        """A new profile; DataError if its name is taken."""
        profile = await self._profiles.add(name=wanted.name or "", definition=wanted.definition or "")
        assert profile.id is not None
        return profile.id

    async def replace(self, profile_id: int, wanted: ProfileReplace) -> None:
        """Bring a profile to the wanted state; NotFoundError, DataError if another one has that name."""
        profile = _there(await self._profiles.lock(profile_id), profile_id)
        profile.name = wanted.name or ""
        profile.definition = wanted.definition or ""
        await self._profiles.save()

    async def remove(self, profile_id: int) -> None:
        """Delete a profile that no application uses; NotFoundError, DependentItemExistsError."""
        _there(await self._profiles.lock(profile_id), profile_id)
        await self._profiles.remove(profile_id)


def _there(profile: Profile | None, profile_id: int) -> Profile:
    if profile is None:
        raise NotFoundError(f"Profile {profile_id} not found.")
    return profile
