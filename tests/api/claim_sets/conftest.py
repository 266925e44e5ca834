"""Services that load claims documents."""

from collections.abc import AsyncIterator

import pytest

from tenant_api.embedded import ServerAddress
from tests import database
from tests.api.service import Api, serving


@pytest.fixture
async def open_api(service_url: str) -> AsyncIterator[Api]:
    """A single-tenant service that takes whole claims documents."""
    async with serving(service_url, CLAIMS__UNRESTRICTED_LOADING="true") as api:
        yield api


@pytest.fixture
async def open_fleet(service_url: str) -> AsyncIterator[Api]:
    """A multi-tenant service that takes whole claims documents."""
    async with serving(service_url, multi_tenancy=True, CLAIMS__UNRESTRICTED_LOADING="true") as api:
        yield api


@pytest.fixture(scope="module")
async def shared_open_api(server: ServerAddress, prepared: str) -> AsyncIterator[Api]:
    """A single-tenant service that takes documents, for tests that leave it as it was."""
    with database.temporary_database(server, template=prepared) as url:
        async with serving(url, CLAIMS__UNRESTRICTED_LOADING="true") as api:
            yield api
