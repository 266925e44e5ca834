"""The kit's host keeps what the service's database keeps, as far as providers on other machines need it."""

from datetime import UTC, datetime, timedelta

import pytest

from idp_providers.revoked_tokens import RevokedTokens, revocations_on
from idp_providers.testing import KitHost
from tests.identity.host import LocalHost

pytestmark = pytest.mark.anyio


async def test_revocations_are_shared_by_all_that_stand_on_one_host() -> None:
    host, end = KitHost(), datetime.now(UTC)
    await revocations_on(host).add("ended", end)
    await revocations_on(host).add("ended", end + timedelta(days=1))
    assert await revocations_on(host).has("ended")
    assert not await revocations_on(host).has("other")
    assert not await revocations_on(KitHost()).has("ended")
    await revocations_on(host).sweep(end)
    assert await revocations_on(host).has("ended")
    await revocations_on(host).sweep(end + timedelta(seconds=1))
    assert not await revocations_on(host).has("ended")


async def test_a_host_with_a_database_keeps_them_there(host: LocalHost) -> None:
    assert isinstance(revocations_on(host), RevokedTokens)
