"""The routes of claim sets, and of the authorization metadata made of them."""

from typing import Any

from litestar import Controller, MediaType, Response, delete, get, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.claim_sets.exporting import ClaimSetExport
from tenant_api.claim_sets.importing import ClaimSetImport, Imported
from tenant_api.claim_sets.memory import ClaimsMemory
from tenant_api.claim_sets.permissions import PermissionRepository
from tenant_api.claim_sets.repository import CLAIM_SET_LISTS, ClaimSetRepository
from tenant_api.claim_sets.schemas import (
    ClaimSetAuthorization,
    ClaimSetCopy,
    ClaimSetCreate,
    ClaimSetDetails,
    ClaimSetRead,
    ClaimSetRename,
    GrantedClaim,
)
from tenant_api.claim_sets.service import ClaimSetService
from tenant_api.claim_sets.surroundings import Surroundings
from tenant_api.kernel.errors import NotFoundError
from tenant_api.web.binding import ApiRequest, read_body, read_list_query, route_id
from tenant_api.web.lists import answer_list
from tenant_api.web.location import base_url
from tenant_api.web.operation import ADMIN, LIMITED, READ_ONLY, operation
from tenant_api.web.state import tenant_of


def provide_claim_sets(request: ApiRequest, session: NamedDependency[AsyncSession], state: State) -> ClaimSetService:
    tenant_id = tenant_of(request)
    return ClaimSetService(
        ClaimSetRepository(session, tenant_id),
        PermissionRepository(session),
        Surroundings(session, state.claims, tenant_id),
    )


class ClaimSetController(Controller):
    """Claim sets."""

    path = "/v3/claimSets"
    tags = ["Claim sets"]
    dependencies = {"claim_sets": Provide(provide_claim_sets, sync_to_thread=False)}

    @get(
        opt=operation(
            "listClaimSets", "List claim sets", LIMITED, answers={200: list[ClaimSetRead]}, lists=CLAIM_SET_LISTS
        )
    )
    async def list_all(self, request: ApiRequest, state: State) -> Response[Any]:
        query = read_list_query(request, CLAIM_SET_LISTS)
        return await answer_list(
            request, query, lambda session: provide_claim_sets(request, session, state).page, ClaimSetRead.of
        )

    @post(
        opt=operation(
            "createClaimSet",
            "Create a claim set that grants nothing",
            ADMIN,
            body=ClaimSetCreate,
            answers={201: None},
            problems=(409,),
            headers=("Location",),
        )
    )
    async def create(self, request: ApiRequest, claim_sets: NamedDependency[ClaimSetService]) -> Response[None]:
        return _created(request, await claim_sets.create(await read_body(request, ClaimSetCreate)))

    @get(
        "/{id:str}",
        opt=operation(
            "getClaimSet",
            "Get a claim set with all that it grants",
            READ_ONLY,
            answers={200: ClaimSetDetails},
            problems=(404,),
        ),
    )
    async def get_one(self, request: ApiRequest, claim_sets: NamedDependency[ClaimSetService]) -> ClaimSetDetails:
        return _shown(await claim_sets.export(route_id(request)))

    @get(
        "/{id:str}/export",
        opt=operation(
            "exportClaimSet",
            "Get a claim set in the form that can be imported",
            READ_ONLY,
            answers={200: ClaimSetDetails},
            problems=(404,),
        ),
    )
    async def export(self, request: ApiRequest, claim_sets: NamedDependency[ClaimSetService]) -> ClaimSetDetails:
        return _shown(await claim_sets.export(route_id(request)))

    @put(
        "/{id:str}",
        status_code=204,
        opt=operation(
            "renameClaimSet",
            "Rename a claim set and what names it",
            ADMIN,
            body=ClaimSetRename,
            answers={204: None},
            problems=(404, 409),
        ),
    )
    async def rename(self, request: ApiRequest, claim_sets: NamedDependency[ClaimSetService]) -> None:
        claim_set_id = route_id(request)
        await claim_sets.rename(claim_set_id, await read_body(request, ClaimSetRename, claim_set_id))

    @delete(
        "/{id:str}",
        opt=operation("deleteClaimSet", "Delete a claim set", ADMIN, answers={204: None}, problems=(400, 404, 409)),
    )
    async def remove(self, request: ApiRequest, claim_sets: NamedDependency[ClaimSetService]) -> None:
        await claim_sets.remove(route_id(request))

    @post(
        "/copy",
        opt=operation(
            "copyClaimSet",
            "Create a claim set that grants what another one does",
            ADMIN,
            body=ClaimSetCopy,
            answers={201: None},
            problems=(409,),
            headers=("Location",),
        ),
    )
    async def copy(self, request: ApiRequest, claim_sets: NamedDependency[ClaimSetService]) -> Response[None]:
        return _created(request, await claim_sets.copy(await read_body(request, ClaimSetCopy)))

    @post(
        "/import",
        opt=operation(
            "importClaimSet",
            "Create a claim set, or replace all that it grants",
            ADMIN,
            body=ClaimSetImport,
            answers={201: Imported},
            problems=(409,),
            headers=("Location",),
        ),
    )
    async def take(self, request: ApiRequest, claim_sets: NamedDependency[ClaimSetService]) -> Response[Imported]:
        claim_set_id, warnings = await claim_sets.put(await read_body(request, ClaimSetImport))
        body = Imported(id=claim_set_id, warnings=list(warnings))
        return Response(body, headers={"Location": _address(request, claim_set_id)})


class AuthorizationMetadataController(Controller):
    """Authorization metadata."""

    path = "/v3/authorizationMetadata"
    tags = ["Claim sets"]

    @get(
        opt=operation(
            "getAuthorizationMetadata",
            "Get what each claim set may do with each resource",
            LIMITED,
            answers={200: list[ClaimSetAuthorization], 304: None},
            problems=(404,),
            query={"claimSetName": str},
            headers=("ETag",),
        )
    )
    async def metadata(self, request: ApiRequest, state: State) -> Response[bytes]:
        given = {name.lower(): value for name, value in request.query_params.multi_items()}
        name = given.get("claimsetname") or None
        memory: ClaimsMemory = state.claims
        metadata = await memory.metadata(tenant_of(request), name)
        if metadata is None:
            raise NotFoundError(f"Authorization metadata for claim set '{name or ''}' not found.")
        headers = {"ETag": metadata.etag, "Cache-Control": "private, no-cache"}
        if metadata.etag in _tags(request.headers.get("if-none-match", "")):
            return Response(b"", status_code=304, headers=headers, media_type=MediaType.JSON)
        return Response(metadata.body, headers=headers, media_type=MediaType.JSON)


def _tags(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}


def _address(request: ApiRequest, claim_set_id: int) -> str:
    return f"{base_url(request)}/v3/claimSets/{claim_set_id}"


def _created(request: ApiRequest, claim_set_id: int) -> Response[None]:
    headers = {"Location": _address(request, claim_set_id)}
    return Response(None, status_code=201, headers=headers, media_type=MediaType.TEXT)


def _shown(export: ClaimSetExport) -> ClaimSetDetails:
    claims = [GrantedClaim.of(node, granted) for node, granted in export.claims]
    return ClaimSetDetails.of(export.claim_set, resource_claims=claims)
