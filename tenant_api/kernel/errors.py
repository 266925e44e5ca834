"""Everything that can be wrong with a request, as data: status, type, title and reasons (contract section 1.4).

These classes know no HTTP objects. `web/problems.py` is the one place that renders them.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

SEE_ERRORS = "The request could not be processed. See 'errors' for details."

ValidationErrors = Mapping[str, Sequence[str]]


class TenantApiError(Exception):
    """A refusal that the caller may see. `detail`, `errors` and `validation_errors` never hold a secret."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-server-error"
    title: ClassVar[str] = "Internal Server Error"
    default_detail: ClassVar[str] = ""

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[str] = (),
        validation_errors: ValidationErrors | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.detail = self.default_detail if detail is None else detail
        self.errors = tuple(errors)
        self.validation_errors = dict(validation_errors or {})
        self.headers = dict(headers or {})
        super().__init__(self.detail)


class BadRequestError(TenantApiError):
    """The request makes no sense as a whole."""

    status = 400
    code = "bad-request"
    title = "Bad Request"
    default_detail = SEE_ERRORS


class UnsupportedError(BadRequestError):
    """The chosen identity provider declares that it cannot do this; the sentence names what it can."""

    code = "bad-request:unsupported"
    title = "Unsupported by the Identity Provider"


class DataError(TenantApiError):
    """Members of the body break their rules; the reasons stand by member in `validation_errors`."""

    status = 400
    code = "bad-request:data"
    title = "Data Validation Failed"
    default_detail = "Data validation failed. See 'validationErrors' for details."

    @classmethod
    def of(cls, member: str, *messages: str) -> "DataError":
        """One member's failures."""
        return cls(validation_errors={member: messages})


class ParameterError(TenantApiError):
    """A path or query parameter cannot be read or breaks its rules."""

    status = 400
    code = "bad-request:parameter"
    title = "Parameter Validation Failed"
    default_detail = "Parameter validation failed. See 'errors' for details."


class AuthenticationError(TenantApiError):
    """Nobody we know."""

    status = 401
    code = "security:authentication"
    title = "Authentication Failed"
    default_detail = "Authentication is required to access this resource."


class AuthorizationError(TenantApiError):
    """Known, and not allowed."""

    status = 403
    code = "security:authorization"
    title = "Authorization Failed"
    default_detail = "The authenticated client is not authorized to access this resource."


class NotFoundError(TenantApiError):
    """The addressed item is not there, or is another tenant's."""

    status = 404
    code = "not-found"
    title = "Not Found"
    default_detail = "The requested resource could not be found."


class MethodNotAllowedError(TenantApiError):
    """The path exists, the method does not."""

    status = 405
    code = "method-not-allowed"
    title = "Method Not Allowed"
    default_detail = "The request construction was invalid."


class ConflictError(TenantApiError):
    """The request is fine and the present state forbids it."""

    status = 409
    code = "conflict"
    title = "Conflict"


class DependentItemExistsError(ConflictError):
    """Something still needs the item."""

    code = "conflict:dependent-item-exists"
    title = "Dependent Item Exists"


class UnresolvedReferenceError(ConflictError):
    """The body refers to something that is not there."""

    code = "conflict:unresolved-reference"
    title = "Unresolved Reference"


class NonUniqueIdentityError(ConflictError):
    """The identifying values are taken."""

    code = "conflict:non-unique-identity"
    title = "Identifying Values Are Not Unique"
    default_detail = "The identifying value(s) of the item are the same as another item that already exists."


class ConcurrentModificationError(ConflictError):
    """Somebody else changes the same things right now; repeating the request helps."""

    default_detail = "Unable to process the request due to a concurrent modification. Retry the request."


class UnsupportedMediaTypeError(TenantApiError):
    """The body is not JSON in UTF-8."""

    status = 415
    code = "unsupported-media-type"
    title = "Unsupported Media Type"
    default_detail = "The value specified in the 'Content-Type' header is not supported by this host."


class BadGatewayError(TenantApiError):
    """The identity provider or a provisioner gave no usable answer within the request."""

    status = 502
    code = "bad-gateway"
    title = "Bad Gateway"
    default_detail = SEE_ERRORS
