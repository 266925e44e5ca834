"""The routes of claim sets, and of the authorization metadata made of them."""

from typing import Annotated, Any

from litestar import Controller, MediaType, Response, delete, get, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.api_clients.issuing import issuing_for
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
from tenant_api.kernel.errors import (
    BadRequestError,
    NonUniqueIdentityError,
    NotFoundError,
    ParameterError,
    UnresolvedReferenceError,
)
from tenant_api.web.binding import INVALID_PARAMETER, ApiRequest, read_body, read_list_query, route_id
from tenant_api.web.lists import answer_list
from tenant_api.web.location import base_url
from tenant_api.web.operation import ADMIN, LIMITED, READ_ONLY, operation
from tenant_api.web.state import tenant_of

WORDS = ["/copy", "/import"]


def provide_claim_sets(request: ApiRequest, session: NamedDependency[AsyncSession], state: State) -> ClaimSetService:
    tenant_id = tenant_of(request)
    return ClaimSetService(
        ClaimSetRepository(session, tenant_id),
        PermissionRepository(session),
        Surroundings(session, state.claims, tenant_id),
        issuing_for(request, session),
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
            headers=("Location",),
            problems=(NonUniqueIdentityError,),
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
            headers=("Operation-Location.outside",),
            problems=(404, BadRequestError, NonUniqueIdentityError),
            description="The applications that name it follow; their next tokens say the new name.",
        ),
    )
    async def rename(self, request: ApiRequest, claim_sets: NamedDependency[ClaimSetService]) -> None:
        claim_set_id = route_id(request)
        await claim_sets.rename(claim_set_id, await read_body(request, ClaimSetRename, claim_set_id))

    @delete(
        "/{id:str}",
        opt=operation(
            "deleteClaimSet",
            "Delete a claim set",
            ADMIN,
            answers={204: None},
            problems=(404, BadRequestError),
            description="Applications that name it stay, and can do nothing.",
        ),
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
            headers=("Location",),
            problems=(UnresolvedReferenceError, NonUniqueIdentityError),
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
            headers=("Location",),
            problems=(BadRequestError,),
            description="What does not fit the hierarchy is left out and named in `warnings`.",
        ),
    )
    async def take(self, request: ApiRequest, claim_sets: NamedDependency[ClaimSetService]) -> Response[Imported]:
        claim_set_id, warnings = await claim_sets.put(await read_body(request, ClaimSetImport))
        body = Imported(id=claim_set_id, warnings=list(warnings))
        return Response(body, headers={"Location": _address(request, claim_set_id)})

    # The words are paths of POST alone; to every other method they are ids that cannot be read.

    @get(WORDS, opt=get_one.opt, include_in_schema=False)
    async def get_word(self) -> None:
        raise ParameterError(errors=[INVALID_PARAMETER])

    @put(WORDS, opt=rename.opt, include_in_schema=False)
    async def rename_word(self) -> None:
        raise ParameterError(errors=[INVALID_PARAMETER])

    @delete(WORDS, opt=remove.opt, include_in_schema=False)
    async def remove_word(self) -> None:
        raise ParameterError(errors=[INVALID_PARAMETER])


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
            query={"claimSetName": Annotated[str, Field(description="Only this claim set, by its name in any case.")]},
            headers=("ETag",),
            description=(
                "Without `claimSetName`, of all claim sets. `If-None-Match` with the last `ETag` saves the body."
            ),
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
        if _names(request.headers.get("if-none-match", ""), metadata.etag):
            return Response(b"", status_code=304, headers=headers, media_type=MediaType.JSON)
        return Response(metadata.body, headers=headers, media_type=MediaType.JSON)


def _names(header: str, etag: str) -> bool:
    """Whether `If-None-Match` means this answer: by its tag, or by the star that means any (RFC 9110, 13.1.2)."""
    return header.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in header.split(",")}


def _address(request: ApiRequest, claim_set_id: int) -> str:
    return f"{base_url(request)}/v3/claimSets/{claim_set_id}"


def _created(request: ApiRequest, claim_set_id: int) -> Response[None]:
    headers = {"Location": _address(request, claim_set_id)}
    return Response(None, status_code=201, headers=headers, media_type=MediaType.TEXT)


def _shown(export: ClaimSetExport) -> ClaimSetDetails:
    claims = [GrantedClaim.of(node, granted) for node, granted in export.claims]
    return ClaimSetDetails.of(export.claim_set, resource_claims=claims)
