"""The routes of profiles."""

from typing import Any

from litestar import Controller, MediaType, Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.kernel.errors import DependentItemExistsError
from tenant_api.profiles.repository import PROFILE_LISTS, ProfileRepository
from tenant_api.profiles.schemas import ProfileCreate, ProfileListed, ProfileRead, ProfileReplace
from tenant_api.profiles.service import ProfileService
from tenant_api.web.binding import ApiRequest, read_body, read_list_query, route_id
from tenant_api.web.lists import answer_list
from tenant_api.web.location import created_at
from tenant_api.web.operation import ADMIN, READ_ONLY, operation
from tenant_api.web.state import tenant_of


def provide_profiles(request: ApiRequest, session: NamedDependency[AsyncSession]) -> ProfileService:
    return ProfileService(ProfileRepository(session, tenant_of(request)))


class ProfileController(Controller):
    """Profiles."""

    path = "/v3/profiles"
    tags = ["Profiles"]
    dependencies = {"profiles": Provide(provide_profiles, sync_to_thread=False)}

    @get(
        opt=operation(
            "listProfiles", "List profiles", READ_ONLY, answers={200: list[ProfileListed]}, lists=PROFILE_LISTS
        )
    )
    async def list_all(self, request: ApiRequest) -> Response[Any]:
        query = read_list_query(request, PROFILE_LISTS)
        return await answer_list(
            request, query, lambda session: provide_profiles(request, session).page, ProfileListed.of
        )

    @post(
        opt=operation(
            "createProfile",
            "Create a profile",
            ADMIN,
            body=ProfileCreate,
            answers={201: None},
            headers=("Location",),
        )
    )
    async def create(self, request: ApiRequest, profiles: NamedDependency[ProfileService]) -> Response[None]:
        profile_id = await profiles.create(await read_body(request, ProfileCreate))
        headers = {"Location": created_at(request, profile_id)}
        return Response(None, status_code=201, headers=headers, media_type=MediaType.TEXT)

    @get(
        "/{id:str}",
        opt=operation("getProfile", "Get a profile", READ_ONLY, answers={200: ProfileRead}, problems=(404,)),
    )
    async def get_one(self, request: ApiRequest, profiles: NamedDependency[ProfileService]) -> ProfileRead:
        return ProfileRead.of(await profiles.get(route_id(request)))

    @put(
        "/{id:str}",
        status_code=204,
        opt=operation(
            "replaceProfile", "Replace a profile", ADMIN, body=ProfileReplace, answers={204: None}, problems=(404,)
        ),
    )
    async def replace(self, request: ApiRequest, profiles: NamedDependency[ProfileService]) -> None:
        profile_id = route_id(request)
        await profiles.replace(profile_id, await read_body(request, ProfileReplace, profile_id))

    @delete(
        "/{id:str}",
        opt=operation(
            "deleteProfile",
            "Delete a profile",
            ADMIN,
            answers={204: None},
            problems=(404, DependentItemExistsError),
        ),
    )
    async def remove(self, request: ApiRequest, profiles: NamedDependency[ProfileService]) -> None:
        await profiles.remove(route_id(request))
