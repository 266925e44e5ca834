"""What can go wrong at an identity provider, told apart by what the caller may do about it.

Callers decide on the class and on `retryable`, never on the text. No message, argument or cause of
these errors may hold a secret: the text reaches logs and operation records.
"""

from typing import ClassVar


class IdpError(Exception):
    """Base of the family; raised itself only for answers nobody foresaw."""

    retryable: ClassVar[bool] = False


class IdpConfigurationError(IdpError):
    """The settings cannot work. Raised by `open`, or by `check` where the provider was away when it was opened."""


class IdpUnavailableError(IdpError):
    """No usable answer: refused, timed out, throttled or a server fault. The call may have had its effect."""

    retryable: ClassVar[bool] = True


class IdpDeniedError(IdpError):
    """The provider knows us and refuses: our own credentials or rights do not suffice."""


class IdpRejectedError(IdpError):
    """The provider understood the request and calls it wrong. Repeating it cannot help."""


class IdpUnsupportedError(IdpError):
    """The provider declares (in `capabilities`) that it cannot do this."""


class ClientAlreadyExistsError(IdpError):
    """A client with this id exists; ids are compared without regard to case."""


class ClientNotFoundError(IdpError):
    """No client with this id, or its record vanished behind our back."""


class ClientAlteredError(IdpError):
    """Token request of a client that somebody changed behind our back, so that its token would not be what we want.

    Updating the client mends it.
    """


class InvalidClientError(IdpError):
    """Token request of a client that is unknown, disabled or not approved (contract section 1.19)."""


class UnauthorizedClientError(IdpError):
    """Token request of a known client with a wrong secret (contract section 1.19)."""


class InvalidTokenError(IdpError):
    """The presented token is malformed, forged, expired, revoked or meant for somebody else."""


class InvalidAssertionError(InvalidClientError):
    """A client assertion (RFC 7523) does not count; the sentence says why."""


class ThrottledError(IdpUnavailableError):
    """Too many wrong secrets for this client of late; what is already known to be right is not held up."""


class SecretNotFoundError(IdpError):
    """The client has no such secret, or no longer."""


class TooManySecretsError(IdpError):
    """The client has as many live secrets as one may have."""
