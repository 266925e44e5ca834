"""One service for the tests of a module, and ways to prove oneself to it."""

from collections.abc import AsyncIterator, Iterator
from hashlib import sha256

import pytest

from tenant_api.embedded import ServerAddress
from tests import database
from tests.api.oauth2.clients import INITIAL_TOKEN
from tests.api.service import Api, serving


@pytest.fixture(scope="module")
def shared_url(server: ServerAddress, prepared: str) -> Iterator[str]:
    with database.temporary_database(server, template=prepared) as url:
        yield url


@pytest.fixture(scope="module")
async def issuer(shared_url: str) -> AsyncIterator[Api]:
    """A service that lets clients register with the operator's token."""
    digest = sha256(INITIAL_TOKEN.encode()).hexdigest()
    async with serving(
        shared_url, IDENTITY__REGISTRATION_TOKEN_DIGEST=digest, IDP__SETTINGS__FAILED_SECRETS_PER_MINUTE="0"
    ) as api:
        yield api
