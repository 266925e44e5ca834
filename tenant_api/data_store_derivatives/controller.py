"""The routes of derivatives of data stores."""

from typing import Any

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.data_store_derivatives.repository import DERIVATIVE_LISTS, DataStoreDerivativeRepository
from tenant_api.data_store_derivatives.schemas import (
    DataStoreDerivativeCreate,
    DataStoreDerivativeCreated,
    DataStoreDerivativeRead,
    DataStoreDerivativeReplace,
)
from tenant_api.data_store_derivatives.service import DataStoreDerivativeService
from tenant_api.data_stores.connection_strings import ConnectionStrings
from tenant_api.data_stores.repository import DataStoreRepository
from tenant_api.kernel.errors import ConflictError, UnresolvedReferenceError
from tenant_api.web.binding import ApiRequest, read_body, read_list_query, route_id
from tenant_api.web.lists import answer_list
from tenant_api.web.location import created_at
from tenant_api.web.operation import ADMIN, LIMITED, operation
from tenant_api.web.state import runtime_of, tenant_of


def provide_derivatives(request: ApiRequest, session: NamedDependency[AsyncSession]) -> DataStoreDerivativeService:
    tenant_id = tenant_of(request)
    return DataStoreDerivativeService(
        DataStoreDerivativeRepository(session, tenant_id),
        DataStoreRepository(session, tenant_id),
        ConnectionStrings.of(runtime_of(request)),
    )


class DataStoreDerivativeController(Controller):
    """Derivatives of data stores."""

    path = "/v3/dataStoreDerivatives"
    tags = ["Data store derivatives"]
    dependencies = {"derivatives": Provide(provide_derivatives, sync_to_thread=False)}

    @get(
        opt=operation(
            "listDataStoreDerivatives",
            "List derivatives of data stores",
            LIMITED,
            answers={200: list[DataStoreDerivativeRead]},
            lists=DERIVATIVE_LISTS,
        )
    )
    async def list_all(self, request: ApiRequest) -> Response[Any]:
        query = read_list_query(request, DERIVATIVE_LISTS)
        connection_strings = ConnectionStrings.of(runtime_of(request))
        return await answer_list(
            request,
            query,
            lambda session: provide_derivatives(request, session).page,
            lambda row: DataStoreDerivativeRead.of(row, connection_strings),
        )

    @post(
        opt=operation(
            "createDataStoreDerivative",
            "Create a derivative of a data store",
            ADMIN,
            body=DataStoreDerivativeCreate,
            answers={201: DataStoreDerivativeCreated},
            headers=("Location",),
            problems=(UnresolvedReferenceError, ConflictError),
            description="A data store has at most one derivative of each type.",
        )
    )
    async def create(
        self, request: ApiRequest, derivatives: NamedDependency[DataStoreDerivativeService]
    ) -> Response[DataStoreDerivativeCreated]:
        derivative = await derivatives.create(await read_body(request, DataStoreDerivativeCreate))
        assert derivative.id is not None
        title = f"New DataStoreDerivative of type {derivative.derivative_type} has been created successfully."
        body = DataStoreDerivativeCreated(id=derivative.id, status=201, title=title)
        return Response(body, headers={"Location": created_at(request, derivative.id)})

    @get(
        "/{id:str}",
        opt=operation(
            "getDataStoreDerivative",
            "Get a derivative of a data store",
            LIMITED,
            answers={200: DataStoreDerivativeRead},
            problems=(404,),
        ),
    )
    async def get_one(
        self, request: ApiRequest, derivatives: NamedDependency[DataStoreDerivativeService]
    ) -> DataStoreDerivativeRead:
        derivative = await derivatives.get(route_id(request))
        return DataStoreDerivativeRead.of(derivative, ConnectionStrings.of(runtime_of(request)))

    @put(
        "/{id:str}",
        status_code=204,
        opt=operation(
            "replaceDataStoreDerivative",
            "Replace a derivative of a data store",
            ADMIN,
            body=DataStoreDerivativeReplace,
            answers={204: None},
            problems=(404, UnresolvedReferenceError, ConflictError),
            description="Without a connection string it wipes the one that was there.",
        ),
    )
    async def replace(self, request: ApiRequest, derivatives: NamedDependency[DataStoreDerivativeService]) -> None:
        derivative_id = route_id(request)
        await derivatives.replace(derivative_id, await read_body(request, DataStoreDerivativeReplace, derivative_id))

    @delete(
        "/{id:str}",
        opt=operation(
            "deleteDataStoreDerivative",
            "Delete a derivative of a data store",
            ADMIN,
            answers={204: None},
            problems=(404,),
        ),
    )
    async def remove(self, request: ApiRequest, derivatives: NamedDependency[DataStoreDerivativeService]) -> None:
        await derivatives.remove(route_id(request))
