"""What a wrong secret costs, and when it is refused: neither tells whether its client exists."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from idp_providers.authorization_server import SecretProof
from idp_providers.contract import ClientSecret, TokenRequest
from idp_providers.errors import IdpUnavailableError, InvalidClientError, ThrottledError, UnauthorizedClientError
from idp_providers.self_hosted import guesses, slow_hashes
from idp_providers.self_hosted.provider import SelfHostedProvider
from idp_providers.self_hosted.settings import SelfHostedSettings
from idp_providers.testing import make_secret, make_spec
from tests.clocks import CHECK_SECONDS, JumpingClock, StandingClock, let_checks_take_as_long
from tests.identity.host import LocalHost

pytestmark = pytest.mark.anyio

CHOSEN = ClientSecret(value="ValidClientSecret1234567890!Abcd", chosen=True)
DELAY = SelfHostedSettings().failed_secret_delay_seconds
REFUSALS = {"known": UnauthorizedClientError, "keyed": UnauthorizedClientError, "unknown": InvalidClientError}
"""An operator's client, one of like name whose secret was generated, and nobody."""
Open = Callable[..., Awaitable[SelfHostedProvider]]


@pytest.fixture
async def opened(fresh_host: LocalHost) -> AsyncIterator[Open]:
    """Opens issuers with settings, who know the same clients."""
    issuers: list[SelfHostedProvider] = []

    async def open(**settings: float) -> SelfHostedProvider:
        issuers.append(await SelfHostedProvider.open(SelfHostedSettings.model_validate(settings), fresh_host))
        return issuers[-1]

    first = await open()
    await first.create_client(make_spec(client_id="known"), CHOSEN)
    await first.create_client(make_spec(client_id="known too"), CHOSEN)
    await first.create_client(make_spec(client_id="keyed"), make_secret())
    yield open
    for issuer in issuers:
        await issuer.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> JumpingClock:
    """The time of issuers that are opened from now on."""
    clock = JumpingClock()
    let_checks_take_as_long(monkeypatch)
    monkeypatch.setattr("idp_providers.self_hosted.secrets.Clock", lambda: clock)
    return clock


