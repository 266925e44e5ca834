"""Grants tokens: reads who asks, lets the identity provider decide, words its refusals (contract section 1.19)."""

import re

from idp_providers.contract import TokenAnswer, TokenRequest
from idp_providers.errors import (
    ClientAlteredError,
    IdpDeniedError,
    IdpError,
    IdpUnsupportedError,
    InvalidClientError,
    UnauthorizedClientError,
)
from tenant_api.connect.basic import basic_credentials
from tenant_api.connect.forms import Form
from tenant_api.connect.schemas import TokenForm
from tenant_api.identity.alteration import note_alteration
from tenant_api.identity.standing import require_good_standing
from tenant_api.kernel.errors import (
    SEE_ERRORS,
    AuthenticationError,
    AuthorizationError,
    BadGatewayError,
    BadRequestError,
    DataError,
)
from tenant_api.web.gateway import UNEXPECTED, failure_of
from tenant_api.web.state import Runtime

CLIENT_CREDENTIALS = "client_credentials"
INVALID_CLIENT = "invalid_client. Invalid client or Invalid client credentials"
UNAUTHORIZED_CLIENT = "unauthorized_client. Invalid client or Invalid client credentials"


def token_request(form: Form, authorization: str) -> TokenRequest:
    """What is asked for; credentials in the header win over those of the form. DataError, BadRequestError."""
    asked = TokenForm.model_validate(form)
    if basic := basic_credentials(authorization):
        asked = asked.model_copy(update={"client_id": basic.client_id, "client_secret": basic.client_secret})
    if failures := asked.failures():
        raise DataError(validation_errors=failures)
    if asked.grant_type.lower() != CLIENT_CREDENTIALS:
        raise BadRequestError("The specified grant type is not supported.")
    scopes = tuple(scope for scope in re.split(r"[\s,]+", asked.scope) if scope)
    return TokenRequest(client_id=asked.client_id, client_secret=asked.client_secret, requested_scopes=scopes)


async def granted(runtime: Runtime, request: TokenRequest) -> TokenAnswer:
    """The token, or the contract's refusal. What our rows forbid, no provider is asked for.

    A client that somebody altered at the provider gets none, until a job has brought it in line.
    """
    idp = runtime.idp
    try:
        await require_good_standing(runtime, request.client_id)
        return await idp.token(request)
    except InvalidClientError:
        raise AuthenticationError(SEE_ERRORS, errors=[INVALID_CLIENT]) from None
    except UnauthorizedClientError:
        raise AuthenticationError(SEE_ERRORS, errors=[UNAUTHORIZED_CLIENT]) from None
    except IdpUnsupportedError:
        raise BadGatewayError(errors=[f"The identity provider grants its tokens itself: {idp.issuer}"]) from None
    except IdpDeniedError:
        raise AuthorizationError(SEE_ERRORS, errors=[UNEXPECTED]) from None
    except ClientAlteredError as error:
        await note_alteration(runtime, request.client_id)
        raise failure_of(idp, error) from None
    except IdpError as error:
        raise failure_of(idp, error) from None
