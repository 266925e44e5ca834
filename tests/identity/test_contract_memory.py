"""The memory fake keeps the contract, and breaks single calls when told to."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from idp_providers.contract import IdentityProvider
from idp_providers.errors import ClientAlreadyExistsError, IdpUnavailableError
from idp_providers.memory import Fault, MemoryProvider, MemorySettings
from idp_providers.self_hosted import signing
from idp_providers.testing import IdentityProviderContract, make_secret, make_spec
from tests.identity.host import LocalHost


@pytest.fixture
async def fake(host: LocalHost) -> AsyncIterator[MemoryProvider]:
    fake = await MemoryProvider.open(MemorySettings(), host)
    yield fake
    await fake.close()


class TestMemory(IdentityProviderContract):
    @pytest.fixture
    def provider(self, fake: MemoryProvider) -> IdentityProvider:
        return fake

    @pytest.fixture
    async def stranger(self, host: LocalHost) -> IdentityProvider:
        return await MemoryProvider.open(MemorySettings(), host)

    async def make_foreign(self, client_id: str) -> None:
        self.foreign.plant(make_spec(client_id=client_id), "theirs")

    async def alter_client(self, client_id: str) -> None:
        client = self.foreign._clients[client_id.lower()]
        assert client.spec.claims is not None
        client.spec = replace(client.spec, claims=replace(client.spec.claims, data_store_ids=(999,)))

    def rotate_keys(self) -> None:
        self.foreign.rotate_keys()

    @pytest.fixture(autouse=True)
    def _foreign(self, fake: MemoryProvider) -> None:
        self.foreign = fake

    def sign(self, provider: IdentityProvider, claims: dict[str, Any]) -> str:
        assert isinstance(provider, MemoryProvider)
        return signing.sign(claims, provider._key)


class TestFaults:
    pytestmark = pytest.mark.anyio

    async def test_a_refused_call_has_no_effect(self, fake: MemoryProvider) -> None:
        spec = make_spec()
        fake.faults.plan("create_client", Fault.REFUSED)
        with pytest.raises(IdpUnavailableError):
            await fake.create_client(spec, make_secret())
        assert await fake.find_client(spec.client_id) is None
        assert await fake.create_client(spec, make_secret())

    async def test_a_lost_reply_had_its_effect(self, fake: MemoryProvider) -> None:
        spec = make_spec()
        fake.faults.plan("create_client", Fault.LOST_REPLY)
        with pytest.raises(IdpUnavailableError):
            await fake.create_client(spec, make_secret())
        assert await fake.find_client(spec.client_id) is not None
        with pytest.raises(ClientAlreadyExistsError):
            await fake.create_client(spec, make_secret())

    async def test_a_hanging_call_ends_with_its_cancellation_and_has_no_effect(self, fake: MemoryProvider) -> None:
        spec = make_spec()
        fake.faults.plan("create_client", Fault.HANGING)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(fake.create_client(spec, make_secret()), 0.05)
        assert await fake.find_client(spec.client_id) is None

    async def test_faults_come_in_their_order_and_then_end(self, fake: MemoryProvider) -> None:
        fake.faults.plan("check", Fault.REFUSED, Fault.LOST_REPLY)
        for _ in range(2):
            with pytest.raises(IdpUnavailableError):
                await fake.check()
        await fake.check()