@pytest.fixture
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> StandingClock:
    clock = StandingClock()
    let_checks_take_as_long(monkeypatch)
    monkeypatch.setattr("idp_providers.self_hosted.secrets.Clock", lambda: clock)
    return clock


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The secrets that a slow hash was computed of."""
    secrets: list[str] = []
    matches = slow_hashes._matches

    def counted(secret: bytes, stored: str) -> bool:
        secrets.append(secret.decode())
        return matches(secret, stored)

    monkeypatch.setattr(slow_hashes, "_matches", counted)
    return secrets


def authenticate(issuer: SelfHostedProvider, client_id: str, secret: str) -> asyncio.Task[object]:
    return asyncio.ensure_future(issuer.authenticate(SecretProof(client_id=client_id, secret=secret)))


async def refused_after(issuer: SelfHostedProvider, clock: JumpingClock, client_id: str, secret: str) -> float:
    """How long the one way of refusing took."""
    began = clock.now()
    with pytest.raises(REFUSALS[client_id]):
        await issuer.token(TokenRequest(client_id=client_id, client_secret=secret))
    return clock.now() - began


class TestOneAfterAnother:
    @pytest.mark.parametrize("client_id", REFUSALS)
    async def test_all_are_refused_after_the_same_time(
        self, opened: Open, clock: JumpingClock, computed: list[str], client_id: str
    ) -> None:
        issuer = await opened()
        assert [await refused_after(issuer, clock, client_id, f"guess {n}") for n in range(3)] == [DELAY] * 3
        assert len(computed) == (3 if client_id == "known" else 0), "only a known hash is worth computing"

    @pytest.mark.parametrize("client_id", REFUSALS)
    async def test_throttled_ones_too_and_they_cost_nothing(
        self, opened: Open, clock: JumpingClock, computed: list[str], client_id: str
    ) -> None:
        issuer = await opened(failed_secrets_per_minute=2)
        assert [await refused_after(issuer, clock, client_id, f"guess {n}") for n in range(5)] == [DELAY] * 5
        began = clock.now()
        with pytest.raises(ThrottledError):
            await authenticate(issuer, client_id, "another guess")
        assert clock.now() - began == DELAY
        assert len(computed) == (2 if client_id == "known" else 0)

    async def test_a_check_that_takes_longer_is_refused_at_the_next_beat(
        self, opened: Open, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def slow(*_: object) -> bool:
            clock.moment += DELAY * 1.2
            return False

        issuer = await opened()
        monkeypatch.setattr(slow_hashes, "_matches", slow)
        assert await refused_after(issuer, clock, "known", "guess") == DELAY * 2

    async def test_a_right_secret_is_not_delayed(self, opened: Open, clock: JumpingClock, computed: list[str]) -> None:
        issuer, began = await opened(), clock.now()
        for _ in range(3):
            assert await authenticate(issuer, "known", CHOSEN.value)
        assert clock.now() == began
        assert computed == [CHOSEN.value]

    @pytest.mark.parametrize("client_id", REFUSALS)
    async def test_the_delay_can_be_switched_off(self, opened: Open, clock: JumpingClock, client_id: str) -> None:
        issuer = await opened(failed_secret_delay_seconds=0)
        assert await refused_after(issuer, clock, client_id, "guess") == 0

    async def test_an_unknown_generated_id_is_refused_at_once(self, opened: Open, clock: JumpingClock) -> None:
        issuer, began = await opened(), clock.now()
        with pytest.raises(InvalidClientError):
            await authenticate(issuer, make_spec().client_id, "guess")
        assert clock.now() == began


class TestAtOnce:
    @pytest.mark.parametrize("client_id", REFUSALS)
    async def test_the_guesses_at_one_id_take_turns(
        self, opened: Open, standing_clock: StandingClock, client_id: str
    ) -> None:
        issuer, began = await opened(), standing_clock.now()
        guessing = {authenticate(issuer, client_id, f"guess {number}") for number in range(4)}
        for turn in range(1, 5):
            assert await standing_clock.waits(1) == [began + DELAY * turn]
            standing_clock.move(DELAY)
            done, guessing = await asyncio.wait(guessing, return_when=asyncio.FIRST_COMPLETED)
            assert [type(guess.exception()) for guess in done] == [REFUSALS[client_id]]

    async def test_no_more_are_checked_than_the_throttle_lets_through(
        self, opened: Open, clock: JumpingClock, computed: list[str]
    ) -> None:
        issuer = await opened(failed_secrets_per_minute=5)
        guessing = [authenticate(issuer, "known", f"guess {number}") for number in range(40)]
        outcomes = [type(outcome) for outcome in await asyncio.gather(*guessing, return_exceptions=True)]
        assert (outcomes.count(UnauthorizedClientError), outcomes.count(ThrottledError)) == (5, 35)
        assert len(computed) == 5
        assert clock.now() > 0

    async def test_the_same_guess_is_checked_once(self, opened: Open, clock: JumpingClock, computed: list[str]) -> None:
        issuer, began = await opened(), clock.now()
        guessing = [authenticate(issuer, "known", "guess") for _ in range(20)]
        outcomes = await asyncio.gather(*guessing, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {UnauthorizedClientError}
        assert (computed, clock.now() - began) == (["guess"], DELAY)

    async def test_what_was_proven_before_waits_for_no_guess(self, opened: Open, standing_clock: StandingClock) -> None:
        issuer = await opened()
        assert await authenticate(issuer, "known", CHOSEN.value)
        guess = authenticate(issuer, "known", "guess")
        await standing_clock.waits(1)
        assert await authenticate(issuer, "known", CHOSEN.value)
        standing_clock.move(DELAY)
        with pytest.raises(UnauthorizedClientError):
            await guess

    async def test_a_secret_that_was_set_meanwhile_is_judged_anew(
        self, opened: Open, standing_clock: StandingClock
    ) -> None:
        issuer, new = await opened(), ClientSecret(value="AnotherClientSecret1234567890!Ab", chosen=True)
        early = authenticate(issuer, "known", new.value)
        await standing_clock.waits(1)
        await (await opened()).replace_secret("known", new)
        late = authenticate(issuer, "known", new.value)
        standing_clock.move(DELAY)
        with pytest.raises(UnauthorizedClientError):
            await early
        assert await late

    @pytest.mark.parametrize("bound", ["MOST_GUESSES", "MOST_IN_LINE"])
    async def test_a_place_is_free_again_when_its_caller_leaves(
        self, opened: Open, standing_clock: StandingClock, monkeypatch: pytest.MonkeyPatch, bound: str
    ) -> None:
        monkeypatch.setattr(guesses, bound, 1)
        issuer = await opened()
        leaving = authenticate(issuer, "unknown", "guess 1")
        await standing_clock.waits(1)
        with pytest.raises(IdpUnavailableError):
            await authenticate(issuer, "unknown", "guess 2")
        leaving.cancel()
        await asyncio.wait({leaving})
        staying = authenticate(issuer, "unknown", "guess 3")
        await standing_clock.waits(1)
        standing_clock.move(DELAY)
        with pytest.raises(InvalidClientError):
            await staying

    @pytest.mark.parametrize(("delay", "places"), [(2, 5), (0.5, 20), (0.1, guesses.MOST_IN_LINE)])
    async def test_no_line_is_longer_than_the_time_that_a_call_has(
        self, opened: Open, standing_clock: StandingClock, delay: float, places: int
    ) -> None:
        issuer = await opened(failed_secret_delay_seconds=delay, failed_secrets_per_minute=0)
        guessing = [authenticate(issuer, "unknown", f"guess {number}") for number in range(places + 1)]
        done, waiting = await asyncio.wait(guessing, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        assert [type(guess.exception()) for guess in done] == [IdpUnavailableError]
        for _ in range(places):
            await standing_clock.waits(1)
            standing_clock.move(delay)
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [InvalidClientError] * places
        assert places * delay <= guesses.LONGEST_LINE_SECONDS

    async def test_a_flood_of_made_up_ids_leaves_room_for_a_right_secret(
        self, opened: Open, standing_clock: StandingClock
    ) -> None:
        issuer = await opened()
        flood = [authenticate(issuer, f"unknown {number}", "guess") for number in range(2000)]
        await standing_clock.waits(len(flood))
        assert await authenticate(issuer, "known", CHOSEN.value)
        standing_clock.move(DELAY)
        outcomes = await asyncio.gather(*flood, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {InvalidClientError}

    async def test_closing_lets_go_of_all_who_wait(self, opened: Open, standing_clock: StandingClock) -> None:
        issuer = await opened()
        waiting = [authenticate(issuer, client_id, "guess") for client_id in REFUSALS]
        # Of two that wait for a rest, one waits for the other.
        await standing_clock.waits(len(waiting) - 1)
        await issuer.close()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {IdpUnavailableError}


class TestRest:
    """Wrong checks of all ids together take a fifth of a core, whoever they are of."""

    async def test_after_a_wrong_check_the_next_one_waits(
        self, opened: Open, standing_clock: StandingClock, computed: list[str]
    ) -> None:
        issuer, began = await opened(failed_secret_delay_seconds=2), standing_clock.now()
        one, other = authenticate(issuer, "known", "guess 1"), authenticate(issuer, "known too", "guess 2")
        assert await standing_clock.waits(2) == pytest.approx([began + CHECK_SECONDS * 4, began + 2])
        assert len(computed) == 1
        standing_clock.move(0.1)
        await standing_clock.waits(2)
        assert sorted(computed) == ["guess 1", "guess 2"]
        standing_clock.move(4)
        outcomes = await asyncio.gather(one, other, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {UnauthorizedClientError}

    async def test_after_a_right_one_it_does_not(
        self, opened: Open, standing_clock: StandingClock, computed: list[str]
    ) -> None:
        issuer = await opened()
        assert await authenticate(issuer, "known", CHOSEN.value)
        assert await authenticate(issuer, "known too", CHOSEN.value)
        assert len(computed) == 2
        assert standing_clock.now() == 1000
