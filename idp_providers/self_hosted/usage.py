"""When secrets were last used, written for many at a time."""

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress
from contextvars import Context
from datetime import datetime

from idp_providers.contract import Host
from idp_providers.errors import IdpError
from idp_providers.self_hosted.client_secrets import ClientSecrets

MOST_WAITING = 50_000
RETRY_SECONDS = 5.0

log = logging.getLogger(__name__)


class Usage:
    """Uses that were seen and not yet written.

    The first use after a write starts a clock of `delay_seconds`; when it ends, or `MOST_WAITING` secrets wait, one
    statement writes all that was seen until then. What fails is tried again every `RETRY_SECONDS`. Lost is what a
    killed process had not written, and what comes while that many wait for a database that does not answer: the log
    says how many uses that were.
    """

    def __init__(self, host: Host, secrets: ClientSecrets, delay_seconds: float) -> None:
        self._host = host
        self._secrets = secrets
        self._delay = delay_seconds
        self._seen: dict[str, datetime] = {}
        self._lost = 0
        self._full = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None

    def saw(self, secret_id: str) -> None:
        """A client proved itself by this secret. Costs no statement."""
        if secret_id in self._seen or len(self._seen) < MOST_WAITING:
            self._seen[secret_id] = self._host.now()
        else:
            self._lost += 1
        if len(self._seen) >= MOST_WAITING:
            self._full.set()
        if self._writing is None or self._writing.done():
            # An empty context: the write belongs to no request, whichever happened to start it.
            self._writing = asyncio.create_task(self._write_later(), context=Context())

    async def write(self) -> None:
        """Write what was seen until now; what cannot be written stays."""
        seen, self._seen = self._seen, {}
        lost, self._lost = self._lost, 0
        self._full.clear()
        if lost:
            log.warning("idp.secret_use.lost", extra={"uses": lost})
        if not seen:
            return
        left: Collection[str] = seen
        try:
            left = await self._secrets.used(seen)
        except IdpError as error:
            log.warning("idp.secret_use.not_written", extra={"reason": str(error)})
        finally:
            self._seen = {**{id: seen[id] for id in left}, **self._seen}

    async def close(self) -> None:
        """Write the rest; a second call does no harm."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        await self.write()

    async def _write_later(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._full.wait(), self._delay)
        await self.write()
        while self._seen:
            await asyncio.sleep(min(self._delay, RETRY_SECONDS))
            await self.write()
