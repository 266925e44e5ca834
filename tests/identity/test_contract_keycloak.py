"""Keycloak keeps the contract: the suite runs against a real server, and against one behind a faulty line."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager

import pytest

from idp_providers.contract import IdentityProvider
from idp_providers.keycloak.provider import KeycloakProvider
from idp_providers.keycloak.settings import KeycloakSettings
from idp_providers.testing import RemoteIdentityProviderContract
from tests.identity.host import LocalHost
from tests.identity.keycloak_realms import OWN_SECRET, Console, prepared_realm, provider_on
from tests.parts.keycloak import KeycloakServer

FIRST_TIME_SECONDS = 600
"""The first test of a machine fetches and builds a Keycloak."""

pytestmark = pytest.mark.timeout(FIRST_TIME_SECONDS)


@pytest.fixture(scope="module")
def other_realm(keycloak: KeycloakServer) -> Iterator[KeycloakSettings]:
    with prepared_realm(keycloak) as settings:
        yield settings


class TestKeycloak(RemoteIdentityProviderContract):
    @pytest.fixture
    async def provider(self, realm: KeycloakSettings, host: LocalHost) -> AsyncIterator[IdentityProvider]:
        async with provider_on(realm, host) as provider:
            yield provider

    @pytest.fixture
    async def stranger(self, other_realm: KeycloakSettings, host: LocalHost) -> AsyncIterator[IdentityProvider]:
        async with provider_on(other_realm, host) as provider:
            yield provider

    @pytest.fixture(autouse=True)
    def by_hand(
        self, keycloak: KeycloakServer, realm: KeycloakSettings, other_realm: KeycloakSettings, host: LocalHost
    ) -> Iterator[None]:
        self.host = host
        with Console(keycloak, realm.realm) as self.console, Console(keycloak, other_realm.realm) as self.elsewhere:
            yield

    async def make_foreign(self, client_id: str) -> None:
        self.console.post("/clients", {"clientId": client_id, "serviceAccountsEnabled": True, "secret": "theirs"})

    async def copy_client(self, client_id: str, stranger: IdentityProvider) -> None:
        client = self.console.client(client_id)
        copied = ("clientId", "name", "enabled", "serviceAccountsEnabled", "attributes")
        self.elsewhere.post("/clients", {name: client[name] for name in copied})

    async def copy_proof(self, client_id: str, other_id: str) -> None:
        client = self.console.client(client_id)
        copied = ("name", "enabled", "serviceAccountsEnabled", "attributes")
        self.console.post("/clients", {"clientId": other_id, **{name: client[name] for name in copied}})

    async def alter_client(self, client_id: str) -> None:
        client = self.console.client(client_id)
        mapper = next(one for one in client["protocolMappers"] if one["name"] == "Data Store IDs")
        mapper["config"]["claim.value"] = "999"
        self.console.put(f"/clients/{client['id']}/protocol-mappers/models/{mapper['id']}", mapper)

    def another_installation(self) -> AbstractContextManager[None]:
        return self.host.as_another_installation()

    def own_secrets(self) -> dict[str, str]:
        return {"the secret of our own client": OWN_SECRET}

    def rotate_keys(self) -> None:
        self.host.rotate_pepper()

    @pytest.fixture
    def upstream(self, realm: KeycloakSettings) -> str:
        self.realm = realm
        return realm.server_url

    async def open_through(self, url: str) -> IdentityProvider:
        settings = self.realm.model_copy(update={"server_url": url, "timeout_seconds": self.limit_seconds})
        return await KeycloakProvider.open(settings, self.host)
