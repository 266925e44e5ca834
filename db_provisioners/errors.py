"""What can go wrong while making or removing a database, told apart by what the engine does about it.

The engine decides on the class and on `retryable`, never on the text. No message, argument or cause of these
errors may hold a secret: the text is stored with the operation and shown to the caller.
"""

from typing import ClassVar


class ProvisionerError(Exception):
    """Base of the family. `code` is stable and documented; it appears as `error.code` of a job."""

    retryable: ClassVar[bool] = False
    code: ClassVar[str] = "provisioner-error"


class ProvisionerConfigurationError(ProvisionerError):
    """The settings cannot work. Raised by `open`, before the service accepts a request."""

    code: ClassVar[str] = "provisioner-misconfigured"


class ProvisionerUnavailableError(ProvisionerError):
    """No usable answer from the platform. The call may have had its effect: observe, then try again."""

    retryable: ClassVar[bool] = True
    code: ClassVar[str] = "provisioner-unavailable"


class ProvisionerDeniedError(ProvisionerError):
    """The platform knows us and refuses: our own rights do not suffice."""

    code: ClassVar[str] = "provisioner-denied"


class QuotaExceededError(ProvisionerError):
    """The platform has no room: disk, connections or a limit set by its operator. Room may appear."""

    retryable: ClassVar[bool] = True
    code: ClassVar[str] = "quota-exceeded"


class InvalidDatabaseError(ProvisionerError):
    """The specification cannot be met as it stands, for example because its template is gone."""

    code: ClassVar[str] = "invalid-database"


class ForeignDatabaseError(ProvisionerError):
    """Something of that name exists without proof that we made it. It is neither taken nor touched."""

    code: ClassVar[str] = "foreign-database"


class VerificationError(ProvisionerError):
    """The database that we made is not what its template promises. It is thrown away, never handed out."""

    code: ClassVar[str] = "verification-failed"


class TemplateImportError(ProvisionerError):
    """An archive cannot become a template; the message names the reason and nothing was changed."""

    code: ClassVar[str] = "template-import-failed"
