"""The database servers of the suite; what belongs to one folder of tests has its fixtures there."""

from collections.abc import Iterator

import pytest

from tenant_api.embedded import ServerAddress
from tests import database
from tests.parts import keycloak, run
from tests.parts.embedded import embedded_server
from tests.parts.postgresql import postgresql_15_server


def pytest_configure() -> None:
    if not run.is_worker():
        run.clear_up_after_killed_runs()
        keycloak.clear_up_after_killed_runs()


def pytest_unconfigure() -> None:
    if not run.is_worker():
        run.end()
        keycloak.end()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server() -> ServerAddress:
    """The embedded server of this run; its `url(database)` logs in as superuser."""
    return embedded_server()


@pytest.fixture(scope="session")
def postgresql_15() -> ServerAddress:
    """A PostgreSQL 15; its `url(database)` logs in as superuser."""
    return postgresql_15_server()


@pytest.fixture(scope="session")
def migrated_template(server: ServerAddress) -> str:
    return database.migrated_template(server)


@pytest.fixture
def database_url(server: ServerAddress, migrated_template: str) -> Iterator[str]:
    """A migrated database of the test's own."""
    with database.temporary_database(server, template=migrated_template) as url:
        yield url


@pytest.fixture
def empty_database_url(server: ServerAddress) -> Iterator[str]:
    """An empty database of the test's own."""
    with database.temporary_database(server) as url:
        yield url
