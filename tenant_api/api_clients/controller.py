"""The routes of API clients."""

from typing import Annotated, Any

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.api_clients.issuing import issuing_for
from tenant_api.api_clients.locking import ApplicationLocks
from tenant_api.api_clients.repository import API_CLIENT_LISTS, ApiClientRepository
from tenant_api.api_clients.schemas import (
    ApiClientCreate,
    ApiClientCredentialRead,
    ApiClientRead,
    ApiClientReplace,
)
from tenant_api.api_clients.service import ApiClientService
from tenant_api.data_stores.repository import DataStoreRepository
from tenant_api.kernel.errors import UnresolvedReferenceError
from tenant_api.web.binding import ApiRequest, read_body, read_list_query, route_id
from tenant_api.web.lists import answer_list
from tenant_api.web.location import created_at
from tenant_api.web.operation import ADMIN, LIMITED, operation
from tenant_api.web.state import tenant_of


def provide_api_clients(request: ApiRequest, session: NamedDependency[AsyncSession]) -> ApiClientService:
    tenant_id = tenant_of(request)
    return ApiClientService(
        ApiClientRepository(session, tenant_id),
        ApplicationLocks(session, tenant_id),
        DataStoreRepository(session, tenant_id),
        issuing_for(request, session),
    )


class ApiClientController(Controller):
    """API clients."""

    path = "/v3/apiClients"
    tags = ["API clients"]
    dependencies = {"clients": Provide(provide_api_clients, sync_to_thread=False)}

    @get(
        opt=operation(
            "listApiClients", "List API clients", LIMITED, answers={200: list[ApiClientRead]}, lists=API_CLIENT_LISTS
        )
    )
    async def list_all(self, request: ApiRequest) -> Response[Any]:
        query = read_list_query(request, API_CLIENT_LISTS)
        return await answer_list(
            request, query, lambda session: provide_api_clients(request, session).page, ApiClientRead.of
        )

    @post(
        opt=operation(
            "createApiClient",
            "Create an API client and show its secret, once",
            ADMIN,
            body=ApiClientCreate,
            answers={201: ApiClientCredentialRead},
            headers=("Location",),
            problems=(UnresolvedReferenceError, 502),
            description=(
                "The secret is in this answer and nowhere else. It is kept as a hash: who loses it resets it."
            ),
        )
    )
    async def create(
        self, request: ApiRequest, clients: NamedDependency[ApiClientService]
    ) -> Response[ApiClientCredentialRead]:
        client, secret = await clients.create(await read_body(request, ApiClientCreate))
        headers = {"Location": created_at(request, client.id)}
        return Response(ApiClientCredentialRead.of(client, secret), headers=headers)

    @get(
        "/{id:str}",
        opt=operation(
            "getApiClient",
            "Get an API client by its key or id",
            LIMITED,
            answers={200: ApiClientRead},
            problems=(404,),
            path={"id": Annotated[str, Field(description="The API client's key or its id.")]},
        ),
    )
    async def get_one(self, request: ApiRequest, clients: NamedDependency[ApiClientService]) -> ApiClientRead:
        return ApiClientRead.of(await clients.get(str(request.path_params["id"])))

    @put(
        "/{id:str}",
        status_code=204,
        opt=operation(
            "replaceApiClient",
            "Replace an API client",
            ADMIN,
            body=ApiClientReplace,
            answers={204: None},
            headers=("Operation-Location.outside",),
            problems=(404, UnresolvedReferenceError, 502),
            description="Holds for the next token. Another application moves the credential there.",
        ),
    )
    async def replace(self, request: ApiRequest, clients: NamedDependency[ApiClientService]) -> None:
        api_client_id = route_id(request)
        await clients.replace(api_client_id, await read_body(request, ApiClientReplace, api_client_id))

    @delete(
        "/{id:str}",
        opt=operation(
            "deleteApiClient",
            "Delete an API client",
            ADMIN,
            answers={204: None},
            headers=("Operation-Location.outside",),
            problems=(404, 502),
        ),
    )
    async def remove(self, request: ApiRequest, clients: NamedDependency[ApiClientService]) -> None:
        await clients.remove(route_id(request))

    @put(
        "/{id:str}/reset-credential",
        status_code=200,
        opt=operation(
            "resetApiClientCredential",
            "Give an API client a new secret and show it, once",
            ADMIN,
            answers={200: ApiClientCredentialRead},
            problems=(404, 502),
            description="The key stays. The old secret stops working at once.",
        ),
    )
    async def reset(self, request: ApiRequest, clients: NamedDependency[ApiClientService]) -> ApiClientCredentialRead:
        return ApiClientCredentialRead.of(*await clients.reset(route_id(request)))
