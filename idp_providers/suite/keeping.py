"""Several secrets per client, for providers that declare `multiple_secrets`."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from idp_providers.contract import IdentityProvider
from idp_providers.errors import (
    ClientNotFoundError,
    IdpError,
    SecretNotFoundError,
    TooManySecretsError,
    UnauthorizedClientError,
)
from idp_providers.secret_keeping import MOST_SECRETS, SecretKeeper, SecretTerms, secret_keeper
from idp_providers.suite.harness import Harness
from idp_providers.suite.specs import make_secret, make_spec

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
"""By how much the provider's clock may differ from that of the tests."""
PLAIN = SecretTerms()


class KeepingRules(Harness):
    """Secrets come and go one by one, and each counts within its terms."""

    @pytest.fixture
    def keeper(self, provider: IdentityProvider) -> SecretKeeper:
        keeper = secret_keeper(provider)
        if keeper is None:
            pytest.skip(f"{provider.name} keeps one secret per client")
        return keeper

    async def counts(self, provider: IdentityProvider, client_id: str, secret: str) -> bool:
        try:
            await self.token(provider, client_id, secret)
        except UnauthorizedClientError:
            return False
        return True

    async def test_a_further_secret_leaves_the_others_alone(
        self, provider: IdentityProvider, keeper: SecretKeeper
    ) -> None:
        spec, more = make_spec(), make_secret()
        first = await self.create(provider, spec)
        state = await keeper.add_secret(spec.client_id, more, SecretTerms(label="second"))
        assert (state.label, state.last_used_at) == ("second", None)
        assert [one.label for one in await keeper.secrets(spec.client_id)] == ["second", ""]
        assert await self.counts(provider, spec.client_id, first)
        assert await self.counts(provider, spec.client_id, more.value)

    async def test_an_ended_secret_ends_alone_and_at_once(
        self, provider: IdentityProvider, keeper: SecretKeeper
    ) -> None:
        spec, more = make_spec(), make_secret()
        first = await self.create(provider, spec)
        added = await keeper.add_secret(spec.client_id, more, PLAIN)
        await keeper.remove_secret(spec.client_id, added.id)
        assert not await self.counts(provider, spec.client_id, more.value)
        assert await self.counts(provider, spec.client_id, first)
        with pytest.raises(SecretNotFoundError):
            await keeper.remove_secret(spec.client_id, added.id)

    async def test_replacing_ends_all_others(self, provider: IdentityProvider, keeper: SecretKeeper) -> None:
        spec, more, last = make_spec(), make_secret(), make_secret()
        await self.create(provider, spec)
        await keeper.add_secret(spec.client_id, more, PLAIN)
        await provider.replace_secret(spec.client_id, last)
        assert not await self.counts(provider, spec.client_id, more.value)
        assert await self.counts(provider, spec.client_id, last.value)
        assert len(await keeper.secrets(spec.client_id)) == 1

    async def test_terms_are_kept(self, provider: IdentityProvider, keeper: SecretKeeper) -> None:
        if not provider.capabilities.expiring_secrets:
            pytest.skip(f"{provider.name} keeps no dates")
        spec, past, future, last = make_spec(), make_secret(), make_secret(), make_secret()
        first = await self.create(provider, spec)
        now = datetime.now(UTC)
        await keeper.add_secret(spec.client_id, past, SecretTerms(expires_at=now - HOUR))
        await keeper.add_secret(spec.client_id, future, SecretTerms(not_before=now + HOUR))
        for secret in (past, future):
            assert not await self.counts(provider, spec.client_id, secret.value)
        await keeper.add_secret(spec.client_id, last, PLAIN, overlap=HOUR)
        assert await self.counts(provider, spec.client_id, first)
        ends = [state.expires_at for state in await keeper.secrets(spec.client_id)]
        assert ends[0] is None
        assert all(end is not None and end <= datetime.now(UTC) + HOUR + MINUTE for end in ends[1:])
        await keeper.add_secret(spec.client_id, make_secret(), PLAIN, overlap=timedelta(0))
        assert not await self.counts(provider, spec.client_id, first)

    async def test_there_are_only_so_many(self, provider: IdentityProvider, keeper: SecretKeeper) -> None:
        spec = make_spec()
        await self.create(provider, spec)
        for _ in range(MOST_SECRETS - 1):
            await keeper.add_secret(spec.client_id, make_secret(), PLAIN)
        with pytest.raises(TooManySecretsError):
            await keeper.add_secret(spec.client_id, make_secret(), PLAIN)

    async def test_unknown_clients_are_named_as_such(self, keeper: SecretKeeper) -> None:
        unknown, errors = str(uuid4()), []
        for call in (
            keeper.secrets(unknown),
            keeper.add_secret(unknown, make_secret(), PLAIN),
            keeper.remove_secret(unknown, str(uuid4())),
        ):
            try:
                await call
            except IdpError as error:
                errors.append(type(error))
        assert errors == [ClientNotFoundError] * 3
