"""Refusals as OAuth words them (RFC 6749, section 5.2), in one place for all routes below `/oauth2`."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from litestar import Request, Response
from litestar.exceptions import MethodNotAllowedException
from litestar.types import ExceptionHandlersMap

from idp_providers.errors import (
    IdpError,
    InvalidAssertionError,
    InvalidClientError,
    ThrottledError,
    UnauthorizedClientError,
)
from tenant_api.kernel.errors import BadGatewayError
from tenant_api.web import problems
from tenant_api.web.gateway import failure_of
from tenant_api.web.problems import EXCEPTION_HANDLERS, render_framework
from tenant_api.web.state import runtime_of

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
REALM = "tenant-api"
BASIC = f'Basic realm="{REALM}", charset="UTF-8"'
BEARER = f'Bearer realm="{REALM}"'
PATHS = "/oauth2/"
TRY_AGAIN = (409, 429, 503)
"""Statuses of what may succeed when it is repeated: requests that met, too many of them, a database that is away."""

_NOT_ALLOWED = re.compile(r'[^\x20-\x21\x23-\x5b\x5d-\x7e]|["\\]')

AnyRequest = Request[Any, Any, Any]
Answer = Response[dict[str, str]]
Handler = Callable[[AnyRequest, Any], Answer]


class OAuthError(Exception):
    """A refusal with an error code of the RFCs and a sentence; `description` never holds a secret."""

    def __init__(
        self, error: str, description: str, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        self.error = error
        self.description = _NOT_ALLOWED.sub("?", description)
        self.status = status
        self.headers = dict(headers or {})
        super().__init__(self.description)


def invalid_request(description: str) -> OAuthError:
    """The request is malformed (RFC 6749, section 5.2)."""
    return OAuthError("invalid_request", description)


def invalid_client(description: str = "Client authentication failed.") -> OAuthError:
    """Nobody we know, and nothing about whether the id or the proof is wrong."""
    return OAuthError("invalid_client", description, status=401, headers={"WWW-Authenticate": BASIC})


def invalid_token(description: str, *, presented: bool = True) -> OAuthError:
    """A bearer token that is missing or does not count here (RFC 6750, section 3)."""
    challenge = f'{BEARER}, error="invalid_token"' if presented else BEARER
    return OAuthError("invalid_token", description, status=401, headers={"WWW-Authenticate": challenge})


def invalid_client_metadata(description: str) -> OAuthError:
    """A registration asks for what cannot be (RFC 7591, section 3.2.2)."""
    return OAuthError("invalid_client_metadata", description)


def render(_request: AnyRequest, error: OAuthError) -> Answer:
    """The answer of a refusal; never cached."""
    body = {"error": error.error, "error_description": error.description}
    return Response(body, status_code=error.status, headers={**NO_STORE, **error.headers})


def _invalid_client(request: AnyRequest, _error: Exception) -> Answer:
    return render(request, invalid_client())


def _invalid_assertion(request: AnyRequest, error: InvalidAssertionError) -> Answer:
    return render(request, invalid_client(str(error)))


def _throttled(request: AnyRequest, error: ThrottledError) -> Answer:
    busy = OAuthError("temporarily_unavailable", str(error), status=429, headers={"Retry-After": "60"})
    return render(request, busy)


def _failed(request: AnyRequest, error: IdpError) -> Answer:
    failure = failure_of(runtime_of(request).idp, error)
    handler = problems.render if isinstance(failure, BadGatewayError) else problems.render_unexpected
    return _reworded(handler)(request, failure)


def _reworded(handler: Callable[[AnyRequest, Any], Response[dict[str, Any]]]) -> Handler:
    """A handler of the whole service, with its status and headers, whose problem is told as OAuth does."""

    def reworded(request: AnyRequest, error: Any) -> Answer:
        answer = handler(request, error)
        problem = answer.content
        headers = {name: value for name, value in answer.headers.items() if value is not None}
        status = problem["status"]
        return render(request, OAuthError(_code(status), _sentence(problem), status=status, headers=headers))

    return reworded


def _code(status: int) -> str:
    if status in TRY_AGAIN:
        return "temporarily_unavailable"
    return "invalid_request" if status < 500 else "server_error"


def _sentence(problem: Mapping[str, Any]) -> str:
    """What went wrong, in the most precise words that a problem has."""
    if problem["status"] == 503:
        return "The request cannot be served now; try again."
    reasons = [reason for given in problem["validationErrors"].values() for reason in given]
    return " ".join([*reasons, *problem["errors"]]) or problem["detail"] or problem["title"]


def render_method(request: AnyRequest, error: MethodNotAllowedException) -> Response[Any]:
    """A method that a path does not have. No route takes it, so no route's handlers do: it is for the whole service."""
    answered = _reworded(render_framework) if request.scope["path"].startswith(PATHS) else render_framework
    return answered(request, error)


HANDLERS: ExceptionHandlersMap = {
    **{kind: _reworded(handler) for kind, handler in EXCEPTION_HANDLERS.items()},
    OAuthError: render,
    InvalidAssertionError: _invalid_assertion,
    InvalidClientError: _invalid_client,
    UnauthorizedClientError: _invalid_client,
    ThrottledError: _throttled,
    IdpError: _failed,
}
