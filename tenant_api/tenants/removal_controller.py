"""The routes by which a tenant is removed with all that belongs to it."""

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency, Provide
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.api_clients.issuing import issuing_for
from tenant_api.kernel.errors import ConflictError
from tenant_api.tenants.removal import TenantRemovalService
from tenant_api.tenants.removal_schemas import (
    TenantContentsRead,
    TenantRemovalAccepted,
    TenantRemovalConfirm,
    TenantRemovalRead,
)
from tenant_api.tenants.repository import TenantRepository, target_of
from tenant_api.tenants.service import TenantService
from tenant_api.web.binding import INT64, ApiRequest, read_body, route_id
from tenant_api.web.location import base_url
from tenant_api.web.operation import ADMIN, READ_ONLY, operation
from tenant_api.web.state import runtime_of
from tenant_api.web.wire import Int64

ID = {"id": Int64}


def provide_removal(request: ApiRequest, session: NamedDependency[AsyncSession]) -> TenantRemovalService:
    runtime = runtime_of(request)
    tenants = TenantService(TenantRepository(session), runtime.tenants, issuing_for(request, session))
    return TenantRemovalService(session, tenants, runtime.settings.workers)


class TenantRemovalController(Controller):
    """Removal of tenants that are not empty: first what would go, then the work, as a job."""

    path = "/v3/tenants/{id:str}/removal"
    tags = ["Tenants"]
    dependencies = {"removals": Provide(provide_removal, sync_to_thread=False)}

    @get(
        opt=operation(
            "getTenantRemoval",
            "Tell what the removal of a tenant would remove",
            READ_ONLY,
            answers={200: TenantRemovalRead},
            problems=(404, ConflictError),
            path=ID,
            description="Counts are exact, names are the first hundred. `confirmation` stands for all of them.",
        )
    )
    async def describe(self, request: ApiRequest, removals: NamedDependency[TenantRemovalService]) -> TenantRemovalRead:
        found = await removals.describe(route_id(request, limit=INT64))
        assert found.tenant.id is not None
        return TenantRemovalRead(
            id=found.tenant.id,
            name=found.tenant.name,
            suspended=found.tenant.suspended,
            contents=TenantContentsRead.of(found.inventory),
            confirmation=found.inventory.confirmation,
            job_id=found.job_id,
        )

    @post(
        status_code=202,
        opt=operation(
            "removeTenant",
            "Remove a tenant with all that belongs to it, as a job",
            ADMIN,
            body=TenantRemovalConfirm,
            answers={202: TenantRemovalAccepted},
            problems=(404, ConflictError),
            path=ID,
            description=(
                "Suspends the tenant and removes its databases, its credentials and its rows. Refused unless "
                "`confirmation` stands for what belongs to the tenant now. The job is read without a `Tenant` header."
            ),
            headers=("Location", "Operation-Location"),
        ),
    )
    async def accept(
        self, request: ApiRequest, removals: NamedDependency[TenantRemovalService]
    ) -> Response[TenantRemovalAccepted]:
        tenant_id = route_id(request, limit=INT64)
        wanted = await read_body(request, TenantRemovalConfirm)
        job_id = await removals.accept(tenant_id, wanted.confirmation or "")
        base = base_url(request)
        headers = {
            "Location": f"{base}{target_of(tenant_id)}/removal",
            "Operation-Location": f"{base}/v3/jobs/{job_id}",
            "Retry-After": "1",
        }
        return Response(TenantRemovalAccepted(job_id=job_id), status_code=202, headers=headers)
