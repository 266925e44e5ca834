"""The routes of jobs."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency, Provide
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.kernel.errors import ConflictError
from tenant_api.operations.repository import JOB_LISTS, OperationRepository
from tenant_api.operations.schemas import JobRead
from tenant_api.operations.service import JobService
from tenant_api.web.binding import ApiRequest, read_list_query, route_uuid
from tenant_api.web.lists import answer_list
from tenant_api.web.operation import ADMIN, READ_ONLY, operation
from tenant_api.web.state import runtime_of, tenant_of

JOB_PATH = {"id": UUID}


def provide_jobs(request: ApiRequest, session: NamedDependency[AsyncSession]) -> JobService:
    deadline = timedelta(seconds=runtime_of(request).settings.workers.operation_deadline_seconds)
    return JobService(OperationRepository(session, tenant_of(request)), request.app.state.plans, deadline=deadline)


class JobController(Controller):
    """Jobs: long work, followed to its end."""

    path = "/v3/jobs"
    tags = ["Jobs"]
    dependencies = {"jobs": Provide(provide_jobs, sync_to_thread=False)}

    @get(opt=operation("listJobs", "List jobs", READ_ONLY, answers={200: list[JobRead]}, lists=JOB_LISTS))
    async def list_all(self, request: ApiRequest) -> Response[Any]:
        query = read_list_query(request, JOB_LISTS)
        return await answer_list(request, query, lambda session: provide_jobs(request, session).page, lambda job: job)

    @get(
        "/{id:str}",
        opt=operation("getJob", "Get a job", READ_ONLY, answers={200: JobRead}, problems=(404,), path=JOB_PATH),
    )
    async def get_one(self, request: ApiRequest, jobs: NamedDependency[JobService]) -> JobRead:
        return await jobs.get(route_uuid(request))

    @post(
        "/{id:str}/cancel",
        status_code=202,
        opt=operation(
            "cancelJob",
            "Cancel a job",
            ADMIN,
            answers={202: JobRead},
            path=JOB_PATH,
            problems=(404, ConflictError),
            description="A create takes back what it has made. Asking again changes nothing.",
        ),
    )
    async def cancel(self, request: ApiRequest, jobs: NamedDependency[JobService]) -> JobRead:
        return await jobs.cancel(route_uuid(request))

    @post(
        "/{id:str}/retry",
        status_code=202,
        opt=operation(
            "retryJob",
            "Retry a job",
            ADMIN,
            answers={202: JobRead},
            path=JOB_PATH,
            problems=(404, ConflictError),
            description="For jobs that failed or were cancelled: they go on at the first unfinished step.",
        ),
    )
    async def retry(self, request: ApiRequest, jobs: NamedDependency[JobService]) -> JobRead:
        return await jobs.retry(route_uuid(request))
