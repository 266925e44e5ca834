"""What a process knows of an identity provider on another machine: asked now and then, remembered in between."""

import asyncio
import time
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass

import structlog

from idp_providers.contract import IdentityProvider
from idp_providers.errors import IdpConfigurationError, IdpError

EVERY_SECONDS = 10.0
"""Least time from the end of a look to the next, however often health is probed."""
LOOK_SECONDS = 1.5
"""What a look may take: less than a check of readiness."""

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What a look saw. `failure` is null if the provider answered, and repeats nothing that it said."""

    failure: str | None
    can_judge: bool
    """Whether tokens can be judged: also with keys that were published before the provider went away."""
    settings_wrong: bool
    """Whether the provider is there and our settings do not fit it. A start that meets it is refused."""


class ProviderHealth:
    """One per process. Probes that come together share a look; nobody's deadline ends it for the others.

    `waiting` says why the service's own clients are not up to date at the provider; null once they are.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.waiting: str | None = None
        self._clock = clock
        self._seen: Sighting | None = None
        self._seen_at = float("-inf")
        self._look: asyncio.Task[Sighting] | None = None

    async def sighting(self, idp: IdentityProvider) -> Sighting:
        """The last look, or a new one. Never fails; takes `LOOK_SECONDS` at most."""
        if self._seen is not None and self._clock() - self._seen_at < EVERY_SECONDS:
            return self._seen
        if self._look is None or self._look.done():
            # An empty context: a shared look belongs to no request, whichever happened to start it.
            self._look = asyncio.create_task(self._looked(idp), context=Context())
        return await asyncio.shield(self._look)

    async def _looked(self, idp: IdentityProvider) -> Sighting:
        (failure, settings_wrong), has_keys = await asyncio.gather(_failure(idp), _has_keys(idp))
        # Providers keep the keys that they have seen: what was known once stays known.
        known = self._seen is not None and self._seen.can_judge
        self._seen = Sighting(failure=failure, can_judge=known or has_keys, settings_wrong=settings_wrong)
        self._seen_at = self._clock()
        return self._seen


async def _failure(idp: IdentityProvider) -> tuple[str | None, bool]:
    """What failed, if anything did, and whether our settings are to blame."""
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            await idp.check()
    except TimeoutError:
        failure, reason, settings_wrong = f"no answer within {LOOK_SECONDS:g} s", "time limit", False
    except IdpError as error:
        failure, reason, settings_wrong = type(error).__name__, str(error), isinstance(error, IdpConfigurationError)
    else:
        return None, False
    logger.warning("health.check.failed", check="identityProvider", reason=reason)
    return failure, settings_wrong


async def _has_keys(idp: IdentityProvider) -> bool:
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return bool(await idp.keys())
    except (TimeoutError, IdpError):
        return False
