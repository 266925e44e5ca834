"""The example provider keeps the whole contract of identity providers."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager
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
    kind: type[AcmeProvider] = AcmeProvider

    @pytest.fixture(autouse=True)
    def by_hand(self, servers: tuple[AcmeServer, AcmeServer]) -> None:
        self.acme, self.other, self.host = *servers, KitHost()

    @pytest.fixture
    async def provider(self) -> AsyncIterator[IdentityProvider]:
        provider = await self.open_on(self.acme)
        yield provider
        await provider.close()

    @pytest.fixture
    async def stranger(self, servers: tuple[AcmeServer, AcmeServer]) -> AsyncIterator[IdentityProvider]:
        stranger = await self.open_on(servers[1])
        yield stranger
        await stranger.close()

    @pytest.fixture
    def upstream(self) -> str:
        return self.acme.url

    async def open_through(self, url: str) -> IdentityProvider:
        return await self.open_on(self.acme, server=url, timeout_seconds=self.limit_seconds)

    async def open_on(self, system: AcmeServer, **changes: Any) -> IdentityProvider:
        settings = {"server": system.url, "api_key": SecretStr(system.api_key), **changes}
        return await self.kind.open(AcmeSettings.model_validate(settings), self.host)

    def own_secrets(self) -> dict[str, str]:
        return {"the API key": self.acme.api_key}

    def sign(self, provider: IdentityProvider, claims: dict[str, Any]) -> str:  # noqa: ARG002 - there is one key
        return self.acme.sign(claims)

    async def make_foreign(self, client_id: str) -> None:
        self.acme.add(client_id)

    async def copy_client(self, client_id: str, stranger: IdentityProvider) -> None:  # noqa: ARG002 - it is the other's
        self.other.clients[client_id.lower()] = dict(self.acme.client(client_id))

    async def copy_proof(self, client_id: str, other_id: str) -> None:
        self.acme.clients[other_id.lower()] = {**self.acme.client(client_id), "client_id": other_id}

    async def alter_client(self, client_id: str) -> None:
        client = self.acme.client(client_id)
        client["claims"] = {**client["claims"], "data_store_ids": [999]}

    def another_installation(self) -> AbstractContextManager[None]:
        return self.host.as_another_installation()

    def rotate_keys(self) -> None:
        self.host.rotate_keys()

    async def rotate_issuer_keys(self, provider: IdentityProvider) -> None:  # noqa: ARG002 - there is one key
        self.acme.rotate_signing_key()
