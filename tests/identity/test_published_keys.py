"""Keys of a provider that hangs, is away, or publishes something odd."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from idp_providers.errors import IdpDeniedError, IdpError, IdpUnavailableError, InvalidTokenError
from idp_providers.published_keys import PAUSE_SECONDS, PublishedKeys
from idp_providers.self_hosted import signing

pytestmark = pytest.mark.anyio

CACHE_SECONDS = 300.0
AT_ONCE = 20
SOON = 30.0
OLD, NEW = signing.generate("ES256"), signing.generate("EdDSA")
ODD = {"kid": "odd", "use": "sig", "alg": "RS256"}


class Source:
    """Publishes what a test says, when the test lets it; `now` is the time that the keys see."""

    def __init__(self) -> None:
        self.answer: list[dict[str, Any]] | Exception = [OLD.public_jwk]
        self.calls = 0
        self.now = 1000.0
        self.open = asyncio.Event()
        self.open.set()

    async def keys(self) -> list[dict[str, Any]]:
        self.calls += 1
        await self.open.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
async def keys(source: Source) -> AsyncIterator[PublishedKeys]:
    keys = PublishedKeys(source, CACHE_SECONDS, clock=lambda: source.now)
    yield keys
    await keys.close()


def token_by(pair: signing.KeyPair) -> str:
    return signing.sign({"sub": "me"}, signing.private_key(pair.private_key, pair.algorithm, pair.kid))


async def until(condition: Callable[[], bool]) -> None:
    """Let the tasks of the loop go on until it holds."""
    async with asyncio.timeout(SOON):
        while not condition():
            await asyncio.sleep(0)


async def together(call: Callable[[], Awaitable[object]]) -> list[object]:
    async with asyncio.timeout(SOON):
        return await asyncio.gather(*(call() for _ in range(AT_ONCE)), return_exceptions=True)


async def test_while_the_provider_hangs_requests_are_judged_by_the_keys_at_hand(
    source: Source, keys: PublishedKeys
) -> None:
    await keys.all()
    source.now += CACHE_SECONDS
    source.open.clear()
    for _ in range(3):
        answers = await together(lambda: keys.verified_claims(token_by(OLD)))
        assert answers == [{"sub": "me"}] * AT_ONCE
    assert source.calls == 2
    source.answer = [OLD.public_jwk, NEW.public_jwk]
    source.open.set()
    assert await keys.verified_claims(token_by(NEW)) == {"sub": "me"}


async def test_a_request_that_gives_up_waiting_takes_the_look_up_from_nobody(
    source: Source, keys: PublishedKeys
) -> None:
    source.open.clear()
    impatient, patient = asyncio.create_task(keys.all()), asyncio.create_task(keys.all())
    await until(lambda: source.calls == 1)
    impatient.cancel()
    await asyncio.wait([impatient])
    source.open.set()
    assert [key["kid"] for key in await patient] == [OLD.kid]
    assert source.calls == 1


async def test_all_who_wait_for_the_first_keys_share_one_attempt_and_its_failure(
    source: Source, keys: PublishedKeys
) -> None:
    source.open.clear()
    source.answer = IdpUnavailableError("It is away.")
    waiting = asyncio.create_task(together(keys.all))
    await until(lambda: source.calls == 1)
    source.now += 10
    source.open.set()
    assert [type(answer) for answer in await waiting] == [IdpUnavailableError] * AT_ONCE
    assert source.calls == 1
    source.answer = [OLD.public_jwk]
    assert len(await keys.all()) == 1, "the next one tries again"


async def test_a_pause_begins_when_an_attempt_ends(source: Source, keys: PublishedKeys) -> None:
    """One that takes longer than the pause would otherwise be followed by the next at once, one after the other."""
    await keys.all()
    source.now += PAUSE_SECONDS
    source.open.clear()
    source.answer = IdpUnavailableError("It took too long.")
    waiting = asyncio.create_task(together(lambda: keys.verified_claims(token_by(NEW))))
    await until(lambda: source.calls == 2)
    source.now += 2 * PAUSE_SECONDS
    source.open.set()
    assert {type(answer) for answer in await waiting} <= {InvalidTokenError, signing.UnknownKeyError}
    with pytest.raises(InvalidTokenError):
        await keys.verified_claims(token_by(NEW))
    assert source.calls == 2
    source.now += PAUSE_SECONDS
    source.answer = [NEW.public_jwk]
    assert await keys.verified_claims(token_by(NEW))


@pytest.mark.parametrize(
    "answer",
    [
        IdpUnavailableError("away"),
        IdpDeniedError("no"),
        IdpError("nonsense"),
        [{**ODD, "kty": "RSA", "n": "", "e": ""}],
        [],
        [{**NEW.public_jwk, "use": "enc"}],
        [{**NEW.public_jwk, "alg": "RS512"}],
        [{name: member for name, member in NEW.public_jwk.items() if name != "kid"}],
    ],
    ids=["away", "denied", "nonsense", "only odd keys", "none", "only for encryption", "only unknown", "only nameless"],
)
async def test_no_failure_takes_away_the_keys_at_hand(
    source: Source, keys: PublishedKeys, answer: list[dict[str, Any]] | Exception
) -> None:
    await keys.all()
    source.now += CACHE_SECONDS
    source.answer = answer
    with pytest.raises(InvalidTokenError):
        await keys.verified_claims(token_by(NEW))
    assert source.calls == 2
    assert await keys.verified_claims(token_by(OLD))
    assert [key["kid"] for key in await keys.all()] == [OLD.kid]


@pytest.mark.parametrize(
    "odd",
    [
        {**ODD, "kty": "RSA", "n": "!", "e": "AQAB"},
        {**ODD, "kty": "RSA"},
        {**ODD, "kty": "new"},
        ODD,
        {**ODD, "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    ],
    ids=["no number", "half of it", "unknown kind", "no kind", "not on its curve"],
)
async def test_an_odd_key_does_not_take_the_others_with_it(
    source: Source, keys: PublishedKeys, odd: dict[str, str]
) -> None:
    source.answer = [odd, OLD.public_jwk]
    assert await keys.verified_claims(token_by(OLD))
    assert [key["kid"] for key in await keys.all()] == [OLD.kid]


@pytest.mark.parametrize("answer", [[ODD], []], ids=["odd", "none"])
async def test_no_usable_key_is_an_error_of_the_family(
    source: Source, keys: PublishedKeys, answer: list[dict[str, Any]]
) -> None:
    source.answer = answer
    with pytest.raises(IdpError, match="can be used"):
        await keys.all()
