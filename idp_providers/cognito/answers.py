"""What AWS answers, in the terms of the contract. Texts of AWS are not repeated: they quote what was sent."""

from idp_providers.errors import (
    ClientAlreadyExistsError,
    ClientNotFoundError,
    IdpDeniedError,
    IdpError,
    IdpRejectedError,
    IdpUnavailableError,
)


class NoAnswerError(IdpUnavailableError):
    """The line broke or the time ran out: nobody knows whether the call had its effect."""


class UnknownScopeError(IdpRejectedError):
    """A claim set is not yet a scope of the resource server."""


_DENIED = {
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorizedException",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_PASSING = {
    "ConcurrentModificationException",
    "InternalErrorException",
    "InternalServerError",
    "InternalServerException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TooManyUpdates",
}
_FULL = {"LimitExceededException", "ParameterLimitExceeded"}
_CODES = {"ParameterAlreadyExists": 409, "ResourceNotFoundException": 404, "ParameterNotFound": 404}


def refusal(code: str, status: int) -> IdpError:
    """The error that AWS's code stands for; where we do not know it, the HTTP status decides."""
    if code in _DENIED:
        return IdpDeniedError(f"AWS refuses our credentials, or their rights do not suffice ({code}).")
    if code in _PASSING:
        return IdpUnavailableError(f"AWS cannot answer now ({code}).")
    if code in _FULL:
        return IdpRejectedError(f"A quota of the AWS account is used up ({code}).")
    if code == "ScopeDoesNotExistException":
        return UnknownScopeError("The resource server lacks a scope.")
    if code not in _CODES and status == 400 and code.isidentifier():
        return IdpRejectedError(f"AWS calls the request wrong ({code}).")
    return status_refusal(_CODES.get(code, status))


def status_refusal(status: int) -> IdpError:
    """The error that an HTTP status stands for."""
    match status:
        case 401 | 403:
            return IdpDeniedError(f"AWS refuses our credentials, or their rights do not suffice ({status}).")
        case 404:
            return ClientNotFoundError("No client with this id.")
        case 409:
            return ClientAlreadyExistsError("A client with this id exists.")
        case _ if status in {408, 429} or status >= 500:
            return IdpUnavailableError(f"AWS cannot answer now ({status}).")
        case _ if status >= 400:
            return IdpRejectedError(f"AWS calls the request wrong ({status}).")
    return IdpError(f"AWS answered with the unexpected status {status}.")
