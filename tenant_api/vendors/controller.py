"""The routes of vendors."""

from typing import Any

from litestar import Controller, MediaType, Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.api_clients.issuing import issuing_for
from tenant_api.api_clients.locking import ApplicationLocks
from tenant_api.api_clients.repository import ApiClientRepository
from tenant_api.vendors.repository import VENDOR_LISTS, VendorRepository
from tenant_api.vendors.schemas import VendorCreate, VendorRead, VendorReplace
from tenant_api.vendors.service import VendorService
from tenant_api.web.binding import ApiRequest, read_body, read_list_query, route_id
from tenant_api.web.lists import answer_list
from tenant_api.web.location import created_at
from tenant_api.web.operation import ADMIN, READ_ONLY, operation
from tenant_api.web.state import tenant_of


def provide_vendors(request: ApiRequest, session: NamedDependency[AsyncSession]) -> VendorService:
    tenant_id = tenant_of(request)
    return VendorService(
        VendorRepository(session, tenant_id),
        ApiClientRepository(session, tenant_id),
        ApplicationLocks(session, tenant_id),
        issuing_for(request, session),
    )


class VendorController(Controller):
    """Vendors."""

    path = "/v3/vendors"
    tags = ["Vendors"]
    dependencies = {"vendors": Provide(provide_vendors, sync_to_thread=False)}

    @get(opt=operation("listVendors", "List vendors", READ_ONLY, answers={200: list[VendorRead]}, lists=VENDOR_LISTS))
    async def list_all(self, request: ApiRequest) -> Response[Any]:
        query = read_list_query(request, VENDOR_LISTS)
        return await answer_list(request, query, lambda session: provide_vendors(request, session).page, VendorRead.of)

    @post(
        opt=operation(
            "createVendor",
            "Create a vendor, or replace the one of the same company",
            ADMIN,
            body=VendorCreate,
            answers={201: None, 200: None},
            headers=("Location", "Operation-Location.outside"),
            description="The company identifies a vendor: 201 for a new one, 200 for one that was replaced.",
        )
    )
    async def create(self, request: ApiRequest, vendors: NamedDependency[VendorService]) -> Response[None]:
        vendor_id, is_new = await vendors.put(await read_body(request, VendorCreate))
        headers = {"Location": created_at(request, vendor_id)}
        return Response(None, status_code=201 if is_new else 200, headers=headers, media_type=MediaType.TEXT)

    @get("/{id:str}", opt=operation("getVendor", "Get a vendor", READ_ONLY, answers={200: VendorRead}, problems=(404,)))
    async def get_one(self, request: ApiRequest, vendors: NamedDependency[VendorService]) -> VendorRead:
        return VendorRead.of(await vendors.get(route_id(request)))

    @put(
        "/{id:str}",
        status_code=204,
        opt=operation(
            "replaceVendor",
            "Replace a vendor",
            ADMIN,
            body=VendorReplace,
            answers={204: None},
            headers=("Operation-Location.outside",),
            problems=(404,),
        ),
    )
    async def replace(self, request: ApiRequest, vendors: NamedDependency[VendorService]) -> None:
        vendor_id = route_id(request)
        await vendors.replace(vendor_id, await read_body(request, VendorReplace, vendor_id))

    @delete(
        "/{id:str}",
        opt=operation(
            "deleteVendor",
            "Delete a vendor",
            ADMIN,
            answers={204: None},
            headers=("Operation-Location.outside",),
            problems=(404, 502),
            description="Deletes its applications and their credentials too: their tokens are granted no more.",
        ),
    )
    async def remove(self, request: ApiRequest, vendors: NamedDependency[VendorService]) -> None:
        await vendors.remove(route_id(request))
