"""The states of signing keys over time: pure rules first, then the table."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.rows import DictRow

from idp_providers.contract import TokenRequest
from idp_providers.errors import IdpConfigurationError, IdpUnavailableError, InvalidTokenError
from idp_providers.self_hosted import ring, signing
from idp_providers.self_hosted.provider import SelfHostedProvider
from idp_providers.self_hosted.rotation import KeyRecord, KeyState, RotationPolicy, due_rotation
from idp_providers.self_hosted.settings import LONGEST_TOKEN_LIFETIME, SelfHostedSettings
from idp_providers.testing import make_secret, make_spec
from tenant_api.kernel.keys import KeyRing, generate_keys
from tenant_api.kernel.sealing import Sealer
from tests.identity.host import LocalHost

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Keys:
    """The table in memory, under the rules."""

    def __init__(self, config: SelfHostedSettings) -> None:
        self.policy = RotationPolicy.of(config)
        self.keys: dict[str, KeyRecord] = {}
        self.names = map(str, count())

    def rotate(self, now: datetime) -> None:
        rotation = due_rotation(tuple(self.keys.values()), now, self.policy)
        for kid in rotation.remove:
            del self.keys[kid]
        if rotation.retire:
            self._change(rotation.retire, state=KeyState.RETIRED, retired_at=now)
        if rotation.activate:
            self._change(rotation.activate, state=KeyState.ACTIVE, activated_at=now)
        for state in rotation.create:
            record = KeyRecord(kid=next(self.names), algorithm=self.policy.algorithm, state=state, published_at=now)
            self.keys[record.kid] = replace(record, activated_at=now if state is KeyState.ACTIVE else None)

    def only(self, state: KeyState) -> KeyRecord:
        (key,) = [key for key in self.keys.values() if key.state is state]
        return key

    def _change(self, kid: str, **changes: Any) -> None:
        self.keys[kid] = replace(self.keys[kid], **changes)


configs = st.builds(
    SelfHostedSettings,
    algorithm=st.sampled_from(["RS256", "PS256", "ES256", "EdDSA"]),
    key_rotation_days=st.integers(2, 40),
    key_publication_hours=st.integers(24, 48),
    token_lifetime_seconds=st.integers(60, int(LONGEST_TOKEN_LIFETIME.total_seconds())),
    clock_skew_seconds=st.integers(0, 3600),
)


@settings(max_examples=150, deadline=None)
@given(configs, st.lists(st.tuples(st.integers(0, 1200), st.none() | configs), max_size=60))
def test_one_key_signs_none_signs_early_and_none_vanishes_early(
    config: SelfHostedSettings, steps: list[tuple[int, SelfHostedSettings | None]]
) -> None:
    """At every step: time passes, an operator may change settings, a token is signed, keys rotate."""
    keys, now = Keys(config), START
    keys.rotate(now)
    first = keys.only(KeyState.ACTIVE).kid
    published = dict.fromkeys(keys.keys, now)
    alive: list[tuple[str, datetime]] = []
    for hours, changed in steps:
        now += hours * HOUR
        if changed:
            config, keys.policy = changed, RotationPolicy.of(changed)
        signer = keys.only(KeyState.ACTIVE)
        alive.append((signer.kid, now + config.token_lifetime + config.clock_skew))
        keys.rotate(now)
        settled = dict(keys.keys)
        keys.rotate(now)
        assert keys.keys == settled, "rotation converges in one call"
        published = {kid: published.get(kid, now) for kid in keys.keys}
        active, waiting = keys.only(KeyState.ACTIVE), keys.only(KeyState.NEXT)
        assert waiting.algorithm == keys.policy.algorithm or now - waiting.published_at < keys.policy.publication
        assert active.kid == first or now - published[active.kid] >= timedelta(hours=24)
        alive = [(kid, until) for kid, until in alive if until > now]
        assert {kid for kid, _ in alive} <= keys.keys.keys()


def test_a_key_signs_for_its_period_and_is_forgotten_after_its_tokens() -> None:
    keys = Keys(SelfHostedSettings(key_rotation_days=30))
    keys.rotate(START)
    first, second = keys.only(KeyState.ACTIVE), keys.only(KeyState.NEXT)
    keys.rotate(START + 30 * 24 * HOUR - HOUR)
    assert keys.only(KeyState.ACTIVE) == first
    keys.rotate(START + 30 * 24 * HOUR)
    assert keys.only(KeyState.ACTIVE).kid == second.kid
    assert keys.only(KeyState.RETIRED).kid == first.kid
    keys.rotate(START + 32 * 24 * HOUR)
    assert first.kid not in keys.keys


def test_a_changed_algorithm_is_published_first_and_signs_a_day_later() -> None:
    keys = Keys(SelfHostedSettings(algorithm="RS256"))
    keys.rotate(START)
    keys.policy = RotationPolicy.of(SelfHostedSettings(algorithm="ES256"))
    keys.rotate(START + 25 * HOUR)
    assert (keys.only(KeyState.ACTIVE).algorithm, keys.only(KeyState.NEXT).algorithm) == ("RS256", "ES256")
    keys.rotate(START + 48 * HOUR)
    assert keys.only(KeyState.ACTIVE).algorithm == "RS256"
    keys.rotate(START + 49 * HOUR)
    assert keys.only(KeyState.ACTIVE).algorithm == "ES256"


def test_replicas_of_old_and_new_settings_do_not_replace_each_others_waiting_key() -> None:
    """A rollout that takes half a day, with maintenance every half hour on both sides."""
    keys = Keys(old := SelfHostedSettings(algorithm="RS256"))
    keys.rotate(START)
    rolling, new = START + 72 * HOUR, SelfHostedSettings(algorithm="ES256")
    for number in range(24):
        for side in (new, old):
            keys.policy = RotationPolicy.of(side)
            keys.rotate(rolling + number * HOUR / 2)
    waiting = keys.only(KeyState.NEXT)
    assert (waiting.algorithm, waiting.published_at) == ("ES256", rolling)
    keys.policy = RotationPolicy.of(new)
    keys.rotate(rolling + 24 * HOUR)
    assert keys.only(KeyState.ACTIVE).kid == waiting.kid


class TestTable:
    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def host(self, fresh_host: LocalHost) -> LocalHost:
        return fresh_host

    async def rows(self, host: LocalHost) -> list[DictRow]:
        async with host.pool.connection() as connection:
            return await (await connection.execute("select * from idp_keys order by published_at")).fetchall()

    async def states(self, host: LocalHost) -> list[str]:
        return sorted(row["state"] for row in await self.rows(host))

    async def test_replicas_that_start_at_once_agree_on_one_key(self, host: LocalHost) -> None:
        replicas = await asyncio.gather(*(SelfHostedProvider.open(SelfHostedSettings(), host) for _ in range(6)))
        try:
            assert await self.states(host) == ["active", "next"]
            spec = make_spec()
            secret = (await replicas[0].create_client(spec, make_secret())).secret
            token = (await replicas[1].token(TokenRequest(client_id=spec.client_id, client_secret=secret))).access_token
            for replica in replicas:
                assert (await replica.verify(token)).client_id == spec.client_id
        finally:
            for replica in replicas:
                await replica.close()

    async def test_a_restart_keeps_the_keys(self, host: LocalHost, issuer: SelfHostedProvider) -> None:
        before = await issuer.keys()
        again = await SelfHostedProvider.open(SelfHostedSettings(), host)
        assert await again.keys() == before
        await again.close()

    async def test_whoever_opens_the_issuer_with_other_settings_changes_no_key(
        self, host: LocalHost, issuer: SelfHostedProvider
    ) -> None:
        before = await self.rows(host)
        host.shift = timedelta(days=200)
        other = await SelfHostedProvider.open(SelfHostedSettings(algorithm="ES256", key_rotation_days=1), host)
        assert await other.signing_keys()
        assert await self.rows(host) == before
        await other.close()

    async def test_rotation_erases_the_private_key_and_keeps_tokens_good(
        self, host: LocalHost, issuer: SelfHostedProvider
    ) -> None:
        spec = make_spec()
        request = TokenRequest(
            client_id=spec.client_id, client_secret=(await issuer.create_client(spec, make_secret())).secret
        )
        old = (await issuer.token(request)).access_token
        announced = (await issuer.keys())[1]["kid"]
        host.shift = timedelta(days=90)
        await asyncio.gather(*(issuer.rotate_keys() for _ in range(4)))
        host.shift = timedelta(0)

        assert await self.states(host) == ["active", "next", "retired"]
        retired = next(row for row in await self.rows(host) if row["state"] == "retired")
        assert retired["private_key"] is None
        assert (await issuer.verify(old)).client_id == spec.client_id
        new = (await issuer.token(request)).access_token
        assert signing.verified_claims(new, {announced: issuer._ring._verifiers[announced]})

        host.shift = timedelta(days=93)
        await issuer.maintain()
        assert await self.states(host) == ["active", "next"]
        with pytest.raises(InvalidTokenError):
            await issuer.verify(old)

    async def test_a_replica_meets_a_key_that_it_has_not_read_yet(
        self, host: LocalHost, issuer: SelfHostedProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = await SelfHostedProvider.open(SelfHostedSettings(), host)
        monkeypatch.setattr(ring, "UNKNOWN_KEY_SECONDS", 3600.0)
        async with host.pool.connection() as connection:
            await connection.execute("delete from idp_keys")
        await issuer.rotate_keys()
        spec = make_spec()
        secret = (await issuer.create_client(spec, make_secret())).secret
        token = (await issuer.token(TokenRequest(client_id=spec.client_id, client_secret=secret))).access_token
        with pytest.raises(InvalidTokenError):
            await other.verify(token)
        monkeypatch.setattr(ring, "UNKNOWN_KEY_SECONDS", 0.0)
        assert (await other.verify(token)).client_id == spec.client_id
        await other.close()

    async def test_unknown_keys_do_not_make_the_service_read_every_time(
        self, host: LocalHost, issuer: SelfHostedProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stranger = signing.generate("RS256")
        token = signing.sign({}, signing.private_key(stranger.private_key, "RS256", stranger.kid))
        reads = 0
        rows = issuer._keys.rows

        async def counted() -> list[DictRow]:
            nonlocal reads
            reads += 1
            return await rows()

        monkeypatch.setattr(issuer._keys, "rows", counted)
        for seconds in [0.0] + [3600.0] * 20:
            monkeypatch.setattr(ring, "UNKNOWN_KEY_SECONDS", seconds)
            with pytest.raises(InvalidTokenError):
                await issuer.verify(token)
            assert reads == 1

    async def test_a_foreign_sealing_key_is_a_configuration_error(
        self, host: LocalHost, issuer: SelfHostedProvider
    ) -> None:
        host.sealer = Sealer(KeyRing.parse(generate_keys()["sealing"]))
        with pytest.raises(IdpConfigurationError):
            await SelfHostedProvider.open(SelfHostedSettings(), host)

    async def test_a_sealed_key_opens_in_its_own_row_only(self, host: LocalHost, issuer: SelfHostedProvider) -> None:
        active = next(row for row in await self.rows(host) if row["state"] == "active")
        waiting = next(row for row in await self.rows(host) if row["state"] == "next")
        with pytest.raises(ValueError, match="sealed for another place"):
            host.unseal(active["private_key"], f"idp_keys:private_key:{waiting['kid']}")
        assert "PRIVATE" not in active["private_key"]

    async def test_without_a_signing_key_the_check_fails(self, host: LocalHost, issuer: SelfHostedProvider) -> None:
        async with host.pool.connection() as connection:
            await connection.execute("delete from idp_keys")
        with pytest.raises(IdpUnavailableError):
            await issuer.check()

    @pytest.mark.parametrize("state", ["active", "next"])
    async def test_the_table_takes_no_second_key_of_a_state(
        self, host: LocalHost, issuer: SelfHostedProvider, state: str
    ) -> None:
        async with host.pool.connection() as connection:
            with pytest.raises(psycopg.errors.UniqueViolation, match="uq_idp_keys_state"):
                await connection.execute(
                    """
                    insert into idp_keys
                    select 'twin', algorithm, state, private_key, public_jwk, published_at, activated_at
                    from idp_keys where state = %s
                    """,
                    (state,),
                )

    async def test_published_keys_have_exactly_the_contracts_members(self, issuer: SelfHostedProvider) -> None:
        for key in await issuer.keys():
            assert set(key) == {"kty", "use", "kid", "e", "n", "alg"}
            assert (key["kty"], key["use"], key["alg"], key["e"]) == ("RSA", "sig", "RS256", "AQAB")
