"""What a failing identity provider is to a caller: a gateway that failed, or our own database that is away."""

from idp_providers.contract import IdentityProvider
from idp_providers.errors import IdpError, IdpUnavailableError
from tenant_api.kernel.errors import BadGatewayError

UNEXPECTED = "The identity provider returned an unexpected response."


def failure_of(idp: IdentityProvider, error: IdpError) -> Exception:
    """What to raise instead: BadGatewayError (502), or the error itself where it is answered with 503.

    A provider that writes in our own database is no gateway: it is unavailable when the database is, or when more
    secrets wait to be hashed than it takes.
    """
    if isinstance(error, IdpUnavailableError) and idp.capabilities.transactional:
        return error
    return BadGatewayError(errors=[UNEXPECTED])
