"""One log for the service and its libraries: JSON or console lines on stderr, redacted, with the request's id."""

import json
import logging
import re
import sys
from contextlib import suppress
from typing import Protocol

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from tenant_api.kernel.redaction import redact

_OURS = frozenset({"timestamp", "level", "logger"})
"""Members that the processors here write themselves: there is nothing to hide in them."""

# They repeat URLs and requests, or tell of every connection.
_CHATTY = ("httpx", "httpcore", "httpx2", "httpcore2", "uvicorn.access", "psycopg.pool")


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
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        # Plain tracebacks: the pretty ones print local variables, and with them secrets.
        structlog.processors.format_exc_info,
        _without_long_statements,
        structlog.processors.UnicodeDecoder(),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_secrets,
                _renderer(options.format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(options.level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


class _StandardError(logging.Handler):
    """Writes to what `sys.stderr` is now: tests and terminals replace it while the service runs."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001 - a call with wrong arguments must not end a request
            # The standard library's own report would show those arguments.
            line = json.dumps({"event": "log.line_lost", "logger": record.name, "error": type(error).__name__})
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


def _renderer(kind: str) -> Processor:
    if kind == "console":
        return structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.processors.JSONRenderer()


def _without_long_statements(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if isinstance(traceback := event.get("exception"), str):
        event["exception"] = _LONG_STATEMENT.sub(r"\1 …]", traceback)
    return event


def _without_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: value if name in _OURS else redact(value, name) for name, value in event.items()}
