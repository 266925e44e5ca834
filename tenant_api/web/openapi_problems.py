"""The refusals in the description: each kind as the service words it, and the answers made of them."""

from collections.abc import Iterable, Iterator
from typing import Any

from tenant_api.kernel import errors
from tenant_api.kernel.errors import SEE_ERRORS, NotFoundError, TenantApiError
from tenant_api.web.binding import INVALID_JSON, INVALID_PARAMETER
from tenant_api.web.problems import PHRASES, PROBLEM_JSON, URN, problem_body
from tenant_api.web.wire import ReadModel, like

Json = dict[str, Any]

CORRELATION_ID = "cedd45f4301a4f8cae6863184c678f37"
STATUSES: dict[int, tuple[str, str, tuple[str, ...]]] = {
    400: ("BadRequest", "The request cannot be understood or breaks its rules; it has changed nothing.", ()),
    401: ("Unauthorized", "Nobody we know: no valid token, or no valid credentials.", ("WWW-Authenticate",)),
    403: ("Forbidden", "Known, and not allowed: a role or scope is missing.", ()),
    404: ("NotFound", "The addressed item is not there, or is another tenant's.", ()),
    409: ("Conflict", "The request is fine and the present state forbids it.", ()),
    413: ("ContentTooLarge", "The body is longer than the installation takes (30 MB by default).", ()),
    415: ("UnsupportedMediaType", "The body is not JSON in UTF-8.", ()),
    500: ("InternalServerError", "A defect of the service; the log knows the correlation id.", ("TraceId",)),
    502: ("BadGateway", "The identity provider or the provisioner gave no usable answer.", ()),
    503: ("ServiceUnavailable", "The database cannot serve the request now; try again.", ("Retry-After",)),
}
"""The name of an answer among the components, what it means, and the headers that it may have."""


class Problem(ReadModel):
    """Every refusal. `type` tells the kind of problem; the reasons stand in `validationErrors` or `errors`."""

    detail: str
    type: str
    title: str
    status: int
    correlation_id: str
    validation_errors: dict[str, list[str]]
    errors: list[str]

    model_config = like(
        problem_body(
            detail=NotFoundError.default_detail,
            type_=URN + NotFoundError.code,
            title=NotFoundError.title,
            status=404,
            correlation_id=CORRELATION_ID,
        )
    )


KINDS: dict[str, TenantApiError | tuple[int, str]] = {
    "TenantMissing": errors.BadRequestError("The 'Tenant' header is required when multi-tenancy is enabled"),
    "TenantUnknown": errors.BadRequestError("Invalid tenant: northridge"),
    "BodyMissing": errors.BadRequestError(errors=["A non-empty request body is required."]),
    "FormMalformed": errors.BadRequestError(errors=["The request form payload is malformed."]),
    "Refused": errors.BadRequestError("The specified claim set is system-reserved and cannot be updated."),
    "Unsupported": errors.UnsupportedError("The identity provider 'keycloak' keeps one secret per API client."),
    "InvalidJson": errors.DataError.of("$", INVALID_JSON),
    "InvalidData": errors.DataError.of("Name", "'Name' must not be empty."),
    "InvalidParameter": errors.ParameterError(errors=[INVALID_PARAMETER]),
    "NoToken": errors.AuthenticationError(),
    "InvalidClient": errors.AuthenticationError(
        SEE_ERRORS, errors=["invalid_client. Invalid client or Invalid client credentials"]
    ),
    "NotAllowed": errors.AuthorizationError(),
    "NotFound": NotFoundError(),
    "ForbiddenByState": errors.ConflictError("The job has ended and cannot be cancelled."),
    "ConcurrentModification": errors.ConcurrentModificationError(),
    "DependentItemExists": errors.DependentItemExistsError(
        "Profile is assigned to applications and cannot be deleted."
    ),
    "UnresolvedReference": errors.UnresolvedReferenceError("Reference 'VendorId' does not exist."),
    "NonUniqueIdentity": errors.NonUniqueIdentityError(errors=["A claim set with this name already exists."]),
    "ContentTooLarge": (413, PHRASES[413]),
    "UnsupportedMediaType": errors.UnsupportedMediaTypeError(),
    "InternalServerError": TenantApiError(),
    "BadGateway": errors.BadGatewayError(errors=["The identity provider returned an unexpected response."]),
    "ServiceUnavailable": (503, "Service Unavailable"),
}
"""Every kind by the name of its example, in the order of statuses. What has no error's class has a phrase alone."""

TENANT = ("TenantMissing", "TenantUnknown")
BODY = ("BodyMissing", "InvalidJson", "InvalidData")
FORM = ("FormMalformed",)
OF_CLASS: dict[type[TenantApiError], str] = {
    errors.BadRequestError: "Refused",
    errors.UnsupportedError: "Unsupported",
    errors.DataError: "InvalidData",
    errors.ConflictError: "ForbiddenByState",
    errors.ConcurrentModificationError: "ConcurrentModification",
    errors.DependentItemExistsError: "DependentItemExists",
    errors.UnresolvedReferenceError: "UnresolvedReference",
    errors.NonUniqueIdentityError: "NonUniqueIdentity",
}


def kinds_of(problem: int | type[TenantApiError]) -> tuple[str, ...]:
    """The kinds that a status, or an error's class, stands for."""
    if isinstance(problem, int):
        return tuple(name for name, kind in KINDS.items() if _status(kind) == problem)
    return (OF_CLASS[problem],)


def headers_of(status: int) -> tuple[str, ...]:
    """The headers that refusals of a status may have."""
    return STATUSES[status][2] if status in STATUSES else ()


def answers_of(kinds: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The statuses of these kinds, each with the name of the component that shows exactly them."""
    wanted = set(kinds)
    for status, (name, _, _) in STATUSES.items():
        all_of_status = kinds_of(status)
        chosen = [kind for kind in all_of_status if kind in wanted]
        if chosen:
            yield status, name if len(chosen) == len(all_of_status) else ".".join([name, *chosen])


def problem_answers(used: Iterable[str]) -> Json:
    """The components of these names, and the one of every status with all its kinds."""
    names = {*used, *(name for name, _, _ in STATUSES.values())}
    return {name: _answer(name) for name in sorted(names)}


def problem_examples() -> Json:
    """The components that answers show."""
    return {name: {"summary": _body(kind)["title"], "value": _body(kind)} for name, kind in sorted(KINDS.items())}


def _answer(name: str) -> Json:
    base, *chosen = name.split(".")
    status, description, headers = next(
        (status, description, headers) for status, (known, description, headers) in STATUSES.items() if known == base
    )
    shown = chosen or kinds_of(status)
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {kind: {"$ref": f"#/components/examples/{kind}"} for kind in shown},
    }
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-ID", *headers)},
        "content": {PROBLEM_JSON: content},
    }


def _status(kind: TenantApiError | tuple[int, str]) -> int:
    return kind.status if isinstance(kind, TenantApiError) else kind[0]


def _body(kind: TenantApiError | tuple[int, str]) -> Json:
    if isinstance(kind, tuple):
        status, phrase = kind
        return problem_body(
            detail=phrase, type_="about:blank", title=phrase, status=status, correlation_id=CORRELATION_ID
        )
    return problem_body(
        detail=kind.detail,
        type_=URN + kind.code,
        title=kind.title,
        status=kind.status,
        correlation_id=CORRELATION_ID,
        validation_errors=kind.validation_errors,
        errors=kind.errors,
    )
