"""The outermost layer: request ids, path base and spelling, security headers, log and metrics.

It wraps the whole application because the framework's middleware does not see requests that no route takes.
"""

import re
import time
from functools import lru_cache
from secrets import token_hex
from typing import Any, cast
from urllib.parse import quote, unquote

import structlog
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from prometheus_client import Histogram

from tenant_api.kernel.errors import BadRequestError
from tenant_api.web.paths import PathTable
from tenant_api.web.problems import answer_failure

MALFORMED = "The request is not well-formed HTTP."
HOST = re.compile(rb"[0-9A-Za-z!$&'()*+,;=._~:\[\]@%-]*")
"""What may stand in an authority (RFC 3986): addresses in answers are made of it."""
WELL_FORMED_ID = re.compile(rb"[A-Za-z0-9._:-]{8,64}")
SECURITY_HEADERS = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
JSON_IN_UTF8 = b"application/json; charset=utf-8"
NOWHERE = "/\0"  # the framework forgives slashes that the contract does not: it never sees a path of no route
QUIET = ("/.well-known", "/health", "/metrics")

logger = structlog.get_logger(__name__)
requests_seconds = Histogram(
    "tenant_api_request_seconds", "Time to answer a request, by route.", ["method", "route", "status"]
)


class Edge:
    """ASGI wrapper around tenancy and the application."""

    def __init__(self, app: ASGIApp, *, paths: PathTable, path_base: str) -> None:
        self._app = app
        self._paths = paths
        self._path_base = path_base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["type"]) == "http":
            await self._answer(cast("HTTPScope", scope), receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        request_id = _request_id(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        route = self._route(scope)
        started = time.perf_counter()
        status = 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [(b"x-request-id", request_id.encode()), *SECURITY_HEADERS, *_job_of(state, status)]
                message["headers"] = [*map(_with_charset, message.get("headers", [])), *own]
            await send(message)

        try:
            _check_host(scope)
            await self._app(scope, receive, send_marked)
        except Exception as error:
            if status:
                raise
            await answer_failure(scope, receive, send_marked, error)
        finally:
            seconds = time.perf_counter() - started
            _seconds_of(scope["method"], route, status or 500).observe(seconds)
            _log(scope, status or 500, seconds)

    def _route(self, scope: HTTPScope) -> str:
        """Strip the path base, put the path into its routed spelling, name the route."""
        path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("ascii", "replace")
        base = self._path_base
        if base and (path.lower() + "/").startswith(base.lower() + "/"):
            scope["state"]["path_base"] = base
            path = path[len(base) :] or "/"
        match = self._paths.match(path)
        scope["state"]["path"] = match.path if match else unquote(path)
        scope["path"] = match.path if match else NOWHERE
        scope["raw_path"] = path.encode()
        return match.template if match else "unrouted"


@lru_cache(maxsize=1024)
def _seconds_of(method: str, route: str, status: int) -> Histogram:
    """The measured time of such requests: looking it up costs more than adding to it."""
    return requests_seconds.labels(method, route, status)


def _job_of(state: dict[str, Any], status: int) -> list[tuple[bytes, bytes]]:
    """The job that completes what was accepted; a refusal left none."""
    job = state.get("operation_location")
    return [(b"operation-location", job)] if job and status < 400 else []


def _with_charset(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """The contract names the charset of its JSON."""
    return (header[0], JSON_IN_UTF8) if header[1] == b"application/json" else header


def _check_host(scope: HTTPScope) -> None:
    """BadRequestError for a host that is none, and for two of them (RFC 9112, section 3.2)."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) > 1 or not all(map(HOST.fullmatch, hosts)):
        raise BadRequestError(errors=[MALFORMED])


def _request_id(scope: HTTPScope) -> str:
    sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return sent.decode("ascii") if WELL_FORMED_ID.fullmatch(sent) else token_hex(16)


def _log(scope: HTTPScope, status: int, seconds: float) -> None:
    path = scope["state"]["path"]
    write = logger.debug if path.startswith(QUIET) else logger.info
    write(
        "request.completed",
        method=scope["method"],
        path=path,
        status=status,
        milliseconds=round(seconds * 1000, 1),
    )
