"""The parts of the description that operations share."""

from http import HTTPStatus
from typing import Any

from tenant_api.web.operation import AUTH_METADATA_ACCESS, FULL_ACCESS, READ_ONLY_ACCESS
from tenant_api.web.problems import PROBLEM_JSON
from tenant_api.web.wire import ReadModel

Json = dict[str, Any]

PROBLEMS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    413: "ContentTooLarge",
    415: "UnsupportedMediaType",
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServiceUnavailable",
}
INT32 = {"type": "integer", "format": "int32"}
DIRECTIONS = ["asc", "ascending", "desc", "descending"]
PARAMETERS: dict[str, Json] = {
    "id": {"in": "path", "required": True, "schema": INT32},
    "offset": {"in": "query", "description": "How many items to skip.", "schema": {**INT32, "minimum": 0}},
    "limit": {
        "in": "query",
        "description": "How many items at most; all if absent.",
        "schema": {**INT32, "minimum": 1},
    },
    "totalCount": {
        "in": "query",
        "description": "Count all items into `Total-Count` and link to the next page.",
        "schema": {"type": "boolean"},
    },
    "after": {
        "in": "query",
        "description": "Where a page begins, as `Link` said.",
        "schema": {"type": "string"},
    },
    "orderBy": {"in": "query", "description": "The member to sort by.", "schema": {"type": "string"}},
    "direction": {"in": "query", "description": "Of `orderBy`.", "schema": {"type": "string", "enum": DIRECTIONS}},
}
TENANT: Json = {
    "name": "Tenant",
    "in": "header",
    "required": True,
    "description": "The name of the tenant that the request is about, in any case.",
    "schema": {"type": "string"},
}
ADDRESS = {"type": "string", "format": "uri"}
HEADERS: Json = {
    "X-Request-ID": {
        "description": "The id of this request in the log; the `correlationId` of a problem.",
        "schema": {"type": "string"},
    },
    "Location": {"description": "The address of what was made or changed.", "schema": ADDRESS},
    "ETag": {"description": "Names exactly this body; `If-None-Match` takes it.", "schema": {"type": "string"}},
    "X-Reload-Id": {
        "description": "The load that the document came from.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "Total-Count": {
        "description": "How many items there are on all pages, if `totalCount` asked.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Link": {
        "description": "The first page, and the next one if there is one (RFC 8288), if `totalCount` asked.",
        "schema": {"type": "string"},
    },
    "Operation-Location": {"description": "The address of the job that does the work.", "schema": ADDRESS},
}


SCOPES = {
    FULL_ACCESS: "Everything.",
    READ_ONLY_ACCESS: "Reading everything.",
    AUTH_METADATA_ACCESS: "Reading what data planes need for authorization.",
}


class Problem(ReadModel):
    """Every refusal. `type` tells the kind of problem; the reasons stand in `validationErrors` or `errors`."""

    detail: str
    type: str
    title: str
    status: int
    correlation_id: str
    validation_errors: dict[str, list[str]]
    errors: list[str]


def components(models: Json, *, oauth: str, token_url: str, multi_tenancy: bool) -> Json:
    """The document's `components`."""
    flow = {"tokenUrl": token_url, "scopes": SCOPES}
    parameters = {name: {"name": name, **parameter} for name, parameter in PARAMETERS.items()}
    return {
        "schemas": dict(sorted(models.items())),
        "responses": {name: _problem(status) for status, name in PROBLEMS.items()},
        "parameters": {**parameters, "Tenant": TENANT} if multi_tenancy else parameters,
        "headers": HEADERS,
        "securitySchemes": {oauth: {"type": "oauth2", "flows": {"clientCredentials": flow}}},
    }


def _problem(status: int) -> Json:
    return {
        "description": HTTPStatus(status).phrase,
        "headers": {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}},
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
