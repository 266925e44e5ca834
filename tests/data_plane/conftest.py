"""Services that a data plane connects to, and who issues their tokens."""

from collections.abc import Iterator

import pytest

from idp_providers.keycloak.settings import KeycloakSettings
from tenant_api.embedded import ServerAddress
from tests import database
from tests.api.service import prepared_template
from tests.identity.keycloak_realms import prepared_realm
from tests.parts.keycloak import keycloak_server


@pytest.fixture(scope="session")
def prepared(server: ServerAddress, migrated_template: str) -> str:
    return prepared_template(server, migrated_template)


@pytest.fixture
def service_url(server: ServerAddress, prepared: str) -> Iterator[str]:
    with database.temporary_database(server, template=prepared) as url:
        yield url


@pytest.fixture(scope="session")
def keycloak_realm() -> Iterator[KeycloakSettings]:
    with prepared_realm(keycloak_server()) as settings:
        yield settings


@pytest.fixture(params=["self_hosted", "keycloak"])
def realm(request: pytest.FixtureRequest) -> KeycloakSettings | None:
    """The Keycloak realm that issues the tokens; None if the service does."""
    return request.getfixturevalue("keycloak_realm") if request.param == "keycloak" else None
