"""The routes of applications, and of the lists of them below vendors and data stores."""

from functools import partial
from typing import Any

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.api_clients.issuing import issuing_for
from tenant_api.api_clients.locking import ApplicationLocks
from tenant_api.api_clients.repository import ApiClientRepository
from tenant_api.applications.repository import APPLICATION_LISTS, PAGES, ApplicationRepository
from tenant_api.applications.schemas import (
    ApplicationCreate,
    ApplicationCredentialRead,
    ApplicationRead,
    ApplicationReplace,
)
from tenant_api.applications.service import ApplicationService, Credential, Neighbours
from tenant_api.data_stores.repository import DataStoreRepository
from tenant_api.db.listing import ListQuery
from tenant_api.kernel.errors import UnresolvedReferenceError
from tenant_api.profiles.repository import ProfileRepository
from tenant_api.vendors.repository import VendorRepository
from tenant_api.web.binding import ApiRequest, read_body, read_list_query, route_id
from tenant_api.web.lists import answer_list
from tenant_api.web.location import created_at
from tenant_api.web.operation import ADMIN, READ_ONLY, operation
from tenant_api.web.state import tenant_of


def provide_applications(request: ApiRequest, session: NamedDependency[AsyncSession]) -> ApplicationService:
    tenant_id = tenant_of(request)
    neighbours = Neighbours(
        vendors=VendorRepository(session, tenant_id),
        stores=DataStoreRepository(session, tenant_id),
        profiles=ProfileRepository(session, tenant_id),
        clients=ApiClientRepository(session, tenant_id),
        locks=ApplicationLocks(session, tenant_id),
    )
    return ApplicationService(ApplicationRepository(session, tenant_id), neighbours, issuing_for(request, session))


class ApplicationController(Controller):
    """Applications."""

    path = "/v3/applications"
    tags = ["Applications"]
    dependencies = {"applications": Provide(provide_applications, sync_to_thread=False)}

    @get(
        opt=operation(
            "listApplications",
            "List applications",
            READ_ONLY,
            answers={200: list[ApplicationRead]},
            lists=APPLICATION_LISTS,
        )
    )
    async def list_all(self, request: ApiRequest) -> Response[Any]:
        query = read_list_query(request, APPLICATION_LISTS)
        return await answer_list(
            request, query, lambda session: provide_applications(request, session).page, ApplicationRead.of
        )

    @post(
        opt=operation(
            "createApplication",
            "Create an application with its first credential and show the secret, once",
            ADMIN,
            body=ApplicationCreate,
            answers={201: ApplicationCredentialRead},
            headers=("Location",),
            problems=(UnresolvedReferenceError, 502),
            description=(
                "The secret is in this answer and nowhere else. It is kept as a hash: who loses it resets it."
            ),
        )
    )
    async def create(
        self, request: ApiRequest, applications: NamedDependency[ApplicationService]
    ) -> Response[ApplicationCredentialRead]:
        credential = await applications.create(await read_body(request, ApplicationCreate))
        headers = {"Location": created_at(request, credential.application_id)}
        return Response(_shown_once(credential), headers=headers)

    @get(
        "/{id:str}",
        opt=operation(
            "getApplication", "Get an application", READ_ONLY, answers={200: ApplicationRead}, problems=(404,)
        ),
    )
    async def get_one(self, request: ApiRequest, applications: NamedDependency[ApplicationService]) -> ApplicationRead:
        return ApplicationRead.of(await applications.get(route_id(request)))

    @put(
        "/{id:str}",
        status_code=204,
        opt=operation(
            "replaceApplication",
            "Replace an application",
            ADMIN,
            body=ApplicationReplace,
            answers={204: None},
            headers=("Operation-Location.outside",),
            problems=(404, UnresolvedReferenceError),
        ),
    )
    async def replace(self, request: ApiRequest, applications: NamedDependency[ApplicationService]) -> None:
        application_id = route_id(request)
        await applications.replace(application_id, await read_body(request, ApplicationReplace, application_id))

    @delete(
        "/{id:str}",
        opt=operation(
            "deleteApplication",
            "Delete an application",
            ADMIN,
            answers={204: None},
            headers=("Operation-Location.outside",),
            problems=(404, 502),
            description="Deletes its API clients too: their tokens are granted no more.",
        ),
    )
    async def remove(self, request: ApiRequest, applications: NamedDependency[ApplicationService]) -> None:
        await applications.remove(route_id(request))


class ApplicationResetController(Controller):
    """New secrets by application; there only if the settings say so."""

    path = "/v3/applications/{id:str}/reset-credential"
    tags = ["Applications"]
    dependencies = {"applications": Provide(provide_applications, sync_to_thread=False)}

    @put(
        status_code=200,
        opt=operation(
            "resetApplicationCredential",
            "Give an application's first API client a new secret and show it, once",
            ADMIN,
            answers={200: ApplicationCredentialRead},
            problems=(404, 502),
            description=(
                "There only with `TENANT_API_API__APPLICATION_RESET_ENDPOINT`. The old secret stops working at once."
            ),
        ),
    )
    async def reset(
        self, request: ApiRequest, applications: NamedDependency[ApplicationService]
    ) -> ApplicationCredentialRead:
        return _shown_once(await applications.reset(route_id(request)))


class VendorApplicationController(Controller):
    """The applications of a vendor."""

    path = "/v3/vendors/{id:str}/applications"
    tags = ["Vendors"]

    @get(
        opt=operation(
            "listVendorApplications",
            "List a vendor's applications",
            READ_ONLY,
            answers={200: list[ApplicationRead]},
            problems=(404,),
        )
    )
    async def list_all(self, request: ApiRequest) -> Response[Any]:
        vendor_id = route_id(request)
        return await answer_list(
            request,
            ListQuery(),
            lambda session: partial(provide_applications(request, session).of_vendor, vendor_id),
            ApplicationRead.of,
        )


class DataStoreApplicationController(Controller):
    """The applications that may reach a data store."""

    path = "/v3/dataStores/{id:str}/applications"
    tags = ["Data stores"]
    dependencies = {"applications": Provide(provide_applications, sync_to_thread=False)}

    @get(
        opt=operation(
            "listDataStoreApplications",
            "List the applications that may reach a data store",
            READ_ONLY,
            answers={200: list[ApplicationRead]},
            problems=(404,),
            lists=PAGES,
        )
    )
    async def list_all(self, request: ApiRequest) -> Response[Any]:
        data_store_id = route_id(request)
        query = read_list_query(request, PAGES)
        return await answer_list(
            request,
            query,
            lambda session: partial(provide_applications(request, session).of_data_store, data_store_id),
            ApplicationRead.of,
        )


def _shown_once(credential: Credential) -> ApplicationCredentialRead:
    return ApplicationCredentialRead(id=credential.application_id, key=credential.key, secret=credential.secret)
