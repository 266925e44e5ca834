"""Hosts and built-in issuers. The tests of a class share a database, unless they ask for a `fresh_host`."""

from collections.abc import AsyncIterator, Iterator

import pytest

from idp_providers.cognito.settings import CognitoSettings
from idp_providers.keycloak.settings import KeycloakSettings
from idp_providers.self_hosted.provider import SelfHostedProvider
from idp_providers.self_hosted.settings import SelfHostedSettings
from tenant_api.embedded import ServerAddress
from tests import database
from tests.identity.cognito_pools import AwsConsole, new_settings
from tests.identity.host import LocalHost, host_on
from tests.identity.keycloak_realms import Console, prepared_realm
from tests.parts.cognito_stand_in import CognitoStandIn, stand_in
from tests.parts.keycloak import KeycloakServer, keycloak_server
from tests.parts.moto import moto_server


@pytest.fixture(scope="class")
def shared_database_url(server: ServerAddress, migrated_template: str) -> Iterator[str]:
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


@pytest.fixture(scope="session")
def keycloak() -> KeycloakServer:
    return keycloak_server()


@pytest.fixture(scope="module")
def realm(keycloak: KeycloakServer) -> Iterator[KeycloakSettings]:
    """A prepared realm of the module's own."""
    with prepared_realm(keycloak) as settings:
        yield settings


@pytest.fixture
def console(keycloak: KeycloakServer, realm: KeycloakSettings) -> Iterator[Console]:
    with Console(keycloak, realm.realm) as console:
        yield console


@pytest.fixture(scope="session")
def cognito(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CognitoStandIn]:
    """moto, and in front of it what it lacks."""
    with moto_server(tmp_path_factory.mktemp("moto")) as moto, stand_in(moto) as fake:
        yield fake


@pytest.fixture(scope="session")
def aws_console(cognito: CognitoStandIn) -> Iterator[AwsConsole]:
    console = AwsConsole(cognito.url)
    console.wake()
    yield console
    console.close()


@pytest.fixture(scope="module")
def pool(cognito: CognitoStandIn, aws_console: AwsConsole) -> CognitoSettings:
    """A user pool of the module's own."""
    return new_settings(cognito, aws_console)
