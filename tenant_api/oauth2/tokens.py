"""Grants, introspection and revocation for clients that proved themselves (RFC 6749, 7662, 7009)."""

import re
from collections.abc import Sequence

from idp_providers.authorization_server import (
    AuthenticatedClient,
    AuthorizationServer,
    Proof,
    authorization_server,
)
from idp_providers.contract import Principal, TokenAnswer
from idp_providers.errors import InvalidTokenError
from tenant_api.oauth2.errors import OAuthError, invalid_request
from tenant_api.oauth2.parameters import Parameters
from tenant_api.web.operation import FULL_ACCESS, READ_ONLY_ACCESS
from tenant_api.web.state import Runtime

CLIENT_CREDENTIALS = "client_credentials"
READERS = frozenset({FULL_ACCESS, READ_ONLY_ACCESS})

_SCOPES = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")


def is_served(runtime: Runtime) -> bool:
    """Whether the provider is an authorization server, so that these routes are there."""
    return authorization_server(runtime.idp) is not None


def server_of(runtime: Runtime) -> AuthorizationServer:
    """The provider behind these routes, which are only there if it is an authorization server."""
    server = authorization_server(runtime.idp)
    assert server is not None
    return server


class Tokens:
    """What one client may do with tokens. Every method asks for a proof first."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._server = server_of(runtime)

    async def grant(self, parameters: Parameters, proof: Proof) -> TokenAnswer:
        """A token for the client itself. OAuthError, and the errors of the provider."""
        client = await self._server.authenticate(proof)
        return await self._server.grant(client, requested_scopes(parameters, client.claims.scopes))

    async def introspect(self, parameters: Parameters, proof: Proof) -> Principal | None:
        """Whose token it is, if it counts, its client could get another one now, and the caller may know."""
        caller = await self._server.authenticate(proof)
        principal = await self._judged(_presented(parameters))
        if principal is None or not await self._may(caller, READERS, principal):
            return None
        return principal if await self._server.may_have_tokens(principal.client_id) else None

    async def revoke(self, parameters: Parameters, proof: Proof) -> None:
        """End a token. One that does not count is no error; another client's is, unless the caller administers."""
        caller = await self._server.authenticate(proof)
        token = _presented(parameters)
        principal = await self._judged(token)
        if principal is None:
            return
        if not await self._may(caller, frozenset({FULL_ACCESS}), principal):
            raise OAuthError("unauthorized_client", "The token was issued to another client.")
        await self._runtime.idp.revoke(token)

    async def _judged(self, token: str) -> Principal | None:
        try:
            return await self._runtime.idp.verify(token)
        except InvalidTokenError:
            return None

    async def _may(self, caller: AuthenticatedClient, scopes: frozenset[str], principal: Principal) -> bool:
        """One's own tokens always; any with one of these scopes and the service's role, within one's tenant."""
        if principal.client_id == caller.state.client_id:
            return True
        settings = self._runtime.settings.identity
        if caller.state.role != settings.service_role or not scopes & set(caller.claims.scopes):
            return False
        if not settings.tenant_bound_clients:
            return True
        own = await self._runtime.bindings.of(caller.state.client_id)
        others = await self._runtime.bindings.of(principal.client_id)
        return own is None or (others is not None and own.allows(others.tenant_id))


def require_client_credentials(parameters: Parameters) -> None:
    """OAuthError unless this grant is asked for; its name is read as the RFC spells it."""
    grant_type = parameters.get("grant_type")
    if grant_type is None:
        raise invalid_request("'grant_type' is missing.")
    if grant_type != CLIENT_CREDENTIALS:
        raise OAuthError("unsupported_grant_type", f"The only grant type is {CLIENT_CREDENTIALS}.")


def requested_scopes(parameters: Parameters, held: Sequence[str]) -> Sequence[str]:
    """The scopes that a token shall have: those asked for, or all that the client holds. OAuthError."""
    asked = parameters.get("scope")
    if asked is None:
        return held
    if not _SCOPES.fullmatch(asked):
        raise OAuthError("invalid_scope", "'scope' must be scope tokens, separated by single spaces.")
    wanted = list(dict.fromkeys(asked.split(" ")))
    if missing := next((scope for scope in wanted if scope not in held), None):
        raise OAuthError("invalid_scope", f"The client does not hold the scope {missing}.")
    return wanted


def _presented(parameters: Parameters) -> str:
    if "token" not in parameters:
        raise invalid_request("'token' is missing.")
    return parameters["token"]
