"""What a failing identity provider is to a caller: a gateway that failed, or a part of the service itself."""

from idp_providers.contract import IdentityProvider
from idp_providers.errors import IdpError, IdpUnavailableError
from tenant_api.kernel.errors import BadGatewayError

UNEXPECTED = "The identity provider returned an unexpected response."


def failure_of(idp: IdentityProvider, error: IdpError) -> Exception:
    """What to raise instead: BadGatewayError (502), or the error itself where it is answered with 503 or 500.

    A provider that writes in our own database is no gateway. It is unavailable (503) when the database is, or when
    more secrets wait to be hashed than it takes; what nobody foresaw there is a defect of ours (500).
    """
    is_ours = isinstance(error, IdpUnavailableError) or type(error) is IdpError
    if is_ours and idp.capabilities.transactional:
        return error
    return BadGatewayError(errors=[UNEXPECTED])
