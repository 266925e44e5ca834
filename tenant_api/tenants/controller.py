"""The routes of tenants; there only with multi-tenancy."""

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency, Provide
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.tenants.repository import TENANT_LISTS, TenantRepository
from tenant_api.tenants.schemas import TenantCreate, TenantCreated, TenantRead
from tenant_api.tenants.service import TenantService
from tenant_api.web.binding import INT64, ApiRequest, read_body, read_list_query, route_id
from tenant_api.web.location import created_at
from tenant_api.web.operation import ADMIN, READ_ONLY, operation


def provide_tenants(session: NamedDependency[AsyncSession]) -> TenantService:
    return TenantService(TenantRepository(session))


class TenantController(Controller):
    """Tenants."""

    path = "/v3/tenants"
    tags = ["Tenants"]
    dependencies = {"tenants": Provide(provide_tenants, sync_to_thread=False)}

    @get(opt=operation("listTenants", "List tenants", READ_ONLY, answers={200: list[TenantRead]}, lists=TENANT_LISTS))
    async def list_all(self, request: ApiRequest, tenants: NamedDependency[TenantService]) -> list[TenantRead]:
        return [TenantRead.of(row) for row in await tenants.page(read_list_query(request, TENANT_LISTS))]

    @post(
        opt=operation(
            "createTenant",
            "Create a tenant",
            ADMIN,
            body=TenantCreate,
            answers={201: TenantCreated},
            problems=(409,),
            headers=("Location",),
        )
    )
    async def create(self, request: ApiRequest, tenants: NamedDependency[TenantService]) -> Response[TenantCreated]:
        tenant = await tenants.create(await read_body(request, TenantCreate))
        return Response(TenantCreated.of(tenant), headers={"Location": created_at(request, tenant.id)})

    @get("/{id:str}", opt=operation("getTenant", "Get a tenant", READ_ONLY, answers={200: TenantRead}, problems=(404,)))
    async def get_one(self, request: ApiRequest, tenants: NamedDependency[TenantService]) -> TenantRead:
        return TenantRead.of(await tenants.get(route_id(request, limit=INT64)))
