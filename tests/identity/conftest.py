"""Hosts and built-in issuers. The tests of a class share a database, unless they ask for a `fresh_host`."""

from collections.abc import AsyncIterator, Iterator

import pytest

from idp_providers.self_hosted.provider import SelfHostedProvider
from idp_providers.self_hosted.settings import SelfHostedSettings
from tests import database
from tests.identity.host import LocalHost, host_on


@pytest.fixture(scope="class")
def shared_database_url(server, migrated_template) -> Iterator[str]:
    with database.temporary_database(server, template=migrated_template) as url:
        yield url


@pytest.fixture
async def host(shared_database_url: str) -> AsyncIterator[LocalHost]:
    async with host_on(shared_database_url) as host:
        yield host


@pytest.fixture
async def fresh_host(database_url: str) -> AsyncIterator[LocalHost]:
    async with host_on(database_url) as host:
        yield host


@pytest.fixture
async def issuer(host: LocalHost) -> AsyncIterator[SelfHostedProvider]:
    issuer = await SelfHostedProvider.open(SelfHostedSettings(), host)
    yield issuer
    await issuer.close()
