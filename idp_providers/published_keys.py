"""The public keys of a provider on another machine, as of late."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, get_args

from joserfc.errors import JoseError

from idp_providers.errors import IdpError
from idp_providers.self_hosted.settings import Algorithm
from idp_providers.self_hosted.signing import SigningKey, UnknownKeyError, ordered_members, public_key, verified_claims

PAUSE_SECONDS = 5.0
"""Least time from the end of a look-up to the next: forged tokens that name unknown keys do not reach the provider."""

_ODD = (JoseError, ValueError, TypeError, LookupError, AttributeError)

log = logging.getLogger(__name__)


class KeySource(Protocol):
    """Whoever publishes keys."""

    def keys(self) -> Awaitable[list[dict[str, Any]]]:
        """All of them, as JWK. Errors of the family."""
        ...


class PublishedKeys:
    """Keys for signatures. Renewed when they are old, or when a token names a key that is not among them.

    There is one look-up at a time, whoever asks. Nobody waits for it who can be served from the keys at hand, and
    these go on counting while the provider does not answer, or answers with nonsense.
    """

    def __init__(self, source: KeySource, cache_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._cache_seconds = cache_seconds
        self._clock = clock
        self._jwks: list[dict[str, Any]] = []
        self._keys: dict[str, SigningKey] = {}
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._look_up: asyncio.Task[IdpError | None] | None = None

    async def close(self) -> None:
        """Give up a look-up that is under way."""
        if self._look_up is not None:
            self._look_up.cancel()
            await asyncio.wait([self._look_up])

    async def all(self) -> Sequence[dict[str, Any]]:
        """The keys as JWK, public members only. The provider's error if none was ever seen."""
        await self._have_some()
        return [dict(key) for key in self._jwks]

    async def verified_claims(self, token: str) -> dict[str, Any]:
        """The payload of a token that the provider signed. InvalidTokenError."""
        await self._have_some()
        try:
            return verified_claims(token, self._keys)
        except UnknownKeyError:
            await self._look_again()
        return verified_claims(token, self._keys)

    async def _have_some(self) -> None:
        age = self._clock() - self._read_at
        if age == float("inf"):
            failure = await asyncio.shield(self._looked_up())
            if failure is not None:
                raise type(failure)(*failure.args)
        elif age >= self._cache_seconds and self._may_try():
            self._looked_up()

    async def _look_again(self) -> None:
        """For a key that may be new. Who comes while others wait for it waits with them."""
        if self._is_under_way() or self._may_try():
            await asyncio.shield(self._looked_up())

    def _may_try(self) -> bool:
        return self._clock() - self._tried_at >= PAUSE_SECONDS

    def _is_under_way(self) -> bool:
        return self._look_up is not None and not self._look_up.done()

    def _looked_up(self) -> asyncio.Task[IdpError | None]:
        """The look-up that is under way, or a new one. Its answer says why it brought nothing."""
        if self._look_up is None or self._look_up.done():
            self._look_up = asyncio.create_task(self._read())
        return self._look_up

    async def _read(self) -> IdpError | None:
        began = self._clock()
        try:
            found = _usable(await self._source.keys())
        except IdpError as error:
            log.warning("idp.keys.not_renewed", extra={"reason": str(error)})
            return error
        finally:
            self._tried_at = self._clock()
        self._jwks = [jwk for jwk, _ in found]
        self._keys = {str(jwk["kid"]): key for jwk, key in found}
        self._read_at = began
        return None


def _signs(key: dict[str, Any]) -> bool:
    return key.get("use") == "sig" and key.get("alg") in get_args(Algorithm) and "kid" in key


def _usable(published: list[dict[str, Any]]) -> list[tuple[dict[str, Any], SigningKey]]:
    """Those for signatures that can be read. One that is odd does not take the others with it; IdpError if all are.

    To publish nothing usable is a failure as well, so that it takes away no keys which are at hand.
    """
    found = []
    for jwk in map(ordered_members, filter(_signs, published)):
        try:
            found.append((jwk, public_key(jwk)))
        except _ODD as error:
            log.warning("idp.keys.odd", extra={"kid": str(jwk["kid"])[:100], "reason": type(error).__name__})
    if not found:
        raise IdpError(
            f"None of the {len(published)} keys that the provider publishes can be used for signatures by "
            f"{', '.join(get_args(Algorithm))}."
        )
    return found
