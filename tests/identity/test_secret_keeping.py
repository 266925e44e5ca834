"""The built-in issuer keeps several secrets per client, in the caller's transaction, and notes their use in batches."""

import asyncio
from datetime import timedelta

import pytest

from idp_providers.authorization_server import SecretProof
from idp_providers.contract import ClientSecret, TokenRequest
from idp_providers.errors import (
    ClientNotFoundError,
    IdpUnavailableError,
    SecretNotFoundError,
    ThrottledError,
    TooManySecretsError,
    UnauthorizedClientError,
)
from idp_providers.secret_keeping import MOST_SECRETS, SecretTerms, secret_keeper
from idp_providers.self_hosted.provider import SelfHostedProvider
from idp_providers.self_hosted.settings import SelfHostedSettings
from idp_providers.self_hosted.throttle import MOST_CLIENTS, Throttle
from idp_providers.testing import make_secret, make_spec

pytestmark = pytest.mark.anyio

CHOSEN = "ValidClientSecret1234567890!Abcd"
TERMS = SecretTerms()


async def works(issuer, client_id, secret):
    try:
        await issuer.token(TokenRequest(client_id=client_id, client_secret=secret))
    except UnauthorizedClientError:
        return False
    return True


@pytest.fixture
async def client(issuer):
    """A client and its first secret."""
    spec = make_spec()
    return spec.client_id, (await issuer.create_client(spec, make_secret())).secret


class TestSecrets:
    async def test_a_provider_that_declares_it_is_a_keeper(self, issuer):
        assert secret_keeper(issuer) is issuer
        assert issuer.capabilities.expiring_secrets

    async def test_a_secret_commits_and_vanishes_with_the_callers_row(self, host, issuer, client):
        client_id, first = client
        kept, lost = make_secret(), make_secret()
        async with host.unit_of_work():
            await issuer.add_secret(client_id, kept, TERMS)
        async with host.unit_of_work(commit=False):
            await issuer.add_secret(client_id, lost, TERMS, others_end_at=host.now())
        assert [await works(issuer, client_id, s) for s in (first, kept.value, lost.value)] == [True, True, False]

    async def test_a_refused_secret_ends_no_other(self, host, issuer, client):
        client_id, first = client
        later = host.now() + timedelta(hours=1)
        for _ in range(MOST_SECRETS - 1):
            await issuer.add_secret(client_id, make_secret(), TERMS)
        async with host.unit_of_work():
            with pytest.raises(TooManySecretsError):
                await issuer.add_secret(client_id, make_secret(), TERMS, others_end_at=later)
        assert {state.expires_at for state in await issuer.secrets(client_id)} == {None}
        assert await works(issuer, client_id, first)

    async def test_concurrent_additions_do_not_pass_the_limit(self, issuer, client):
        client_id, _ = client
        outcomes = await asyncio.gather(
            *(issuer.add_secret(client_id, make_secret(), TERMS) for _ in range(MOST_SECRETS + 5)),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, TooManySecretsError) for outcome in outcomes) == 6
        assert len(await issuer.secrets(client_id)) == MOST_SECRETS

    async def test_an_earlier_end_stays(self, host, issuer, client):
        client_id, _ = client
        soon, later = host.now() + timedelta(minutes=1), host.now() + timedelta(hours=1)
        brief = await issuer.add_secret(client_id, make_secret(), SecretTerms(expires_at=soon))
        await issuer.add_secret(client_id, make_secret(), TERMS, others_end_at=later)
        ends = {state.id: state.expires_at for state in await issuer.secrets(client_id)}
        assert ends[brief.id] == soon
        assert sorted(filter(None, ends.values())) == [soon, later]

    async def test_any_spelling_of_the_id_finds_the_client(self, issuer):
        await issuer.create_client(make_spec(client_id="Spelling"), make_secret())
        secret = make_secret()
        added = await issuer.add_secret("SPELLING", secret, TERMS)
        assert await works(issuer, "Spelling", secret.value)
        await issuer.remove_secret("sPELLING", added.id)
        assert not await works(issuer, "Spelling", secret.value)

    async def test_what_is_not_there_is_said(self, issuer, client):
        with pytest.raises(ClientNotFoundError):
            await issuer.secrets("nobody")
        with pytest.raises(ClientNotFoundError):
            await issuer.add_secret("nobody", make_secret(), TERMS)
        for unknown in ("x", "00000000-0000-0000-0000-000000000000", "\0"):
            with pytest.raises(SecretNotFoundError):
                await issuer.remove_secret(client[0], unknown)

    async def test_a_chosen_secret_may_stand_beside_a_generated_one(self, issuer, client):
        client_id, first = client
        await issuer.add_secret(client_id, ClientSecret(value=CHOSEN, chosen=True), TERMS)
        assert [await works(issuer, client_id, secret) for secret in (first, CHOSEN, "wrong")] == [True, True, False]

    async def test_ended_secrets_are_forgotten_after_a_week(self, host, issuer, client):
        client_id, _ = client
        await issuer.add_secret(client_id, make_secret(), TERMS, others_end_at=host.now())
        host.shift = timedelta(days=6)
        await issuer.maintain()
        assert len(await issuer.secrets(client_id)) == 2
        host.shift = timedelta(days=8)
        await issuer.maintain()
        assert len(await issuer.secrets(client_id)) == 1

    async def test_a_version_that_knows_one_secret_sets_the_only_one(self, host, issuer, client):
        """During an upgrade replicas of the version before still write and read `idp_clients.secret`."""
        client_id, first = client
        await issuer.add_secret(client_id, make_secret(), TERMS)
        hashed = await issuer._secrets.hash(client_id, ClientSecret(value="of the version before"))
        async with host.pool.connection() as connection:
            await connection.execute("update idp_clients set secret = %s where client_id = %s", (hashed, client_id))
        assert await works(issuer, client_id, "of the version before")
        assert not await works(issuer, client_id, first)
        assert len(await issuer.secrets(client_id)) == 1


