"""What happens to stored secrets by themselves: at starts, with age, beside older replicas."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from idp_providers.authorization_server import SecretProof
from idp_providers.contract import ClientSecret, TokenRequest
from idp_providers.errors import IdpUnavailableError, InvalidTokenError, ThrottledError, UnauthorizedClientError
from idp_providers.secret_keeping import SecretTerms
from idp_providers.self_hosted import throttle as throttle_module
from idp_providers.self_hosted import usage as usage_module
from idp_providers.self_hosted.provider import SelfHostedProvider
from idp_providers.self_hosted.settings import SelfHostedSettings
from idp_providers.self_hosted.throttle import RESERVED_PER_MINUTE
from idp_providers.testing import make_secret, make_spec
from tests.identity.host import LocalHost

pytestmark = pytest.mark.anyio

CHOSEN = ClientSecret(value="ValidClientSecret1234567890!Abcd", chosen=True)
TERMS = SecretTerms()
Client = tuple[str, str]
"""Its id and its first secret."""
Opener = Callable[..., Awaitable[SelfHostedProvider]]
"""Takes settings."""


async def works(issuer: SelfHostedProvider, client_id: str, secret: str) -> bool:
    try:
        await issuer.token(TokenRequest(client_id=client_id, client_secret=secret))
    except UnauthorizedClientError:
        return False
    return True


async def column(host: LocalHost, client_id: str) -> str:
    """What a replica of the version before reads."""
    return str((await host.row("select secret from idp_clients where client_id = %s", client_id))["secret"])


async def hash_of(host: LocalHost, secret_id: str) -> str:
    return str((await host.row("select hash from idp_client_secrets where id = %s", secret_id))["hash"])


@pytest.fixture
async def client(issuer: SelfHostedProvider) -> Client:
    spec = make_spec()
    return spec.client_id, (await issuer.create_client(spec, make_secret())).secret


@pytest.fixture
async def opened(host: LocalHost) -> AsyncIterator[Opener]:
    """Opens replicas with settings of their own; they refuse without delay."""
    replicas = []

    async def open(**settings: Any) -> SelfHostedProvider:
        at_once = {"failed_secret_delay_seconds": 0, **settings}
        replicas.append(await SelfHostedProvider.open(SelfHostedSettings(**at_once), host))
        return replicas[-1]

    yield open
    for replica in replicas:
        await replica.close()


async def flooded(issuer: SelfHostedProvider, client_id: str) -> None:
    """Wrong guesses until further ones are refused unchecked."""
    for number in range(100):
        try:
            await issuer.authenticate(SecretProof(client_id=client_id, secret=f"guess {number}"))
        except UnauthorizedClientError:
            continue
        except ThrottledError:
            return
    pytest.fail("nothing was throttled")


class TestStarts:
    """Every replica sets the chosen secrets of the settings when it starts."""

    async def test_setting_the_same_secret_again_keeps_its_id_and_its_uses(self, opened: Opener) -> None:
        issuer, client_id = await opened(), make_spec().client_id
        await issuer.create_client(make_spec(client_id=client_id), CHOSEN)
        assert await works(issuer, client_id, CHOSEN.value)
        await issuer.maintain()
        (before,) = await issuer.secrets(client_id)
        await (await opened()).replace_secret(client_id, CHOSEN)
        assert await issuer.secrets(client_id) == [before]
        assert before.last_used_at is not None

    async def test_a_start_elsewhere_does_not_hand_the_client_to_the_throttle(self, opened: Opener) -> None:
        issuer, client_id = await opened(failed_secrets_per_minute=2), make_spec().client_id
        await issuer.create_client(make_spec(client_id=client_id), CHOSEN)
        await (await opened()).replace_secret(client_id, CHOSEN)
        await flooded(issuer, client_id)
        assert await issuer.authenticate(SecretProof(client_id=client_id, secret=CHOSEN.value))

    async def test_whoever_started_with_the_secret_knows_it_at_once(self, opened: Opener) -> None:
        client_id = make_spec().client_id
        await (await opened()).create_client(make_spec(client_id=client_id), CHOSEN)
        late = await opened(failed_secrets_per_minute=2)
        await late.replace_secret(client_id, CHOSEN)
        await flooded(late, client_id)
        assert await late.authenticate(SecretProof(client_id=client_id, secret=CHOSEN.value))

    async def test_the_owner_gets_through_a_flood_where_the_secret_was_never_proven(self, opened: Opener) -> None:
        client_id = make_spec().client_id
        first = await opened()
        await first.create_client(make_spec(client_id=client_id), CHOSEN)
        await first.add_secret(client_id, ClientSecret(value="another chosen one", chosen=True), TERMS)
        stranger = await opened(failed_secrets_per_minute=2)
        await flooded(stranger, client_id)
        right = SecretProof(client_id=client_id, secret=CHOSEN.value)
        with pytest.raises(ThrottledError):
            await stranger.authenticate(right)
        assert await stranger.authenticate(right)
        assert await stranger.authenticate(right)

    async def test_guesses_that_come_again_are_few_and_checked_once(
        self, opened: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # The throttle's own clock stands still: it would forget a guess every few seconds.
        monkeypatch.setattr(throttle_module, "time", SimpleNamespace(monotonic=lambda: 1000.0))
        client_id = make_spec().client_id
        await (await opened()).create_client(make_spec(client_id=client_id), CHOSEN)
        replica, checked = await opened(failed_secrets_per_minute=1), []
        for number in range(40):
            for _ in range(4):
                try:
                    await replica.authenticate(SecretProof(client_id=client_id, secret=f"guess {number}"))
                except ThrottledError:
                    continue
                except UnauthorizedClientError:
                    checked.append(number)
        assert len(set(checked)) == len(checked)
        assert len(checked) == 1 + RESERVED_PER_MINUTE

    @pytest.mark.parametrize("other", ["another secret", "one more secret", "an end", "a weaker hash"])
    async def test_anything_else_makes_it_the_only_one(
        self, host: LocalHost, issuer: SelfHostedProvider, other: str
    ) -> None:
        client_id = make_spec().client_id
        await issuer.create_client(make_spec(client_id=client_id), CHOSEN)
        wanted = ClientSecret(value=CHOSEN.value + "2", chosen=True) if other == "another secret" else CHOSEN
        (before,) = await issuer.secrets(client_id)
        async with host.pool.connection() as connection:
            if other == "an end":
                await connection.execute("update idp_client_secrets set expires_at = now() + interval '1 h'")
            elif other == "a weaker hash":
                await connection.execute("update idp_client_secrets set hash = replace(hash, 't=2', 't=1')")
        if other == "one more secret":
            await issuer.add_secret(client_id, make_secret(), TERMS)
        await issuer.replace_secret(client_id, wanted)
        (after,) = await issuer.secrets(client_id)
        assert after.id != before.id
        assert after.expires_at is None
        assert await works(issuer, client_id, wanted.value)


class TestAge:
    async def test_what_reached_the_greatest_age_stays_ended_and_is_forgotten(
        self, host: LocalHost, opened: Opener, client: Client
    ) -> None:
        client_id, secret = client
        strict, lax = await opened(secret_maximum_age_days=1), await opened()
        await host.age_secrets(client_id, timedelta(days=2))
        assert not await works(strict, client_id, secret)
        await strict.maintain()
        assert not await works(lax, client_id, secret), "an ended secret came back with the setting"
        await host.age_secrets(client_id, timedelta(days=7))
        await strict.maintain()
        assert await strict.secrets(client_id) == []

    async def test_younger_and_chosen_ones_keep_their_terms(
        self, host: LocalHost, opened: Opener, client: Client
    ) -> None:
        client_id, _ = client
        strict = await opened(secret_maximum_age_days=3)
        await strict.add_secret(client_id, CHOSEN, TERMS)
        await host.age_secrets(client_id, timedelta(days=2))
        await strict.maintain()
        lax = await opened()
        assert [state.expires_at for state in await lax.secrets(client_id)] == [None, None]


class TestVersionBefore:
    """Replicas of the version before know `idp_clients.secret` alone."""

    async def test_a_removed_secret_is_gone_there_too(
        self, host: LocalHost, issuer: SelfHostedProvider, client: Client
    ) -> None:
        client_id, first = client
        (state,) = await issuer.secrets(client_id)
        assert await column(host, client_id) == await hash_of(host, state.id)
        second = make_secret()
        added = await issuer.add_secret(client_id, second, TERMS)
        await issuer.remove_secret(client_id, state.id)
        assert await column(host, client_id) == ""
        assert [state.id for state in await issuer.secrets(client_id)] == [added.id]
        assert [await works(issuer, client_id, s) for s in (first, second.value)] == [False, True]

    async def test_removing_another_secret_leaves_it(
        self, host: LocalHost, issuer: SelfHostedProvider, client: Client
    ) -> None:
        client_id, _ = client
        added = await issuer.add_secret(client_id, make_secret(), TERMS)
        before = await column(host, client_id)
        await issuer.remove_secret(client_id, added.id)
        assert await column(host, client_id) == before != ""

    async def test_a_forgotten_secret_is_gone_there_too(
        self, host: LocalHost, issuer: SelfHostedProvider, client: Client
    ) -> None:
        client_id, _ = client
        await issuer.add_secret(client_id, make_secret(), TERMS, overlap=timedelta(0))
        await host.age_secrets(client_id, timedelta(days=8))
        await issuer.maintain()
        assert await column(host, client_id) == ""

    async def test_a_renewed_hash_is_written_there_too_and_costs_no_other_secret(
        self, host: LocalHost, issuer: SelfHostedProvider, client: Client
    ) -> None:
        client_id, first = client
        (state,) = await issuer.secrets(client_id)
        await issuer.add_secret(client_id, make_secret(), TERMS)
        host.rotate_pepper()
        assert await works(issuer, client_id, first)
        assert await column(host, client_id) == await hash_of(host, state.id)
        assert (await column(host, client_id)).startswith("hmac-sha256$k2:")
        assert len(await issuer.secrets(client_id)) == 2


class TestUses:
    async def test_uses_do_not_wait_for_whoever_changes_a_secret(
        self, host: LocalHost, issuer: SelfHostedProvider, client: Client
    ) -> None:
        one, other = client[0], make_spec().client_id
        await issuer.create_client(make_spec(client_id=other), make_secret())
        (held,), (free,) = await issuer.secrets(one), await issuer.secrets(other)
        uses = {held.id: host.now(), free.id: host.now()}
        async with host.pool.connection() as connection, connection.transaction():
            await connection.execute("select from idp_client_secrets where id = %s for update", (held.id,))
            async with asyncio.timeout(30):
                assert list(await issuer._kept.used(uses)) == [held.id]
        assert (await issuer.secrets(other))[0].last_used_at == uses[free.id]
        assert not await issuer._kept.used({held.id: uses[held.id]})
        assert (await issuer.secrets(one))[0].last_used_at == uses[held.id]

    async def test_what_is_gone_is_not_tried_for_ever(self, issuer: SelfHostedProvider, client: Client) -> None:
        client_id, _ = client
        (state,) = await issuer.secrets(client_id)
        await issuer.remove_secret(client_id, state.id)
        assert not await issuer._kept.used({state.id: state.created_at})

    async def test_a_write_that_fails_is_tried_again_by_itself(
        self, opened: Opener, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client_id, secret = client
        issuer = await opened(secret_use_delay_seconds=1)
        used, failed, written = issuer._kept.used, asyncio.Event(), asyncio.Event()

        async def fails_once(last_uses: Mapping[str, datetime]) -> Collection[str]:
            if not failed.is_set():
                failed.set()
                raise IdpUnavailableError("down")
            left = await used(last_uses)
            written.set()
            return left

        monkeypatch.setattr(issuer._kept, "used", fails_once)
        monkeypatch.setattr(usage_module, "RETRY_SECONDS", 0.05)
        assert await works(issuer, client_id, secret)
        async with asyncio.timeout(60):
            await written.wait()
        assert failed.is_set()
        assert (await issuer.secrets(client_id))[0].last_used_at is not None

    async def test_too_many_to_keep_are_written_at_once(
        self, opened: Opener, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client_id, secret = client
        issuer = await opened(secret_use_delay_seconds=45)
        used, written = issuer._kept.used, asyncio.Event()

        async def told(last_uses: Mapping[str, datetime]) -> Collection[str]:
            left = await used(last_uses)
            written.set()
            return left

        monkeypatch.setattr(issuer._kept, "used", told)
        monkeypatch.setattr(usage_module, "MOST_WAITING", 1)
        assert await works(issuer, client_id, secret)
        async with asyncio.timeout(60):
            await written.wait()
        assert (await issuer.secrets(client_id))[0].last_used_at is not None

    async def test_uses_that_could_not_be_kept_are_logged(
        self, opened: Opener, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        client_id, secret = client
        issuer = await opened(secret_use_delay_seconds=45)
        monkeypatch.setattr(usage_module, "MOST_WAITING", 0)
        for _ in range(3):
            assert await works(issuer, client_id, secret)
        await issuer.maintain()
        lost = [vars(record)["uses"] for record in caplog.records if record.message == "idp.secret_use.lost"]
        assert sum(lost) == 3


async def test_one_part_of_maintenance_does_not_hold_up_the_others(
    host: LocalHost, issuer: SelfHostedProvider, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse() -> None:
        raise IdpUnavailableError("down")

    client_id, secret = client
    assert await works(issuer, client_id, secret)
    monkeypatch.setattr(issuer._keys, "rotate", refuse)
    with pytest.raises(IdpUnavailableError, match="down"):
        await issuer.maintain()
    assert (await issuer.secrets(client_id))[0].last_used_at is not None


async def test_tokens_end_whatever_the_clock_of_the_replica_says_that_ends_them(
    host: LocalHost, issuer: SelfHostedProvider, client: Client
) -> None:
    client_id, secret = client
    token = (await issuer.token(TokenRequest(client_id=client_id, client_secret=secret))).access_token
    assert await issuer.verify(token)
    host.shift = timedelta(hours=-1)
    await issuer.end_tokens(client_id)
    host.shift = timedelta(0)
    with pytest.raises(InvalidTokenError):
        await issuer.verify(token)
