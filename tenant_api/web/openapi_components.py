"""The parts of the description that operations share: tags, parameters, headers, scopes."""

from typing import Any

from tenant_api.kernel import lengths
from tenant_api.web.cursors import LONGEST
from tenant_api.web.operation import AUTH_METADATA_ACCESS, FULL_ACCESS, READ_ONLY_ACCESS

Json = dict[str, Any]

OAUTH = "oauth2_client_credentials"
TAGS = {
    "Tenants": "Who the installation serves. There only with multi-tenancy (`TENANT_API_MULTI_TENANCY`).",
    "Vendors": "Companies whose applications reach Ed-Fi data.",
    "Applications": "What vendors run: a claim set, education organizations, data stores and profiles.",
    "API clients": "Credentials of applications: a key, and a secret that is shown once.",
    "Data stores": "Databases that data planes serve, with encrypted connection strings.",
    "Data store contexts": "How a route of a data plane, such as a school year, leads to a data store.",
    "Data store derivatives": "Read replicas and snapshots of data stores.",
    "Managed data stores": "Databases that the service creates from templates, watches and removes.",
    "Jobs": "Long work: followed to its end, cancelled, retried.",
    "Profiles": "Data policies: which members of resources an application sees.",
    "Claim sets": "What applications may do with which resources, and the hierarchy that this is said about.",
    "Claims management": (
        "Whole claims documents. Answered 404 unless `TENANT_API_CLAIMS__UNRESTRICTED_LOADING` opens them."
    ),
    "Identity provider": "Whether the clients there are what the rows want, and their repair.",
    "Tokens": "OAuth 2.0 client credentials: grant, introspect, revoke, register.",
    "OAuth 2": "Tokens and registration by the RFCs, with `error` and `error_description` (RFC 6749, section 5.2).",
    "Discovery": "Where the issuer is and which keys verify its tokens.",
    "Information": "What this service is, and this description.",
    "Health": "For load balancers, orchestrators and Prometheus.",
}
INT32 = {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1}
DIRECTIONS = ["asc", "ascending", "desc", "descending"]
PARAMETERS: dict[str, Json] = {
    "id": {
        "in": "path",
        "required": True,
        "description": "The item's id, with which its `Location` ends.",
        "schema": INT32,
        "example": 1,
    },
    "offset": {
        "in": "query",
        "description": "How many items to skip. On long lists `after` is faster.",
        "schema": {**INT32, "minimum": 0},
        "example": 0,
    },
    "limit": {
        "in": "query",
        "description": "How many items at most; all if absent.",
        "schema": {**INT32, "minimum": 1},
        "example": 25,
    },
    "totalCount": {
        "in": "query",
        "description": "Count all items into `Total-Count` and link to the next page, which links on without a count.",
        "schema": {"type": "boolean"},
        "example": True,
    },
    "after": {
        "in": "query",
        "description": "Where a page begins: taken from `Link`, for the same list in the same order.",
        "schema": {"type": "string", "maxLength": LONGEST},
    },
    "orderBy": {"in": "query", "description": "The member to sort by.", "schema": {"type": "string"}},
    "direction": {
        "in": "query",
        "description": "The direction of `orderBy`; ascending if absent.",
        "schema": {"type": "string", "enum": DIRECTIONS},
        "example": "asc",
    },
}
TENANT: Json = {
    "name": "Tenant",
    "in": "header",
    "required": True,
    "description": "The name of the tenant that the request is about, in any case.",
    "schema": {"type": "string", "minLength": 1, "maxLength": lengths.TENANT_NAME},
    "example": "Grand_Bend_ISD",
}
ADDRESS = {"type": "string", "format": "uri"}
HEADERS: Json = {
    "X-Request-ID": {
        "description": "The id of this request in the log; the `correlationId` of a problem.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Location": {"description": "The address of what was made or changed.", "required": True, "schema": ADDRESS},
    "ETag": {
        "description": "Names exactly this body; `If-None-Match` takes it.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Cache-Control": {"description": "Who may keep the answer.", "schema": {"type": "string"}},
    "Content-Security-Policy": {"description": "Nothing may be loaded or run.", "schema": {"type": "string"}},
    "X-Reload-Id": {
        "description": "The load that the document came from.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "Total-Count": {
        "description": "How many items there are on all pages, if `totalCount` asked.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Link": {
        "description": "The first page and the next one, if there is one (RFC 8288); with `totalCount` or `after`.",
        "schema": {"type": "string"},
    },
    "Operation-Location": {
        "description": "The address of the job that does the work.",
        "required": True,
        "schema": ADDRESS,
    },
    "Operation-Location.outside": {
        "description": (
            "The address of the job that brings an identity provider outside the service's database in line. "
            "Not with the built-in issuer, nor where no client is concerned."
        ),
        "schema": ADDRESS,
    },
    "Retry-After": {"description": "Seconds to wait before the next try.", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {
        "description": "The scheme that a token or credential is sent with (RFC 9110).",
        "schema": {"type": "string"},
    },
    "TraceId": {"description": "The correlation id.", "schema": {"type": "string"}},
}
SCOPES = (
    "Bearer tokens of `/connect/token`. Scopes: "
    f"`{FULL_ACCESS}` for everything, `{READ_ONLY_ACCESS}` for reading everything, "
    f"`{AUTH_METADATA_ACCESS}` for reading what data planes need for authorization."
)


def components(models: Json, answers: Json, examples: Json, *, token_url: str, multi_tenancy: bool) -> Json:
    """The document's `components`."""
    flow = {"tokenUrl": token_url, "scopes": {}}  # the contract's (section 1.8): operations name those that they need
    parameters = {name: {"name": name, **parameter} for name, parameter in PARAMETERS.items()}
    return {
        "schemas": dict(sorted(models.items())),
        "responses": answers,
        "parameters": {**parameters, "Tenant": TENANT} if multi_tenancy else parameters,
        "examples": examples,
        "headers": HEADERS,
        "securitySchemes": {
            OAUTH: {
                "type": "oauth2",
                "description": SCOPES,
                "flows": {"clientCredentials": flow},
            }
        },
    }
