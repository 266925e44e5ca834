"""Services that make real databases, on a server of their own."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.api.service import Api, serving
from tests.crash.environment import Environment, prepare
from tests.managed.stores import MANAGE, Stores, at_work
from tests.parts import run


@pytest.fixture(scope="session")
def environment(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return prepare(run.shared_server(f"managed-{worker_id}"), tmp_path_factory.mktemp("managed"))


@pytest.fixture
async def api(environment: Environment) -> AsyncIterator[Api]:
    """A single-tenant service without workers; its template is called Tiny."""
    async with environment.service_database() as database:
        url = environment.superuser.url(database)
        async with serving(url, **environment.provisioner(), WORKERS__POLL_SECONDS="0.2") as api:
            yield api
            if (await api.get(MANAGE)).json():
                async with asyncio.timeout(60), at_work(api):
                    await Stores(api).delete_all()


@pytest.fixture
def stores(api: Api) -> Stores:
    return Stores(api)
