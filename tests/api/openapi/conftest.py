"""One service and its description, for tests that leave neither changed."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tenant_api.embedded import ServerAddress
from tests import database
from tests.api.service import Api, serving

EVERYTHING = {"API__APPLICATION_RESET_ENDPOINT": "true", "IDENTITY__ALLOW_REGISTRATION": "true"}


@pytest.fixture(scope="module")
def described_url(server: ServerAddress, prepared: str) -> Iterator[str]:
    with database.temporary_database(server, template=prepared) as url:
        yield url


@pytest.fixture(scope="module")
async def described(described_url: str) -> AsyncIterator[Api]:
    """A single-tenant service that offers all it can."""
    async with serving(described_url, **EVERYTHING) as api:
        yield api


@pytest.fixture(scope="module")
async def described_fleet(described_url: str) -> AsyncIterator[Api]:
    """A multi-tenant service that offers all it can."""
    async with serving(described_url, multi_tenancy=True, **EVERYTHING) as api:
        yield api


@pytest.fixture(scope="module")
async def document(described: Api) -> dict[str, Any]:
    found: dict[str, Any] = (await described.http.get("/openapi/v1.json")).json()
    return found
