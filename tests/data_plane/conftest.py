"""Services that a data plane connects to."""

from collections.abc import Iterator

import pytest

from tenant_api.embedded import ServerAddress
from tests import database
from tests.api.service import prepared_template


@pytest.fixture(scope="session")
def prepared(server: ServerAddress, migrated_template: str) -> str:
    return prepared_template(server, migrated_template)


@pytest.fixture
def service_url(server: ServerAddress, prepared: str) -> Iterator[str]:
    with database.temporary_database(server, template=prepared) as url:
        yield url
