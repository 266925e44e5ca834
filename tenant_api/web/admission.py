"""Lets a request in: authentication, role and scope (contract section 1.3). Runs before any handler."""

from litestar.handlers.base import BaseRouteHandler

from idp_providers.contract import Principal
from idp_providers.errors import IdpError, InvalidTokenError
from tenant_api.kernel.caller import set_caller
from tenant_api.kernel.errors import AuthenticationError, AuthorizationError
from tenant_api.web.gateway import failure_of
from tenant_api.web.operation import PUBLIC, Operation
from tenant_api.web.problems import method_not_allowed
from tenant_api.web.state import Connection, runtime_of


async def admit(connection: Connection, handler: BaseRouteHandler) -> None:
    """Refuse with 401 or 403 unless the operation is public or the token may call it.

    A handler that does not describe itself is refused: nothing is public by omission.
    """
    described: Operation | None = handler.opt.get("operation")
    if described is None and connection.scope.get("method") == "OPTIONS":
        # The framework would answer it; only a CORS preflight has a meaning here.
        template = connection.scope["path_template"]
        raise method_not_allowed(
            next(route.methods for route in connection.app.routes if route.path_format == template)
        )
    if described is None:
        raise AuthorizationError
    if described.access == PUBLIC:
        return
    principal = await _authenticate(connection)
    if runtime_of(connection).settings.identity.service_role not in principal.roles:
        raise AuthorizationError
    if not described.access & principal.scopes:
        raise AuthorizationError
    await _keep_to_its_tenant(connection, principal)
    if refusal := connection.scope["state"].get("tenancy_refusal"):
        raise refusal
    connection.scope["state"]["principal"] = principal
    set_caller(principal.subject)


async def _keep_to_its_tenant(connection: Connection, principal: Principal) -> None:
    """A client that is bound to a tenant is told the same about every other one, whether it exists or not."""
    runtime = runtime_of(connection)
    if not runtime.settings.identity.tenant_bound_clients:
        return
    binding = await runtime.bindings.of(principal.client_id)
    if binding is not None and not binding.allows(connection.scope["state"].get("tenant_id")):
        raise AuthorizationError


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
        raise failure_of(idp, error) from None
