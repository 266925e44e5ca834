"""Lets a request in: authentication, role and scope (contract section 1.3). Runs before any handler."""

from litestar.handlers.base import BaseRouteHandler

from idp_providers.contract import Principal
from idp_providers.errors import IdpError, IdpUnavailableError, InvalidTokenError
from tenant_api.kernel.caller import set_caller
from tenant_api.kernel.errors import AuthenticationError, AuthorizationError, BadGatewayError, MethodNotAllowedError
from tenant_api.web.operation import PUBLIC, Operation
from tenant_api.web.state import Connection, runtime_of


async def admit(connection: Connection, handler: BaseRouteHandler) -> None:
    """Refuse with 401 or 403 unless the operation is public or the token may call it.

    A handler that does not describe itself is refused: nothing is public by omission.
    """
    described: Operation | None = handler.opt.get("operation")
    if described is None and connection.scope.get("method") == "OPTIONS":
        raise MethodNotAllowedError  # the framework would answer it; only a CORS preflight has a meaning here
    if described is None:
        raise AuthorizationError
    if described.access == PUBLIC:
        return
    principal = await _authenticate(connection)
    if runtime_of(connection).settings.identity.service_role not in principal.roles:
        raise AuthorizationError
    if not described.access & principal.scopes:
        raise AuthorizationError
    if refusal := connection.scope["state"].get("tenancy_refusal"):
        raise refusal
    connection.scope["state"]["principal"] = principal
    set_caller(principal.subject)


async def _authenticate(connection: Connection) -> Principal:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AuthenticationError(headers={"WWW-Authenticate": "Bearer"})
    idp = runtime_of(connection).idp
    try:
        return await idp.verify(token.strip())
    except InvalidTokenError:
        raise AuthenticationError(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}) from None
    except IdpError as error:
        if isinstance(error, IdpUnavailableError) and idp.capabilities.transactional:
            raise  # it is our own database that is away, no gateway
        raise BadGatewayError(errors=["The identity provider returned an unexpected response."]) from None
