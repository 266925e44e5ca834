"""The routes of managed data stores."""

from typing import Any

from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency, Provide
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.kernel.clock import utcnow
from tenant_api.kernel.errors import ConflictError, DataError, DependentItemExistsError
from tenant_api.managed_data_stores.repository import MANAGED_LISTS, ManagedDataStoreRepository
from tenant_api.managed_data_stores.schemas import (
    HealthRead,
    ManagedDataStoreAccepted,
    ManagedDataStoreCreate,
    ManagedDataStoreRead,
)
from tenant_api.managed_data_stores.service import ManagedDataStoreService, target_of
from tenant_api.operations.repository import OperationRepository
from tenant_api.web.binding import ApiRequest, read_body, read_list_query, route_id
from tenant_api.web.lists import answer_list
from tenant_api.web.location import base_url
from tenant_api.web.operation import ADMIN, READ_ONLY, operation
from tenant_api.web.state import runtime_of, tenant_of

ACCEPTED_HEADERS = ("Location", "Operation-Location")


def provide_managed(request: ApiRequest, session: NamedDependency[AsyncSession]) -> ManagedDataStoreService:
    tenant_id = tenant_of(request)
    return ManagedDataStoreService(
        ManagedDataStoreRepository(session, tenant_id),
        OperationRepository(session, tenant_id),
        runtime_of(request),
        tenant_id,
    )


class ManagedDataStoreController(Controller):
    """Databases that the service creates, owns and removes."""

    path = "/v3/dataStores/manage"
    tags = ["Managed data stores"]
    dependencies = {"managed": Provide(provide_managed, sync_to_thread=False)}

    @get(
        opt=operation(
            "listManagedDataStores",
            "List managed data stores, deleted ones included",
            READ_ONLY,
            answers={200: list[ManagedDataStoreRead]},
            lists=MANAGED_LISTS,
        )
    )
    async def list_all(self, request: ApiRequest) -> Response[Any]:
        query = read_list_query(request, MANAGED_LISTS)
        return await answer_list(
            request,
            query,
            lambda session: provide_managed(request, session).page,
            lambda shown: ManagedDataStoreRead.of(*shown),
        )

    @post(
        status_code=202,
        opt=operation(
            "createManagedDataStore",
            "Create a database from a template, as a job",
            ADMIN,
            body=ManagedDataStoreCreate,
            answers={202: ManagedDataStoreAccepted},
            headers=ACCEPTED_HEADERS,
            description=(
                "The database is made by a job: follow `Operation-Location`. When it ends, a data store "
                "of the same name is there."
            ),
        ),
    )
    async def create(
        self, request: ApiRequest, managed: NamedDependency[ManagedDataStoreService]
    ) -> Response[ManagedDataStoreAccepted]:
        managed_id, job_id = await managed.create(await read_body(request, ManagedDataStoreCreate))
        return _accepted(request, managed_id, job_id)

    @get(
        "/{id:str}",
        opt=operation(
            "getManagedDataStore",
            "Get a managed data store",
            READ_ONLY,
            answers={200: ManagedDataStoreRead},
            problems=(404,),
        ),
    )
    async def get_one(
        self, request: ApiRequest, managed: NamedDependency[ManagedDataStoreService]
    ) -> ManagedDataStoreRead:
        return ManagedDataStoreRead.of(*await managed.get(route_id(request)))

    @get(
        "/{id:str}/health",
        opt=operation(
            "getManagedDataStoreHealth",
            "Measure the database now",
            READ_ONLY,
            answers={200: HealthRead},
            problems=(404, ConflictError, 502),
            description=(
                "An unreachable database is an answer, not an error. Counts that take too long are "
                "estimates and say so."
            ),
        ),
    )
    async def health(self, request: ApiRequest, managed: NamedDependency[ManagedDataStoreService]) -> HealthRead:
        return HealthRead.of(await managed.health(route_id(request)), utcnow())

    @delete(
        "/{id:str}",
        status_code=202,
        opt=operation(
            "deleteManagedDataStore",
            "Remove the database, as a job",
            ADMIN,
            answers={202: ManagedDataStoreAccepted},
            headers=ACCEPTED_HEADERS,
            problems=(404, DataError, DependentItemExistsError),
            description=(
                "The database is dropped by a job: follow `Operation-Location`. Refused while "
                "applications still reach it."
            ),
        ),
    )
    async def remove(
        self, request: ApiRequest, managed: NamedDependency[ManagedDataStoreService]
    ) -> Response[ManagedDataStoreAccepted]:
        managed_id = route_id(request)
        return _accepted(request, managed_id, await managed.delete(managed_id))


def _accepted(request: ApiRequest, managed_id: int, job_id: object) -> Response[ManagedDataStoreAccepted]:
    base = base_url(request)
    return Response(
        ManagedDataStoreAccepted.model_validate({"id": managed_id, "jobId": job_id}),
        status_code=202,
        headers={
            "Location": base + target_of(managed_id),
            "Operation-Location": f"{base}/v3/jobs/{job_id}",
            "Retry-After": "1",
        },
    )
