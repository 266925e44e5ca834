"""The routes that load whole claims documents; there only where the settings allow it (contract section 1.18)."""

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.claim_sets.document import Document, InvalidDocumentError
from tenant_api.claim_sets.hierarchies import HierarchyRepository
from tenant_api.claim_sets.loading import Loading
from tenant_api.claim_sets.references import warn_of_missing_claim_sets
from tenant_api.kernel.errors import DataError, NotFoundError
from tenant_api.settings.tree import ClaimsSettings
from tenant_api.web.binding import ApiRequest, read_body
from tenant_api.web.operation import ADMIN, READ_ONLY, operation
from tenant_api.web.rules import Failure
from tenant_api.web.state import runtime_of, tenant_of
from tenant_api.web.wire import ReadModel, WriteModel, like

DOCUMENT = {
    "claimSets": [{"claimSetName": "GrandBendSIS", "isSystemReserved": False}],
    "claimsHierarchy": [
        {
            "name": "http://ed-fi.org/identity/claims/domains/educationOrganizations",
            "defaultAuthorization": {
                "actions": [{"name": "Read", "authorizationStrategies": [{"name": "NoFurtherAuthorizationRequired"}]}]
            },
            "claimSets": [{"name": "GrandBendSIS", "actions": [{"name": "Read"}]}],
        }
    ],
}


class _ClaimsDocument:
    """Required, and described as a document. What is wrong inside is told by its own paths when it is loaded."""

    def failures(self, value: Any, _: str) -> Iterator[Failure]:
        if value is None:
            yield "", "Claims JSON is required"

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(Document.__pydantic_core_schema__)


class ClaimsUpload(WriteModel):
    """Body of upload: `claims` is a claims document."""

    model_config = like({"claims": DOCUMENT})

    claims: Annotated[Any, _ClaimsDocument()] = None


class Loaded(ReadModel):
    """What a load answers."""

    model_config = like({"success": True, "reloadId": "0d3b8a7c-8d58-4b62-9f4e-3d0f7f3f6c21", "errors": None})

    success: bool
    reload_id: UUID
    errors: list[str] | None


class ClaimsController(Controller):
    """Loading claims."""

    path = "/management"
    tags = ["Claims management"]

    @post(
        "/reload-claims",
        status_code=200,
        opt=operation(
            "reloadClaims",
            "Load the configured claims source again",
            ADMIN,
            answers={200: Loaded},
            problems=(DataError, 404),
            description="Replaces claim sets and hierarchy by those of the configured source.",
        ),
    )
    async def reload(self, request: ApiRequest, session: NamedDependency[AsyncSession]) -> Loaded:
        settings = _open_gate(request, "Claims reload")
        try:
            reload_id = await _loading(request, session).load_source(settings)
        except InvalidDocumentError as error:
            raise DataError(validation_errors=error.failures) from None
        await warn_of_missing_claim_sets(session)
        return Loaded(success=True, reload_id=reload_id, errors=None)

    @post(
        "/upload-claims",
        status_code=200,
        opt=operation(
            "uploadClaims",
            "Load a claims document",
            ADMIN,
            body=ClaimsUpload,
            answers={200: Loaded},
            problems=(404,),
            description="Replaces claim sets and hierarchy by those of the document.",
        ),
    )
    async def upload(self, request: ApiRequest, session: NamedDependency[AsyncSession]) -> Loaded:
        _open_gate(request, "Claims upload")
        upload = await read_body(request, ClaimsUpload)
        try:
            reload_id = await _loading(request, session).load(upload.claims)
        except InvalidDocumentError as error:
            raise DataError(validation_errors=error.failures) from None
        await warn_of_missing_claim_sets(session)
        return Loaded(success=True, reload_id=reload_id, errors=None)

    @get(
        "/current-claims",
        opt=operation(
            "getCurrentClaims",
            "Get the claims document that was loaded last",
            READ_ONLY,
            answers={200: dict[str, Any]},
            problems=(404,),
            headers=("X-Reload-Id",),
            example=DOCUMENT,
        ),
    )
    async def current(self, request: ApiRequest, session: NamedDependency[AsyncSession]) -> Response[dict[str, Any]]:
        _open_gate(request, "Current claims")
        loaded = await HierarchyRepository(session).document_for(tenant_of(request))
        if loaded is None:
            raise NotFoundError("The claims hierarchy was not found.")
        return Response(loaded.document, headers={"X-Reload-Id": str(loaded.reload_id)})


def _loading(request: ApiRequest, session: AsyncSession) -> Loading:
    return Loading(session, tenant_of(request), multi_tenancy=runtime_of(request).settings.multi_tenancy)


def _open_gate(request: ApiRequest, endpoint: str) -> ClaimsSettings:
    claims = runtime_of(request).settings.claims
    if not claims.unrestricted_loading:
        raise NotFoundError(f"{endpoint} endpoint is not available.")
    return claims
