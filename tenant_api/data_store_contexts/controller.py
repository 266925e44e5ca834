"""The routes of contexts of data stores."""

from typing import Any

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.data_store_contexts.repository import CONTEXT_LISTS, DataStoreContextRepository
from tenant_api.data_store_contexts.schemas import (
    DataStoreContextCreate,
    DataStoreContextCreated,
    DataStoreContextRead,
    DataStoreContextReplace,
)
from tenant_api.data_store_contexts.service import DataStoreContextService
from tenant_api.data_stores.repository import DataStoreRepository
from tenant_api.kernel.errors import UnresolvedReferenceError
from tenant_api.web.binding import ApiRequest, read_body, read_list_query, route_id
from tenant_api.web.lists import answer_list
from tenant_api.web.location import created_at
from tenant_api.web.operation import ADMIN, LIMITED, operation
from tenant_api.web.state import tenant_of


def provide_contexts(request: ApiRequest, session: NamedDependency[AsyncSession]) -> DataStoreContextService:
    tenant_id = tenant_of(request)
    return DataStoreContextService(
        DataStoreContextRepository(session, tenant_id), DataStoreRepository(session, tenant_id)
    )


class DataStoreContextController(Controller):
    """Contexts of data stores."""

    path = "/v3/dataStoreContexts"
    tags = ["Data store contexts"]
    dependencies = {"contexts": Provide(provide_contexts, sync_to_thread=False)}

    @get(
        opt=operation(
            "listDataStoreContexts",
            "List contexts of data stores",
            LIMITED,
            answers={200: list[DataStoreContextRead]},
            lists=CONTEXT_LISTS,
        )
    )
    async def list_all(self, request: ApiRequest) -> Response[Any]:
        query = read_list_query(request, CONTEXT_LISTS)
        return await answer_list(
            request, query, lambda session: provide_contexts(request, session).page, DataStoreContextRead.of
        )

    @post(
        opt=operation(
            "createDataStoreContext",
            "Create a context of a data store",
            ADMIN,
            body=DataStoreContextCreate,
            answers={201: DataStoreContextCreated},
            headers=("Location",),
            problems=(UnresolvedReferenceError,),
        )
    )
    async def create(
        self, request: ApiRequest, contexts: NamedDependency[DataStoreContextService]
    ) -> Response[DataStoreContextCreated]:
        context_id = await contexts.create(await read_body(request, DataStoreContextCreate))
        headers = {"Location": created_at(request, context_id)}
        return Response(DataStoreContextCreated(id=context_id), headers=headers)

    @get(
        "/{id:str}",
        opt=operation(
            "getDataStoreContext",
            "Get a context of a data store",
            LIMITED,
            answers={200: DataStoreContextRead},
            problems=(404,),
        ),
    )
    async def get_one(
        self, request: ApiRequest, contexts: NamedDependency[DataStoreContextService]
    ) -> DataStoreContextRead:
        return DataStoreContextRead.of(await contexts.get(route_id(request)))

    @put(
        "/{id:str}",
        status_code=204,
        opt=operation(
            "replaceDataStoreContext",
            "Replace a context of a data store",
            ADMIN,
            body=DataStoreContextReplace,
            answers={204: None},
            problems=(404, UnresolvedReferenceError),
            description="Another data store moves the context there.",
        ),
    )
    async def replace(self, request: ApiRequest, contexts: NamedDependency[DataStoreContextService]) -> None:
        context_id = route_id(request)
        await contexts.replace(context_id, await read_body(request, DataStoreContextReplace, context_id))

    @delete(
        "/{id:str}",
        opt=operation(
            "deleteDataStoreContext", "Delete a context of a data store", ADMIN, answers={204: None}, problems=(404,)
        ),
    )
    async def remove(self, request: ApiRequest, contexts: NamedDependency[DataStoreContextService]) -> None:
        await contexts.remove(route_id(request))
