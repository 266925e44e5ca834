"""Tokens from Cognito for clients that ask us."""

import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

from idp_providers.cognito.app_clients import can_be_secret
from idp_providers.cognito.hosted import GrantedToken, HostedEndpoints, LostScopeError
from idp_providers.cognito.known import KnownClients
from idp_providers.cognito.records import Record
from idp_providers.cognito.scopes import ScopeNames
from idp_providers.contract import TokenAnswer, TokenRequest
from idp_providers.errors import IdpError, InvalidClientError, UnauthorizedClientError
from idp_providers.self_hosted.tokens import granted_scopes

Read = Callable[[str], Awaitable[Record | None]]
_REFUSALS = (InvalidClientError, UnauthorizedClientError, LostScopeError)


class Grants:
    """One request to the pool's domain while the client is known; another one to learn or to look again.

    What was remembered may be old, so nobody is refused by it, and nobody's choice of scopes is read from it.
    """

    def __init__(self, hosted: HostedEndpoints, names: ScopeNames, known: KnownClients, read: Read) -> None:
        self._hosted = hosted
        self._names = names
        self._known = known
        self._read = read

    async def token(self, request: TokenRequest) -> TokenAnswer:
        """InvalidClientError, UnauthorizedClientError."""
        remembered = None if request.requested_scopes else self._known.client(request.client_id)
        if remembered is not None and remembered.usable and can_be_secret(request.client_secret):
            try:
                return self._answer(await self._granted(remembered, request))
            except _REFUSALS as refusal:
                refused: IdpError = refusal
            record = await self._usable(request)
            if record == remembered:
                raise refused
        else:
            record = await self._usable(request)
        if not can_be_secret(request.client_secret):
            raise UnauthorizedClientError("Wrong client secret.")
        return self._answer(await self._granted(record, request))

    async def _usable(self, request: TokenRequest) -> Record:
        record = await self._read(request.client_id)
        if record is None or not record.usable:
            raise InvalidClientError("The client is unknown or disabled.")
        return record

    async def _granted(self, record: Record, request: TokenRequest) -> GrantedToken:
        wanted = granted_scopes(record.scopes, request.requested_scopes) if request.requested_scopes else ()
        return await self._hosted.grant(record.app_client_id, request.client_secret, self._names.at_cognito(wanted))

    def _answer(self, granted: GrantedToken) -> TokenAnswer:
        scopes = self._names.of_ours(str(_payload(granted.access_token).get("scope", "")).split())
        return TokenAnswer(access_token=granted.access_token, expires_in=granted.expires_in, scopes=scopes)


def _payload(token: str) -> dict[str, Any]:
    """What a token says that came from Cognito itself this moment."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        claims = None
    if not isinstance(claims, dict):
        raise IdpError("Cognito's answer holds no signed token.")
    return claims
