"""The routes of comparisons with the identity provider."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency, Provide
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.identity.repository import ReconciliationRepository
from tenant_api.identity.schemas import ReconciliationAccepted, ReconciliationRead, ReconciliationRequest
from tenant_api.identity.service import ReconciliationService
from tenant_api.kernel.errors import ConflictError
from tenant_api.operations.repository import OperationRepository
from tenant_api.web.binding import ApiRequest, read_optional_body, route_uuid
from tenant_api.web.location import base_url
from tenant_api.web.operation import ADMIN, READ_ONLY, operation
from tenant_api.web.state import runtime_of, tenant_of

REPORTS = "/v3/identity/reconciliations"


def provide_reconciliations(request: ApiRequest, session: NamedDependency[AsyncSession]) -> ReconciliationService:
    tenant_id = tenant_of(request)
    return ReconciliationService(
        ReconciliationRepository(session, tenant_id),
        OperationRepository(session, tenant_id),
        runtime_of(request).settings,
        tenant_id,
    )


class ReconciliationController(Controller):
    """Compares the clients of the addressed tenant with those at the identity provider."""

    path = "/v3/identity"
    tags = ["Identity provider"]
    dependencies = {"reconciliations": Provide(provide_reconciliations, sync_to_thread=False)}

    @post(
        "/reconcile",
        status_code=202,
        opt=operation(
            "reconcileIdentityProvider",
            "Compare the clients at the identity provider with the rows, as a job",
            ADMIN,
            body=ReconciliationRequest,
            optional_body=True,
            answers={202: ReconciliationAccepted},
            headers=("Location", "Operation-Location"),
            problems=(ConflictError,),
            description=(
                "Reports only, unless `dryRun` is false. Then it also repairs what differs, but nothing at all if more "
                "clients differ than `limit` says. Clients that this installation did not make are reported and left "
                "as they are. The report is read at `Location`, also while the job is at it."
            ),
        ),
    )
    async def start(
        self, request: ApiRequest, reconciliations: NamedDependency[ReconciliationService]
    ) -> Response[ReconciliationAccepted]:
        wanted = await read_optional_body(request, ReconciliationRequest)
        job_id = await reconciliations.start(dry_run=wanted.dry_run, limit=wanted.limit)
        base = base_url(request)
        headers = {
            "Location": f"{base}{REPORTS}/{job_id}",
            "Operation-Location": f"{base}/v3/jobs/{job_id}",
            "Retry-After": "1",
        }
        return Response(ReconciliationAccepted(job_id=job_id), status_code=202, headers=headers)

    @get(
        "/reconciliations/{id:str}",
        opt=operation(
            "getReconciliation",
            "Get what a comparison has found",
            READ_ONLY,
            answers={200: ReconciliationRead},
            problems=(404,),
            path={"id": Annotated[UUID, Field(description="The id of the job that compares.")]},
            description="Counts are exact, ids are the first hundred of each kind. The newest comparisons are kept.",
        ),
    )
    async def get_one(
        self, request: ApiRequest, reconciliations: NamedDependency[ReconciliationService]
    ) -> ReconciliationRead:
        return ReconciliationRead.of(await reconciliations.get(route_uuid(request)))
