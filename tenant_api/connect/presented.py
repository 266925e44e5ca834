"""Judges and ends tokens that somebody presents (contract section 1.19)."""

from idp_providers.contract import Principal, TokenRequest
from idp_providers.errors import IdpError, InvalidTokenError
from tenant_api.connect.basic import basic_credentials
from tenant_api.connect.forms import Form
from tenant_api.connect.schemas import ActiveTokenRead, InactiveTokenRead
from tenant_api.connect.tokens import granted
from tenant_api.kernel.errors import AuthenticationError, AuthorizationError, BadRequestError
from tenant_api.web.gateway import failure_of
from tenant_api.web.state import Runtime


def presented_token(form: Form) -> str:
    """The token of a form; BadRequestError."""
    token = form.get("token", "")
    if not token:
        raise BadRequestError("The token parameter is missing.")
    return token


class PresentedTokens:
    """Tokens of any client, judged by the identity provider."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._idp = runtime.idp
        self._identity = runtime.settings.identity

    async def require_client(self, authorization: str) -> None:
        """Let in clients of the service itself alone, if the settings say so; AuthenticationError, AuthorizationError.

        The provider is asked for a token, which nobody gets: it judges secrets in no other way.
        """
        if not self._identity.introspection_authentication:
            return
        basic = basic_credentials(authorization)
        if basic is None or not basic.client_id:
            raise AuthenticationError(headers={"WWW-Authenticate": "Basic"})
        request = TokenRequest(client_id=basic.client_id, client_secret=basic.client_secret)
        principal = await self._judged((await granted(self._runtime, request)).access_token)
        if principal is None or self._identity.service_role not in principal.roles:
            raise AuthorizationError

    async def introspect(self, token: str) -> ActiveTokenRead | InactiveTokenRead:
        """What a token says, as long as it counts."""
        principal = await self._judged(token)
        if principal is None:
            return InactiveTokenRead()
        claims = principal.claims
        return ActiveTokenRead(
            client_id=principal.client_id,
            scope=str(claims.get("scope", "")),
            exp=str(int(principal.expires_at.timestamp())),
            iat=str(claims.get("iat", "")),
            sub=principal.subject,
            aud=str(claims.get("aud", "")),
            iss=str(claims.get("iss", self._idp.issuer)),
        )

    async def revoke(self, token: str) -> None:
        """End a token that was signed by us; any other text has no effect."""
        try:
            await self._idp.revoke(token)
        except IdpError as error:
            raise failure_of(self._idp, error) from None

    async def _judged(self, token: str) -> Principal | None:
        try:
            return await self._idp.verify(token)
        except InvalidTokenError:
            return None
        except IdpError as error:
            raise failure_of(self._idp, error) from None
