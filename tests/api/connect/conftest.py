"""One service for the tests that change nothing, and services with registration on for those that do."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tenant_api.embedded import ServerAddress
from tests import database
from tests.api.service import Api, serving


@pytest.fixture(scope="module")
def shared_url(server: ServerAddress, prepared: str) -> Iterator[str]:
    with database.temporary_database(server, template=prepared) as url:
        yield url


@pytest.fixture(scope="module")
async def issuer(shared_url: str) -> AsyncIterator[Api]:
    """A service that a module's tests share."""
    async with serving(shared_url) as api:
        yield api


@pytest.fixture(scope="module")
async def open_issuer(shared_url: str) -> AsyncIterator[Api]:
    """The same, letting clients register."""
    async with serving(shared_url, IDENTITY__ALLOW_REGISTRATION="true") as api:
        yield api
