"""The example provider keeps the whole contract of identity providers."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from acme_server import AcmeServer, serving
from pydantic import SecretStr
from tenant_api_idp_acme import AcmeProvider, AcmeSettings

from idp_providers.contract import IdentityProvider
from idp_providers.testing import KitHost, RemoteIdentityProviderContract


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[AcmeServer, AcmeServer]]:
    with serving() as acme, serving() as other:
        yield acme, other


class TestAcme(RemoteIdentityProviderContract):
    @pytest.fixture(autouse=True)
    def acme(self, servers: tuple[AcmeServer, AcmeServer]) -> AcmeServer:
        self.acme, self.other, self.host = *servers, KitHost()
        return self.acme

    @pytest.fixture
    async def provider(self, acme: AcmeServer) -> AsyncIterator[IdentityProvider]:
        provider = await self.open_through(acme.url)
        yield provider
        await provider.close()

    @pytest.fixture
    async def stranger(self, servers: tuple[AcmeServer, AcmeServer]) -> AsyncIterator[IdentityProvider]:
        settings = AcmeSettings(server=servers[1].url, api_key=SecretStr(servers[1].api_key))
        stranger = await AcmeProvider.open(settings, self.host)
        yield stranger
        await stranger.close()

    @pytest.fixture
    def upstream(self, acme: AcmeServer) -> str:
        return acme.url

    async def open_through(self, url: str) -> IdentityProvider:
        settings = AcmeSettings(server=url, api_key=SecretStr(self.acme.api_key), timeout_seconds=0.5)
        return await AcmeProvider.open(settings, self.host)

    def sign(self, provider: IdentityProvider, claims: dict[str, Any]) -> str:  # noqa: ARG002 - there is one key
        return self.acme.sign(claims)

    async def make_foreign(self, client_id: str) -> None:
        self.acme.add(client_id)

    async def copy_client(self, client_id: str, stranger: IdentityProvider) -> None:  # noqa: ARG002 - it is the other's
        self.other.clients[client_id.lower()] = dict(self.acme.client(client_id))

    def rotate_keys(self) -> None:
        self.host.rotate_keys()
