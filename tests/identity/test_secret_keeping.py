"""The built-in issuer keeps several secrets per client, in the caller's transaction, and notes their use in batches."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

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
from idp_providers.self_hosted.client_secrets import MOST_ENDED
from idp_providers.self_hosted.provider import SelfHostedProvider
from idp_providers.self_hosted.settings import SelfHostedSettings
from idp_providers.self_hosted.throttle import MOST_CLIENTS, Throttle
from idp_providers.testing import make_secret, make_spec
from tests.identity.host import LocalHost

pytestmark = pytest.mark.anyio

CHOSEN = "ValidClientSecret1234567890!Abcd"
TERMS = SecretTerms()
Client = tuple[str, str]
"""Its id and its first secret."""


async def works(issuer: SelfHostedProvider, client_id: str, secret: str) -> bool:
    try:
        await issuer.token(TokenRequest(client_id=client_id, client_secret=secret))
    except UnauthorizedClientError:
        return False
    return True


@pytest.fixture
async def client(issuer: SelfHostedProvider) -> Client:
    spec = make_spec()
    return spec.client_id, (await issuer.create_client(spec, make_secret())).secret


class TestSecrets:
    async def test_a_provider_that_declares_it_is_a_keeper(self, issuer: SelfHostedProvider) -> None:
        keeper: object = secret_keeper(issuer)
        assert keeper is issuer
        assert issuer.capabilities.expiring_secrets

    async def test_a_secret_commits_and_vanishes_with_the_callers_row(
        self, host: LocalHost, issuer: SelfHostedProvider, client: Client
    ) -> None:
        client_id, first = client
        kept, lost = make_secret(), make_secret()
        async with host.unit_of_work():
            await issuer.add_secret(client_id, kept, TERMS)
        async with host.unit_of_work(commit=False):
            await issuer.add_secret(client_id, lost, TERMS, overlap=timedelta(0))
        assert [await works(issuer, client_id, s) for s in (first, kept.value, lost.value)] == [True, True, False]

    async def test_a_refused_secret_ends_no_other(
        self, host: LocalHost, issuer: SelfHostedProvider, client: Client
    ) -> None:
        client_id, first = client
        for _ in range(MOST_SECRETS - 1):
            await issuer.add_secret(client_id, make_secret(), TERMS)
        async with host.unit_of_work():
            with pytest.raises(TooManySecretsError):
                await issuer.add_secret(client_id, make_secret(), TERMS, overlap=timedelta(hours=1))
        assert {state.expires_at for state in await issuer.secrets(client_id)} == {None}
        assert await works(issuer, client_id, first)

    async def test_concurrent_additions_do_not_pass_the_limit(self, issuer: SelfHostedProvider, client: Client) -> None:
        client_id, _ = client
        outcomes = await asyncio.gather(
            *(issuer.add_secret(client_id, make_secret(), TERMS) for _ in range(MOST_SECRETS + 5)),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, TooManySecretsError) for outcome in outcomes) == 6
        assert len(await issuer.secrets(client_id)) == MOST_SECRETS

    async def test_an_earlier_end_stays(self, host: LocalHost, issuer: SelfHostedProvider, client: Client) -> None:
        client_id, _ = client
        soon = host.now() + timedelta(minutes=1)
        brief = await issuer.add_secret(client_id, make_secret(), SecretTerms(expires_at=soon))
        await issuer.add_secret(client_id, make_secret(), TERMS, overlap=timedelta(hours=1))
        ends = {state.id: state.expires_at for state in await issuer.secrets(client_id)}
        assert ends[brief.id] == soon
        first, second = sorted(filter(None, ends.values()))
        assert first == soon
        assert abs(second - soon - timedelta(minutes=59)) < timedelta(seconds=10)

    async def test_any_spelling_of_the_id_finds_the_client(self, issuer: SelfHostedProvider) -> None:
        await issuer.create_client(make_spec(client_id="Spelling"), make_secret())
        secret = make_secret()
        added = await issuer.add_secret("SPELLING", secret, TERMS)
        assert await works(issuer, "Spelling", secret.value)
        await issuer.remove_secret("sPELLING", added.id)
        assert not await works(issuer, "Spelling", secret.value)

    async def test_what_is_not_there_is_said(self, issuer: SelfHostedProvider, client: Client) -> None:
        with pytest.raises(ClientNotFoundError):
            await issuer.secrets("nobody")
        with pytest.raises(ClientNotFoundError):
            await issuer.add_secret("nobody", make_secret(), TERMS)
        for unknown in ("x", "00000000-0000-0000-0000-000000000000", "\0"):
            with pytest.raises(SecretNotFoundError):
                await issuer.remove_secret(client[0], unknown)

    async def test_a_chosen_secret_may_stand_beside_a_generated_one(
        self, issuer: SelfHostedProvider, client: Client
    ) -> None:
        client_id, first = client
        await issuer.add_secret(client_id, ClientSecret(value=CHOSEN, chosen=True), TERMS)
        assert [await works(issuer, client_id, secret) for secret in (first, CHOSEN, "wrong")] == [True, True, False]

    async def test_ended_secrets_are_forgotten_after_a_week(
        self, host: LocalHost, issuer: SelfHostedProvider, client: Client
    ) -> None:
        client_id, _ = client
        await issuer.add_secret(client_id, make_secret(), TERMS, overlap=timedelta(0))
        await host.age_secrets(client_id, timedelta(days=6))
        await issuer.maintain()
        assert len(await issuer.secrets(client_id)) == 2
        await host.age_secrets(client_id, timedelta(days=2))
        await issuer.maintain()
        assert len(await issuer.secrets(client_id)) == 1

    @pytest.mark.parametrize("shift", [-5, 5], ids=["late", "early"])
    async def test_what_a_replica_ends_is_over_on_all_whatever_their_clocks_say(
        self, host: LocalHost, issuer: SelfHostedProvider, client: Client, shift: int
    ) -> None:
        client_id, first = client
        second, third = make_secret(), make_secret()
        host.shift = timedelta(seconds=shift)
        await issuer.add_secret(client_id, second, TERMS, overlap=timedelta(0))
        assert not await works(issuer, client_id, first)
        host.shift = timedelta(0)
        assert not await works(issuer, client_id, first)
        await issuer.add_secret(client_id, third, TERMS, overlap=timedelta(0))
        host.shift = timedelta(seconds=shift)
        assert [await works(issuer, client_id, s.value) for s in (second, third)] == [False, True]

    async def test_ended_ones_make_room_whatever_the_clock_says(
        self, host: LocalHost, issuer: SelfHostedProvider, client: Client
    ) -> None:
        client_id, _ = client
        for _ in range(MOST_SECRETS - 1):
            await issuer.add_secret(client_id, make_secret(), TERMS)
        host.shift = timedelta(seconds=-5)
        await issuer.add_secret(client_id, make_secret(), TERMS, overlap=timedelta(0))
        await issuer.add_secret(client_id, make_secret(), TERMS)

    async def test_of_many_ended_ones_the_newest_are_kept(
        self, host: LocalHost, issuer: SelfHostedProvider, client: Client
    ) -> None:
        client_id, _ = client
        for number in range(MOST_ENDED + 3):
            await issuer.add_secret(client_id, make_secret(), SecretTerms(label=str(number)), overlap=timedelta(0))
        labels = [int(state.label) for state in await issuer.secrets(client_id)]
        assert labels == list(range(MOST_ENDED + 2, 1, -1)), "the live one and the newest of those before it"
        blank = await host.row("select secret from idp_clients where client_id = %s", client_id)
        assert blank["secret"] == "", "the first one is forgotten for replicas of the version before too"

    async def test_a_version_that_knows_one_secret_sets_the_only_one(
        self, host: LocalHost, issuer: SelfHostedProvider, client: Client
    ) -> None:
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
    async def test_many_uses_are_one_statement(
        self, host: LocalHost, issuer: SelfHostedProvider, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        writes = []
        used = issuer._kept.used

        async def counted(last_uses: Mapping[str, datetime]) -> Collection[str]:
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
        assert state.last_used_at is not None
        assert abs(state.last_used_at - host.now()) < timedelta(seconds=10)

    async def test_wrong_secrets_are_no_use(self, issuer: SelfHostedProvider, client: Client) -> None:
        assert not await works(issuer, client[0], "wrong")
        await issuer.maintain()
        assert (await issuer.secrets(client[0]))[0].last_used_at is None

    async def test_closing_writes_what_is_left(self, host: LocalHost, client: Client) -> None:
        issuer = await SelfHostedProvider.open(SelfHostedSettings(), host)
        client_id, secret = client
        assert await works(issuer, client_id, secret)
        await issuer.close()
        kept = await host.row("select last_used_at from idp_client_secrets where client_id = %s", client_id)
        assert kept["last_used_at"] is not None

    async def test_a_write_that_fails_is_made_up_for(
        self, issuer: SelfHostedProvider, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client_id, secret = client
        used = issuer._kept.used

        async def refuse(_last_uses: Mapping[str, datetime]) -> None:
            raise IdpUnavailableError("down")

        monkeypatch.setattr(issuer._kept, "used", refuse)
        assert await works(issuer, client_id, secret)
        await issuer.maintain()
        monkeypatch.setattr(issuer._kept, "used", used)
        await issuer.maintain()
        assert (await issuer.secrets(client_id))[0].last_used_at is not None

    async def test_an_older_use_never_replaces_a_newer_one(
        self, host: LocalHost, issuer: SelfHostedProvider, client: Client
    ) -> None:
        client_id, _ = client
        (state,) = await issuer.secrets(client_id)
        now = host.now()
        await issuer._kept.used({state.id: now})
        await issuer._kept.used({state.id: now - timedelta(hours=1)})
        assert (await issuer.secrets(client_id))[0].last_used_at == now


class TestThrottle:
    async def test_failures_close_it_for_one_client_and_time_opens_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = [1000.0]
        monkeypatch.setattr("idp_providers.self_hosted.throttle.time.monotonic", lambda: now[0])
        throttle = Throttle(per_minute=3)
        for _ in range(3):
            throttle.admit("ONE")
        with pytest.raises(ThrottledError):
            throttle.admit("One")
        throttle.admit("other")
        now[0] += 21
        throttle.admit("one")

    async def test_what_was_right_leaves_no_trace(self) -> None:
        throttle = Throttle(per_minute=3)
        for _ in range(100):
            throttle.admit("one")
            throttle.forgive("ONE")

    async def test_it_can_be_switched_off(self) -> None:
        throttle = Throttle(per_minute=0)
        for _ in range(1000):
            throttle.admit("one")

    async def test_it_remembers_a_bounded_number_of_clients(self) -> None:
        throttle = Throttle(per_minute=1)
        for number in range(MOST_CLIENTS + 100):
            throttle.admit(f"client {number}")
        assert len(throttle._failures) == MOST_CLIENTS

    async def test_granted_tokens_are_never_counted(self, host: LocalHost) -> None:
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
