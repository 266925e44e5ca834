"""The routes of data stores."""

from functools import partial
from typing import Any

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.api_clients.issuing import issuing_for
from tenant_api.data_stores.connection_strings import ConnectionStrings
from tenant_api.data_stores.overview import DataStoreOverview
from tenant_api.data_stores.repository import DATA_STORE_LISTS, DataStoreRepository
from tenant_api.data_stores.schemas import DataStoreCreate, DataStoreCreated, DataStoreRead, DataStoreReplace
from tenant_api.data_stores.service import DataStoreService
from tenant_api.kernel.errors import ConflictError
from tenant_api.web.binding import ApiRequest, read_body, read_list_query, route_id
from tenant_api.web.lists import answer_list
from tenant_api.web.location import created_at
from tenant_api.web.operation import ADMIN, LIMITED, operation
from tenant_api.web.state import runtime_of, tenant_of


def provide_data_stores(request: ApiRequest, session: NamedDependency[AsyncSession]) -> DataStoreService:
    return DataStoreService(
        DataStoreRepository(session, tenant_of(request)),
        ConnectionStrings.of(runtime_of(request)),
        issuing_for(request, session),
    )


class DataStoreController(Controller):
    """Data stores."""

    path = "/v3/dataStores"
    tags = ["Data stores"]
    dependencies = {"stores": Provide(provide_data_stores, sync_to_thread=False)}

    @get(
        opt=operation(
            "listDataStores", "List data stores", LIMITED, answers={200: list[DataStoreRead]}, lists=DATA_STORE_LISTS
        )
    )
    async def list_all(self, request: ApiRequest) -> Response[Any]:
        query = read_list_query(request, DATA_STORE_LISTS)
        return await answer_list(
            request, query, lambda session: provide_data_stores(request, session).page, partial(_shown, request)
        )

    @post(
        opt=operation(
            "createDataStore",
            "Create a data store",
            ADMIN,
            body=DataStoreCreate,
            answers={201: DataStoreCreated},
            headers=("Location",),
            description="Neither name nor type need be unique. The connection string is kept encrypted.",
        )
    )
    async def create(
        self, request: ApiRequest, stores: NamedDependency[DataStoreService]
    ) -> Response[DataStoreCreated]:
        store = await stores.create(await read_body(request, DataStoreCreate))
        assert store.id is not None
        title = f"New DataStore {store.name} has been created successfully."
        body = DataStoreCreated(id=store.id, status=201, title=title)
        return Response(body, headers={"Location": created_at(request, store.id)})

    @get(
        "/{id:str}",
        opt=operation("getDataStore", "Get a data store", LIMITED, answers={200: DataStoreRead}, problems=(404,)),
    )
    async def get_one(self, request: ApiRequest, stores: NamedDependency[DataStoreService]) -> DataStoreRead:
        return _shown(request, await stores.get(route_id(request)))

    @put(
        "/{id:str}",
        status_code=204,
        opt=operation(
            "replaceDataStore",
            "Replace a data store",
            ADMIN,
            body=DataStoreReplace,
            answers={204: None},
            problems=(404, ConflictError),
            description=(
                "Without a connection string it wipes the one that was there. That of a managed data "
                "store is not changed here."
            ),
        ),
    )
    async def replace(self, request: ApiRequest, stores: NamedDependency[DataStoreService]) -> None:
        data_store_id = route_id(request)
        await stores.replace(data_store_id, await read_body(request, DataStoreReplace, data_store_id))

    @delete(
        "/{id:str}",
        opt=operation(
            "deleteDataStore",
            "Delete a data store",
            ADMIN,
            answers={204: None},
            headers=("Operation-Location.outside",),
            problems=(404, ConflictError),
            description=(
                "Deletes its contexts and derivatives and takes it from applications. The database itself "
                "is not touched."
            ),
        ),
    )
    async def remove(self, request: ApiRequest, stores: NamedDependency[DataStoreService]) -> None:
        await stores.remove(route_id(request))


def _shown(request: ApiRequest, store: DataStoreOverview) -> DataStoreRead:
    runtime = runtime_of(request)
    return DataStoreRead.of(store, ConnectionStrings.of(runtime), settings=runtime.settings)
