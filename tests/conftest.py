"""The database servers of the suite; what belongs to one folder of tests has its fixtures there."""

import gc
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tenant_api.embedded import ServerAddress
from tests import database
from tests.parts import keycloak, run
from tests.parts.embedded import embedded_server
from tests.parts.postgresql import postgresql_15_server

LONGEST_FIRST = ("crash", "e2e", "lossy", "openapi", "identity", "embedded", "managed", "data_plane")


def pytest_configure() -> None:
    gc.disable()
    # How long an example took tells of what else the machine had to do.
    settings.register_profile("suite", deadline=None)
    settings.load_profile("suite")
    if not run.is_worker():
        run.clear_up_after_killed_runs()
        keycloak.clear_up_after_killed_runs()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest for its number of tests comes first, lest one process end long after the other."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    folders = item.path.relative_to(item.config.rootpath).parts
    return next((place for place, name in enumerate(LONGEST_FIRST) if name in folders), len(LONGEST_FIRST))


def pytest_collection_finish() -> None:
    """All is imported, and stays: from here on the collector has only to look through what tests make."""
    gc.freeze()
    gc.enable()


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
