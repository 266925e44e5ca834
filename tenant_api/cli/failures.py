"""Sentences for what may well go wrong; whatever has none is a defect and shows its traceback."""

from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import DBAPIError

from db_provisioners.errors import ProvisionerError
from idp_providers.errors import IdpError
from tenant_api.embedded import EmbeddedServerError
from tenant_api.kernel.errors import TenantApiError
from tenant_api.kernel.redaction import scrub
from tenant_api.plugins.registry import PluginError
from tenant_api.service.errors import ServiceError
from tenant_api.settings import SettingsError

EXPECTED = (EmbeddedServerError, IdpError, PluginError, ProvisionerError, ServiceError)


def sentence_of(error: Exception) -> str | None:
    """What to tell the operator, without secrets; None for a defect."""
    match error:
        case SettingsError():
            return "The settings are not valid:\n" + "\n".join(f"  {problem}" for problem in error.problems)
        case TenantApiError():
            return scrub(refusal_of(error))
        case DBAPIError():
            return f"The database refused: {_first_line(error.orig or error)}"
        case PoolTimeout():
            return "The database gave no connection in time."
        case DatabaseError():
            return f"The database refused: {_first_line(error)}"
        case PermissionError():
            return f"{error.filename}: permission denied. Use the account of the service."
        case _ if isinstance(error, EXPECTED):
            return scrub(str(error)) or type(error).__name__
    return None


def refusal_of(error: TenantApiError) -> str:
    """The reasons of a refusal, else its general sentence."""
    reasons = [reason for given in error.validation_errors.values() for reason in given]
    return " ".join([*reasons, *error.errors]) or error.detail or error.title


def _first_line(error: BaseException) -> str:
    return scrub(str(error).strip().partition("\n")[0])