class TestUse:
    async def test_many_uses_are_one_statement(self, host, issuer, client, monkeypatch):
        writes = []
        used = issuer._kept.used

        async def counted(last_uses):
            writes.append(dict(last_uses))
            return await used(last_uses)

        monkeypatch.setattr(issuer._kept, "used", counted)
        client_id, secret = client
        other = make_spec()
        others = (await issuer.create_client(other, make_secret())).secret
        for _ in range(20):
            assert await works(issuer, client_id, secret)
            assert await works(issuer, other.client_id, others)
        assert writes == []
        await issuer.maintain()
        assert [len(write) for write in writes] == [2]
        (state,) = await issuer.secrets(client_id)
        assert abs(state.last_used_at - host.now()) < timedelta(seconds=10)

    async def test_wrong_secrets_are_no_use(self, issuer, client):
        assert not await works(issuer, client[0], "wrong")
        await issuer.maintain()
        assert (await issuer.secrets(client[0]))[0].last_used_at is None

    async def test_closing_writes_what_is_left(self, host, client):
        issuer = await SelfHostedProvider.open(SelfHostedSettings(), host)
        client_id, secret = client
        assert await works(issuer, client_id, secret)
        await issuer.close()
        async with host.pool.connection() as connection:
            cursor = await connection.execute(
                "select last_used_at from idp_client_secrets where client_id = %s", (client_id,)
            )
            assert (await cursor.fetchone())["last_used_at"] is not None

    async def test_a_write_that_fails_is_made_up_for(self, issuer, client, monkeypatch):
        client_id, secret = client
        used = issuer._kept.used

        async def refuse(_last_uses):
            raise IdpUnavailableError("down")

        monkeypatch.setattr(issuer._kept, "used", refuse)
        assert await works(issuer, client_id, secret)
        await issuer.maintain()
        monkeypatch.setattr(issuer._kept, "used", used)
        await issuer.maintain()
        assert (await issuer.secrets(client_id))[0].last_used_at is not None

    async def test_an_older_use_never_replaces_a_newer_one(self, host, issuer, client):
        client_id, _ = client
        (state,) = await issuer.secrets(client_id)
        now = host.now()
        await issuer._kept.used({state.id: now})
        await issuer._kept.used({state.id: now - timedelta(hours=1)})
        assert (await issuer.secrets(client_id))[0].last_used_at == now


class TestThrottle:
    async def test_failures_close_it_for_one_client_and_time_opens_it(self, monkeypatch):
        from idp_providers.self_hosted import throttle as module

        now = [1000.0]
        monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
        throttle = Throttle(per_minute=3)
        for _ in range(3):
            throttle.require_open("one")
            throttle.count_failure("ONE")
        with pytest.raises(ThrottledError):
            throttle.require_open("One")
        throttle.require_open("other")
        now[0] += 21
        throttle.require_open("one")

    async def test_it_can_be_switched_off(self):
        throttle = Throttle(per_minute=0)
        for _ in range(1000):
            throttle.count_failure("one")
            throttle.require_open("one")

    async def test_it_remembers_a_bounded_number_of_clients(self):
        throttle = Throttle(per_minute=1)
        for number in range(MOST_CLIENTS + 100):
            throttle.count_failure(f"client {number}")
        assert len(throttle._failures) == MOST_CLIENTS

    async def test_granted_tokens_are_never_counted(self, host):
        issuer = await SelfHostedProvider.open(SelfHostedSettings(failed_secrets_per_minute=1), host)
        await issuer.create_client(make_spec(client_id="Counted"), ClientSecret(value=CHOSEN, chosen=True))
        proof = SecretProof(client_id="Counted", secret=CHOSEN)
        for _ in range(5):
            assert await issuer.authenticate(proof)
        with pytest.raises(UnauthorizedClientError):
            await issuer.authenticate(SecretProof(client_id="Counted", secret="guess"))
        with pytest.raises(ThrottledError):
            await issuer.authenticate(SecretProof(client_id="Counted", secret="guess"))
        assert await issuer.authenticate(proof), "what was proven before passes a closed throttle"
        await issuer.close()
