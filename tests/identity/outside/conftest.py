"""A service whose identity provider keeps its clients outside the database: the memory fake, with faults on demand."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tenant_api.embedded import ServerAddress
from tests import database
from tests.api.service import Api, prepared_template
from tests.identity.outside.haste import hasten
from tests.identity.outside.world import World, outside

PATIENT = {"IDP__TIMEOUT_SECONDS": "15"}
"""A call that a test holds up should end when the test says so, not because the machine is busy."""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for seconds for the next try."""
    hasten(monkeypatch)


@pytest.fixture
def service_url(server: ServerAddress, migrated_template: str) -> Iterator[str]:
    with database.temporary_database(server, template=prepared_template(server, migrated_template)) as url:
        yield url


@pytest.fixture
async def world(service_url: str) -> AsyncIterator[World]:
    """A single-tenant service."""
    async with outside(service_url, **PATIENT) as world:
        yield world


@pytest.fixture
async def fleet(service_url: str) -> AsyncIterator[World]:
    """A multi-tenant service."""
    async with outside(service_url, multi_tenancy=True, **PATIENT) as world:
        yield world


@pytest.fixture
def api(world: World) -> Api:
    return world.api
