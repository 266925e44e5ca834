"""Refusals as OAuth words them (RFC 6749, section 5.2), in one place for all routes below `/oauth2`."""

import re
from collections.abc import Mapping
from typing import Any

from litestar import Request, Response
from litestar.types import ExceptionHandlersMap
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import TimeoutError as SessionTimeout

from idp_providers.errors import (
    IdpError,
    IdpUnavailableError,
    InvalidAssertionError,
    InvalidClientError,
    ThrottledError,
    UnauthorizedClientError,
)
from tenant_api.kernel.errors import TenantApiError

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
REALM = "tenant-api"
BASIC = f'Basic realm="{REALM}", charset="UTF-8"'
BEARER = f'Bearer realm="{REALM}"'

_NOT_ALLOWED = re.compile(r'[^\x20-\x21\x23-\x5b\x5d-\x7e]|["\\]')

AnyRequest = Request[Any, Any, Any]
Answer = Response[dict[str, str]]


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


def _unavailable(request: AnyRequest, _error: Exception) -> Answer:
    sentence = "The request cannot be served now; try again."
    return render(request, OAuthError("temporarily_unavailable", sentence, status=503, headers={"Retry-After": "1"}))


def _failed(request: AnyRequest, _error: IdpError) -> Answer:
    sentence = "The identity provider returned an unexpected response."
    return render(request, OAuthError("server_error", sentence, status=502))


def _refused(request: AnyRequest, error: TenantApiError) -> Answer | Response[dict[str, Any]]:
    """What shared parts of the service refuse, such as a body that is no JSON."""
    reasons = [reason for given in error.validation_errors.values() for reason in given]
    sentence = " ".join([*reasons, *error.errors]) or error.detail or error.title
    code = "invalid_request" if error.status < 500 else "server_error"
    return render(request, OAuthError(code, sentence, status=error.status, headers=error.headers))


HANDLERS: ExceptionHandlersMap = {
    OAuthError: render,
    InvalidAssertionError: _invalid_assertion,
    InvalidClientError: _invalid_client,
    UnauthorizedClientError: _invalid_client,
    ThrottledError: _throttled,
    IdpUnavailableError: _unavailable,
    PoolTimeout: _unavailable,
    SessionTimeout: _unavailable,
    IdpError: _failed,
    TenantApiError: _refused,
}
