"""An engine on a database of the test's own, with plans that the test writes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from tenant_api.operations.plan import Plan
from tenant_api.web.state import Runtime
from tenant_api.worker import run_worker
from tests.api.conftest import prepared, service_url
from tests.api.service import serving

__all__ = ["prepared", "service_url"]

Workers = Callable[..., AbstractAsyncContextManager[None]]


@pytest.fixture
async def runtime(service_url: str) -> AsyncIterator[Runtime]:
    async with serving(service_url, WORKERS__LEASE_SECONDS="1", WORKERS__POLL_SECONDS="0.1") as api:
        yield api.runtime


@pytest.fixture
def working(runtime: Runtime) -> Workers:
    """A worker for the length of a block, knowing the given plans."""

    def block(*plans: Plan) -> AbstractAsyncContextManager[None]:
        return worker_of(runtime, *plans)

    return block


@asynccontextmanager
async def worker_of(runtime: Runtime, *plans: Plan) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(runtime, stop, {plan.kind: plan for plan in plans}))
    try:
        yield
    finally:
        stop.set()
        await task
