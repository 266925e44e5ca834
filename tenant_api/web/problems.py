"""Renders every failure as the contract's problem body (section 1.4), in one place."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.serialization import encode_json
from litestar.types import ExceptionHandlersMap, HTTPScope, Receive, Send
from psycopg import Error as DriverError
from psycopg.errors import DeadlockDetected, ForeignKeyViolation, LockNotAvailable, SerializationFailure
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as SessionTimeout

from idp_providers.errors import IdpUnavailableError
from tenant_api.db.connection import DatabaseAwayError
from tenant_api.kernel.errors import (
    BadRequestError,
    ConcurrentModificationError,
    DataError,
    MethodNotAllowedError,
    NotFoundError,
    ParameterError,
    TenantApiError,
)
from tenant_api.web.binding import INVALID_PARAMETER

URN = "urn:ed-fi:api:"
PROBLEM_JSON = "application/problem+json"
PHRASES = {413: "Payload Too Large"}
"""Reasons that Python phrases differently from version to version."""

NO_CONNECTION = (DatabaseAwayError, PoolClosed, PoolTimeout, TooManyRequests)
CONTENTION = (LockNotAvailable, DeadlockDetected, SerializationFailure)
AWAY = ("08", "53", "57")
"""Classes of SQLSTATE: connections that failed, too few resources, an operator or a time limit that intervened."""

logger = structlog.get_logger(__name__)


def problem_body(
    *,
    detail: str,
    type_: str,
    title: str,
    status: int,
    correlation_id: str,
    validation_errors: Mapping[str, Sequence[str]] | None = None,
    errors: Sequence[str] = (),
) -> dict[str, Any]:
    """The seven members in the contract's order."""
    return {
        "detail": detail,
        "type": type_,
        "title": title,
        "status": status,
        "correlationId": correlation_id,
        "validationErrors": {member: list(messages) for member, messages in (validation_errors or {}).items()},
        "errors": list(errors),
    }


def correlation_id(scope: HTTPScope) -> str:
    """The id under which this request is found in the log; equals the X-Request-ID answer header."""
    return str(scope.get("state", {}).get("request_id", "unknown"))


def render(request: Request[Any, Any, Any], error: TenantApiError) -> Response[dict[str, Any]]:
    """A refusal as an answer."""
    body, headers = _refusal(error, correlation_id(request.scope))
    return Response(body, status_code=error.status, media_type=PROBLEM_JSON, headers=headers)


def _refusal(error: TenantApiError, id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Body and headers, under this correlation id."""
    body = problem_body(
        detail=error.detail,
        type_=URN + error.code,
        title=error.title,
        status=error.status,
        correlation_id=id,
        validation_errors=error.validation_errors,
        errors=error.errors,
    )
    return body, {**error.headers, **(_trace(id) if _is_exception(error) else {})}


def _is_exception(error: TenantApiError) -> bool:
    """Whether the contract has it thrown, not answered: what cannot be read, breaks rules or is a defect."""
    if type(error) is BadRequestError:
        return bool(error.errors)
    return isinstance(error, DataError | ParameterError) or type(error) is TenantApiError


def _trace(id: str) -> dict[str, str]:
    """What the contract's exception handler adds to its answers (section 1.1, item 5)."""
    return {"TraceId": id}


def render_framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    """What the framework itself refuses, in our words."""
    match error:
        case NotFoundException():
            return render(request, NotFoundError())
        case MethodNotAllowedException():
            return render(request, method_not_allowed((error.headers or {}).get("allow", "").split(", ")))
        case ValidationException():
            return render(request, ParameterError(errors=[INVALID_PARAMETER]))
        case ClientException() if error.status_code == HTTPStatus.BAD_REQUEST:
            return render(request, ParameterError(errors=[INVALID_PARAMETER]))
    return render_plain(request, error.status_code)


def method_not_allowed(known: Iterable[str]) -> MethodNotAllowedError:
    """The refusal of a method, with those that a path knows; OPTIONS is none of them, whatever the framework says."""
    return MethodNotAllowedError(headers={"Allow": ", ".join(sorted(set(known) - {"OPTIONS"}))})


def render_plain(request: Request[Any, Any, Any], status: int) -> Response[dict[str, Any]]:
    """A status that the contract knows by its phrase alone (413 and others)."""
    phrase = PHRASES.get(status) or HTTPStatus(status).phrase
    body = problem_body(
        detail=phrase, type_="about:blank", title=phrase, status=status, correlation_id=correlation_id(request.scope)
    )
    return Response(body, status_code=status, media_type=PROBLEM_JSON)


def render_overload(request: Request[Any, Any, Any], _error: Exception) -> Response[dict[str, Any]]:
    """The database cannot serve this request now: the caller may try again."""
    answer = render_plain(request, HTTPStatus.SERVICE_UNAVAILABLE)
    answer.headers.update({"Retry-After": "1", **_trace(correlation_id(request.scope))})
    return answer


def render_database(request: Request[Any, Any, Any], error: DBAPIError | DriverError) -> Response[dict[str, Any]]:
    """Two requests in each other's way, or a database that is away for a moment; anything else is unexpected."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, CONTENTION):
        return render(request, ConcurrentModificationError())
    if _is_away(cause) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        logger.warning("request.database_away", cause=type(cause).__name__, path=request.scope["state"]["path"])
        return render_overload(request, error)
    return render_unexpected(request, error)


def _is_away(cause: BaseException | None) -> bool:
    """Whether the statement or its connection was ended, or there was none. All else without a SQLSTATE is ours."""
    if isinstance(cause, NO_CONNECTION):
        return True
    return isinstance(cause, DriverError) and (cause.sqlstate or "").startswith(AWAY)


def render_integrity(request: Request[Any, Any, Any], error: IntegrityError) -> Response[dict[str, Any]]:
    """The tenant was deleted while something was being added to it; anything else is unexpected."""
    cause = error.orig
    if isinstance(cause, ForeignKeyViolation) and (cause.diag.constraint_name or "").endswith("_tenant_id"):
        return render(request, ConcurrentModificationError())
    return render_unexpected(request, error)


def render_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """A defect of ours: the log has it, the caller learns nothing but the correlation id."""
    logger.error("request.failed", exc_info=error, path=request.scope["state"]["path"], method=request.method)
    return render(request, TenantApiError())


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    TenantApiError: render,
    HTTPException: render_framework,
    DBAPIError: render_database,
    DriverError: render_database,
    IntegrityError: render_integrity,
    SessionTimeout: render_overload,
    PoolTimeout: render_overload,
    IdpUnavailableError: render_overload,
    Exception: render_unexpected,
}


async def answer_failure(scope: HTTPScope, receive: Receive, send: Send, error: Exception) -> None:
    """Answer a failure that happened outside the framework as the framework would have."""
    if isinstance(error, TenantApiError):
        await _refuse(scope, send, error)
        return
    request: Request[Any, Any, Any] = Request(scope, receive=receive, send=send)
    handler = next(EXCEPTION_HANDLERS[kind] for kind in type(error).__mro__ if kind in EXCEPTION_HANDLERS)
    await handler(request, error).to_asgi_response(None, request)(scope, receive, send)


async def _refuse(scope: HTTPScope, send: Send, error: TenantApiError) -> None:
    """What `render` makes, without the framework's part of it: a flood of wrong secrets is answered here."""
    members, more = _refusal(error, correlation_id(scope))
    body = encode_json(members)
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in more.items()]
    own = [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": error.status, "headers": [*headers, *own]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
