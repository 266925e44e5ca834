"""The built-in issuer keeps the contract, with every algorithm."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from idp_providers.contract import ClientClaims, IdentityProvider
from idp_providers.key_keeping import signing_key_keeper
from idp_providers.self_hosted import signing
from idp_providers.self_hosted.provider import SelfHostedProvider
from idp_providers.self_hosted.settings import SelfHostedSettings
from idp_providers.testing import IdentityProviderContract, SecretKeeperContract
from tenant_api.embedded import ServerAddress
from tests import database
from tests.identity.host import LocalHost, host_on


class TestSelfHosted(IdentityProviderContract, SecretKeeperContract):
    algorithm = "RS256"

    @pytest.fixture
    async def provider(self, host: LocalHost) -> AsyncIterator[IdentityProvider]:
        self.host = host
        provider = await SelfHostedProvider.open(SelfHostedSettings(algorithm=self.algorithm), host)
        yield provider
        await provider.close()

    @pytest.fixture
    async def stranger(self, server: ServerAddress, migrated_template: str) -> AsyncIterator[IdentityProvider]:
        with database.temporary_database(server, template=migrated_template) as url:
            async with host_on(url) as host:
                stranger = await SelfHostedProvider.open(SelfHostedSettings(), host)
                yield stranger
                await stranger.close()

    @pytest.fixture
    async def replica(self, provider: IdentityProvider, host: LocalHost) -> AsyncIterator[IdentityProvider]:
        replica = await SelfHostedProvider.open(SelfHostedSettings(algorithm=self.algorithm), host)
        yield replica
        await replica.close()

    async def rotate_issuer_keys(self, provider: IdentityProvider) -> None:
        keeper = signing_key_keeper(provider)
        assert keeper is not None
        await keeper.rotate_signing_key(at_once=True)

    def set_claims(self, client_id: str, claims: ClientClaims) -> None:
        self.host.claims[client_id] = claims

    def sign(self, provider: IdentityProvider, claims: dict[str, Any]) -> str:
        assert isinstance(provider, SelfHostedProvider)
        assert provider._ring._signer is not None
        return signing.sign(claims, provider._ring._signer)


class TestSelfHostedPS256(TestSelfHosted):
    algorithm = "PS256"


class TestSelfHostedES256(TestSelfHosted):
    algorithm = "ES256"


# The library's advice to those who verify; the name EdDSA is what most of them know.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
class TestSelfHostedEdDSA(TestSelfHosted):
    algorithm = "EdDSA"
