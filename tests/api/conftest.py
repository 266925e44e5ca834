"""The API of a real service on a database of the test's own, without a socket in between."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tenant_api.embedded import ServerAddress
from tests import database
from tests.api.service import Api, prepared_template, serving


@pytest.fixture(scope="session")
def prepared(server: ServerAddress, migrated_template: str) -> str:
    """A database in which a service has started once: signing keys and bootstrap clients are there."""
    return prepared_template(server, migrated_template)


@pytest.fixture
def service_url(server: ServerAddress, prepared: str) -> Iterator[str]:
    with database.temporary_database(server, template=prepared) as url:
        yield url


@pytest.fixture
async def api(service_url: str) -> AsyncIterator[Api]:
    """A single-tenant service; calls carry an administrator's token unless they say otherwise."""
    async with serving(service_url) as api:
        yield api


@pytest.fixture
async def fleet(service_url: str) -> AsyncIterator[Api]:
    """A multi-tenant service."""
    async with serving(service_url, multi_tenancy=True) as api:
        yield api


@pytest.fixture(scope="module")
async def shared(server: ServerAddress, prepared: str) -> AsyncIterator[Api]:
    """A single-tenant service for all tests of a module, where what others left behind does not matter."""
    with database.temporary_database(server, template=prepared) as url:
        async with serving(url) as api:
            yield api


@pytest.fixture(scope="module")
async def shared_fleet(server: ServerAddress, prepared: str) -> AsyncIterator[Api]:
    """A multi-tenant service for all tests of a module."""
    with database.temporary_database(server, template=prepared) as url:
        async with serving(url, multi_tenancy=True) as api:
            yield api
