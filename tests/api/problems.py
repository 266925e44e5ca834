"""What a refusal must look like (contract section 1.4)."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx2

MEMBERS = ["detail", "type", "title", "status", "correlationId", "validationErrors", "errors"]
DATA = "Data validation failed. See 'validationErrors' for details."
PARAMETER = "Parameter validation failed. See 'errors' for details."
INVALID_JSON = {"$": ["The request body contains invalid JSON."]}
INVALID_PARAMETER = "The request contains one or more invalid parameters."


TITLES = {
    "bad-request": "Bad Request",
    "bad-request:data": "Data Validation Failed",
    "bad-request:parameter": "Parameter Validation Failed",
    "bad-request:unsupported": "Unsupported by the Identity Provider",
    "security:authentication": "Authentication Failed",
    "security:authorization": "Authorization Failed",
    "not-found": "Not Found",
    "method-not-allowed": "Method Not Allowed",
    "conflict": "Conflict",
    "conflict:dependent-item-exists": "Dependent Item Exists",
    "conflict:unresolved-reference": "Unresolved Reference",
    "conflict:non-unique-identity": "Identifying Values Are Not Unique",
    "unsupported-media-type": "Unsupported Media Type",
    "internal-server-error": "Internal Server Error",
    "bad-gateway": "Bad Gateway",
}


def is_problem(answer: httpx2.Response, status: int, code: str, detail: str | None = None) -> dict[str, Any]:
    """Assert all seven members in their order, and answer them."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert list(body) == MEMBERS
    assert body["status"] == status
    assert (body["type"], body["title"]) == (f"urn:ed-fi:api:{code}", TITLES[code])
    assert body["correlationId"] == answer.headers["x-request-id"]
    if detail is not None:
        assert body["detail"] == detail
    return body


def breaks_rules(answer: httpx2.Response, failures: Mapping[str, Sequence[str]]) -> None:
    """Exactly these members of the body are wrong, for these reasons."""
    body = is_problem(answer, 400, "bad-request:data", DATA)
    assert body["validationErrors"] == failures
    assert body["errors"] == []


def is_invalid_json(answer: httpx2.Response) -> None:
    breaks_rules(answer, INVALID_JSON)


def is_bad_parameter(answer: httpx2.Response, *errors: str) -> None:
    body = is_problem(answer, 400, "bad-request:parameter", PARAMETER)
    assert body["errors"] == list(errors)


def is_missing(answer: httpx2.Response, detail: str) -> None:
    is_problem(answer, 404, "not-found", detail)


def is_unresolved(answer: httpx2.Response, detail: str) -> None:
    is_problem(answer, 409, "conflict:unresolved-reference", detail)
