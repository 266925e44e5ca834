"""Wraps an opened plugin once: a deadline, a log line, a metric, and no stray exception for every call."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar, cast

import structlog
from prometheus_client import Histogram

Plugin = TypeVar("Plugin")

logger = structlog.get_logger(__name__)
plugin_seconds = Histogram(
    "tenant_api_plugin_call_seconds", "Time of a call to a plugin.", ["plugin", "call", "outcome"]
)


def guarded(plugin: Plugin, *, family: type[Exception], unavailable: type[Exception], seconds: float) -> Plugin:
    """The same plugin behind the guard.

    A call that overruns becomes `unavailable`, an exception outside the plugin's `family` becomes the family's
    base with the cause kept for the log. Calls are cancelled at the deadline, so a plugin must be cancellable.
    """
    return cast("Plugin", _Guard(plugin, family, unavailable, seconds))


class _Guard:
    def __init__(self, plugin: Any, family: type[Exception], unavailable: type[Exception], seconds: float) -> None:
        self._plugin = plugin
        self._family = family
        self._unavailable = unavailable
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        """A call is wrapped when it is first asked for and found here from then on; all else is the plugin's own."""
        member = getattr(self._plugin, name)
        if not callable(member):
            return member
        if inspect.isasyncgenfunction(member):
            self.__dict__[name] = self._watched(name, member)
        elif inspect.iscoroutinefunction(member):
            self.__dict__[name] = self._guarded(name, member)
        return self.__dict__.get(name, member)

    def _watched(self, call: str, member: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
        """A call that reports progress sets its own time limits; everything else holds for it too."""

        async def run(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            with self._timed(call):
                async for event in member(*args, **kwargs):
                    yield event

        return run

    def _guarded(self, call: str, member: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def run(*args: Any, **kwargs: Any) -> Any:
            with self._timed(call):
                async with asyncio.timeout(self._seconds):
                    return await member(*args, **kwargs)

        return run

    @contextmanager
    def _timed(self, call: str) -> Iterator[None]:
        started = time.perf_counter()
        outcome = "cancelled"
        try:
            yield
            outcome = "ok"
        except TimeoutError:
            outcome = "timeout"
            raise self._unavailable(f"{self._plugin.name}.{call} took longer than {self._seconds:g} s") from None
        except self._family as error:
            outcome = type(error).__name__
            raise
        except Exception as error:
            outcome = "unexpected"
            logger.exception("plugin.call.failed", plugin=self._plugin.name, call=call)
            raise self._family(f"{self._plugin.name}.{call} failed unexpectedly") from error
        finally:
            _seconds_of(self._plugin.name, call, outcome).observe(time.perf_counter() - started)


@lru_cache(maxsize=1024)
def _seconds_of(plugin: str, call: str, outcome: str) -> Histogram:
    """The measured time of such calls: looking it up costs more than adding to it."""
    return plugin_seconds.labels(plugin, call, outcome)
