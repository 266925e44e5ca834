"""The HTTP server, led by the process instead of by signals of its own."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from litestar.types import ASGIApp

from tenant_api.service.listener import refusal
from tenant_api.service.protocol import ProblemProtocol
from tenant_api.settings.tree import HttpSettings


async def answer_requests(
    app: ASGIApp, http: HttpSettings, listener: socket.socket, *, ready: Callable[[], None], stop: asyncio.Event
) -> None:
    """Accept until `stop`; then finish what was begun, within the grace of the settings."""
    # Its news repeat ours.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        app,
        http=ProblemProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=http.shutdown_grace_seconds,
    )
    try:
        await _Server(config, ready, stop).serve([listener])
    except OSError as error:
        raise refusal(http, error) from None


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], stop: asyncio.Event) -> None:
        super().__init__(config)
        self._ready = ready
        self._stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._stop.is_set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The process stops its parts together.
        yield
