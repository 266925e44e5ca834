"""The parts of a process live and end together."""

import asyncio
import signal
from collections.abc import Coroutine, Mapping
from typing import Any

import structlog

from tenant_api.service.errors import ServiceError

logger = structlog.get_logger(__name__)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets. A second SIGINT interrupts whatever takes too long to end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupted() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, interrupted)
    return stop


async def run_together(parts: Mapping[str, Coroutine[Any, Any, None]], stop: asyncio.Event) -> None:
    """Run until `stop`, then wait for each part's own end.

    A part that ends before that stops the others too, and ServiceError says which: a process without its
    workers must not look healthy.
    """
    tasks = [asyncio.create_task(part, name=name) for name, part in parts.items()]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    early = [task for task in tasks if task.done() and not stop.is_set()]
    stop.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    await stopping
    for task, outcome in zip(tasks, outcomes, strict=True):
        if isinstance(outcome, ServiceError):
            raise outcome
        if isinstance(outcome, BaseException):
            logger.error("service.part.failed", part=task.get_name(), exc_info=outcome)
            raise ServiceError(f"The {task.get_name()} failed: {type(outcome).__name__}. The log has the details.")
    if early:
        raise ServiceError(f"The {early[0].get_name()} ended although nobody asked for it.")
