"""One log for the service and its libraries: JSON or console lines on stderr, redacted, with the request's id.

Our own events come from structlog and are written by it. Those of libraries come from the standard library's loggers,
whose records and frames would cost ours, of which there is one per request, more than all the rest of a line.
"""

import json
import logging
import re
import sys
from contextlib import suppress
from threading import RLock
from typing import Protocol

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from tenant_api.kernel.redaction import redact, scrub

_OURS = frozenset({"timestamp", "level", "logger"})
"""Members that the processors here write themselves: there is nothing to hide in them."""

_KEPT = ("timestamp", "level", "logger", "event", "request_id")
"""What is still told of an event that cannot be written whole."""

# They repeat URLs and requests, or tell of every connection.
_CHATTY = ("httpx", "httpcore", "httpx2", "httpcore2", "uvicorn.access", "psycopg.pool")

# A traceback is longer than what the system writes in one piece: without it threads would tear each other's lines.
_ONE_AT_A_TIME = RLock()

_LONG_STATEMENT = re.compile(r"(\[SQL: .{2000}).*?(?=\n[\[(]|\Z)", re.DOTALL)
"""An SQL statement in a traceback up to where it is cut: one with many parameters would be megabytes long."""


class LogOptions(Protocol):
    """What `setup_logging` must be told."""

    @property
    def level(self) -> str: ...

    @property
    def format(self) -> str: ...


def setup_logging(options: LogOptions) -> None:
    """Send structlog and the standard library's loggers to stderr in one form. A second call replaces the first.

    Whatever is bound with `structlog.contextvars` (such as `request_id`) appears in every line.
    """
    line = _Line(options.format)
    members: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        # Plain tracebacks: the pretty ones print local variables, and with them secrets.
        structlog.processors.format_exc_info,
        _without_long_statements,
        structlog.processors.UnicodeDecoder(),
    ]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *members, line],
        wrapper_class=structlog.make_filtering_bound_logger(options.level),
        logger_factory=_OurLogger,
        cache_logger_on_first_use=False,
    )
    handler = _LibrariesHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.contextvars.merge_contextvars, structlog.stdlib.ExtraAdder(), *members],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, line],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(options.level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


class _OurLogger:
    """Where structlog leaves a finished line."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def debug(self, line: str) -> None:
        _write(line)

    info = warning = error = critical = debug


class _LibrariesHandler(logging.Handler):
    """The same for the standard library's loggers."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001 - a call with wrong arguments must not end a request
            line = _lost({"logger": record.name, "level": record.levelname.lower()}, error)
        _write(line)


class _Line:
    """The last processor: what has an event's members, without secrets, becomes its line."""

    def __init__(self, kind: str) -> None:
        self._render = _renderer(kind)

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        try:
            return str(self._render(logger, method, _without_secrets(event)))
        except Exception as error:  # noqa: BLE001 - what cannot be rendered must not end a request
            return _lost(event, error)


def _write(line: str) -> None:
    """To what `sys.stderr` is now: tests and terminals replace it while the service runs."""
    with suppress(OSError, ValueError), _ONE_AT_A_TIME:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def _lost(event: EventDict, error: Exception) -> str:
    """What is left of an event; the standard library's own report would show its arguments."""
    kept = {name: scrub(event[name]) for name in _KEPT if isinstance(event.get(name), str)}
    return json.dumps({"event": "log.line_lost", **kept, "lost": type(error).__name__})


def _renderer(kind: str) -> Processor:
    if kind == "console":
        return structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    # Redaction leaves nothing that JSON does not know.
    return lambda _logger, _method, event: json.dumps(event)


def _without_long_statements(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if isinstance(traceback := event.get("exception"), str):
        event["exception"] = _LONG_STATEMENT.sub(r"\1 …]", traceback)
    return event


def _without_secrets(event: EventDict) -> EventDict:
    return {name: value if name in _OURS else redact(value, name) for name, value in event.items()}
