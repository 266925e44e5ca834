"""The routes of tenants; there only with multi-tenancy."""

from typing import Any

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.api_clients.issuing import issuing_for
from tenant_api.kernel.errors import ConflictError, DependentItemExistsError
from tenant_api.tenants.repository import TENANT_LISTS, TenantRepository
from tenant_api.tenants.schemas import TenantCreate, TenantCreated, TenantRead, TenantReplace, TenantStatusRead
from tenant_api.tenants.service import TenantService
from tenant_api.web.binding import INT64, ApiRequest, read_body, read_list_query, route_id
from tenant_api.web.lists import answer_list
from tenant_api.web.location import created_at
from tenant_api.web.operation import ADMIN, READ_ONLY, operation
from tenant_api.web.state import runtime_of
from tenant_api.web.wire import Int64

ID = {"id": Int64}


def provide_tenants(request: ApiRequest, session: NamedDependency[AsyncSession]) -> TenantService:
    return TenantService(TenantRepository(session), runtime_of(request).tenants, issuing_for(request, session))


class TenantController(Controller):
    """Tenants."""

    path = "/v3/tenants"
    tags = ["Tenants"]
    dependencies = {"tenants": Provide(provide_tenants, sync_to_thread=False)}

    @get(opt=operation("listTenants", "List tenants", READ_ONLY, answers={200: list[TenantRead]}, lists=TENANT_LISTS))
    async def list_all(self, request: ApiRequest) -> Response[Any]:
        query = read_list_query(request, TENANT_LISTS)
        return await answer_list(request, query, lambda session: provide_tenants(request, session).page, TenantRead.of)

    @post(
        opt=operation(
            "createTenant",
            "Create a tenant",
            ADMIN,
            body=TenantCreate,
            answers={201: TenantCreated},
            headers=("Location",),
        )
    )
    async def create(self, request: ApiRequest, tenants: NamedDependency[TenantService]) -> Response[TenantCreated]:
        tenant = await tenants.create(await read_body(request, TenantCreate))
        return Response(TenantCreated.of(tenant), headers={"Location": created_at(request, tenant.id)})

    @get(
        "/{id:str}",
        opt=operation("getTenant", "Get a tenant", READ_ONLY, answers={200: TenantRead}, problems=(404,), path=ID),
    )
    async def get_one(self, request: ApiRequest, tenants: NamedDependency[TenantService]) -> TenantRead:
        return TenantRead.of(await tenants.get(route_id(request, limit=INT64)))

    @put(
        "/{id:str}",
        status_code=204,
        opt=operation(
            "replaceTenant",
            "Rename a tenant",
            ADMIN,
            body=TenantReplace,
            answers={204: None},
            path=ID,
            problems=(404, ConflictError),
            description="What belongs to the tenant stays where it is.",
        ),
    )
    async def replace(self, request: ApiRequest, tenants: NamedDependency[TenantService]) -> None:
        tenant_id = route_id(request, limit=INT64)
        await tenants.replace(tenant_id, await read_body(request, TenantReplace, tenant_id))

    @delete(
        "/{id:str}",
        opt=operation(
            "deleteTenant",
            "Delete an empty tenant",
            ADMIN,
            answers={204: None},
            path=ID,
            problems=(404, ConflictError, DependentItemExistsError),
            description="Refused while anything belongs to the tenant; `detail` names what.",
        ),
    )
    async def remove(self, request: ApiRequest, tenants: NamedDependency[TenantService]) -> None:
        await tenants.remove(route_id(request, limit=INT64))

    @get(
        "/{id:str}/status",
        opt=operation(
            "getTenantStatus",
            "Tell whether a tenant is served",
            READ_ONLY,
            answers={200: TenantStatusRead},
            problems=(404,),
            path=ID,
        ),
    )
    async def status(self, request: ApiRequest, tenants: NamedDependency[TenantService]) -> TenantStatusRead:
        return TenantStatusRead.of(await tenants.get(route_id(request, limit=INT64)))

    @post(
        "/{id:str}/suspend",
        status_code=204,
        opt=operation(
            "suspendTenant",
            "Stop serving a tenant",
            ADMIN,
            answers={204: None},
            path=ID,
            problems=(404, ConflictError),
            description=(
                "Requests that name the tenant are answered as if it were not there. Tokens stay valid "
                "until they expire."
            ),
        ),
    )
    async def suspend(self, request: ApiRequest, tenants: NamedDependency[TenantService]) -> None:
        await tenants.suspend(route_id(request, limit=INT64), suspended=True)

    @post(
        "/{id:str}/resume",
        status_code=204,
        opt=operation(
            "resumeTenant",
            "Serve a suspended tenant again",
            ADMIN,
            answers={204: None},
            path=ID,
            problems=(404, ConflictError),
        ),
    )
    async def resume(self, request: ApiRequest, tenants: NamedDependency[TenantService]) -> None:
        await tenants.suspend(route_id(request, limit=INT64), suspended=False)
