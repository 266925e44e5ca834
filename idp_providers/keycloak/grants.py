"""Tokens from Keycloak for clients that ask us."""

import base64
import binascii
import json
from typing import Any

from idp_providers.contract import TokenAnswer, TokenRequest
from idp_providers.errors import ClientAlteredError, IdpError, InvalidClientError
from idp_providers.keycloak.endpoints import Credentials, RealmEndpoints
from idp_providers.keycloak.limits import can_be_client_id
from idp_providers.keycloak.scopes import ClientScopes
from idp_providers.self_hosted.tokens import granted_scopes


class Grants:
    """Passes requests on to the realm's token endpoint.

    A client of one scope gets it whatever it asked for, which takes one call. A client of several gets what it asked
    for of them, or all: which it holds is known from a first token, so that takes two.
    """

    def __init__(self, realm: RealmEndpoints, scopes: ClientScopes) -> None:
        self._realm = realm
        self._scopes = scopes

    async def token(self, request: TokenRequest) -> TokenAnswer:
        """InvalidClientError, UnauthorizedClientError. ClientAlteredError for one that lost a scope by hand."""
        if not can_be_client_id(request.client_id):
            raise InvalidClientError("Unknown client.")
        credentials = Credentials(client_id=request.client_id, secret=request.client_secret)
        granted = await self._realm.grant(credentials)
        claims = _payload(granted.access_token)
        held, shown = _words(claims.get("permission")), _words(claims.get("scope"))
        if len(held) > 1:
            wanted = granted_scopes(held, request.requested_scopes)
            granted = await self._realm.grant(credentials, wanted)
            shown = _words(_payload(granted.access_token).get("scope"))
            held = wanted
        if held and set(shown) != set(held):
            self._scopes.forget(set(held) - set(shown))
            raise ClientAlteredError("The client has lost a scope in Keycloak: it must be updated.")
        return TokenAnswer(access_token=granted.access_token, expires_in=granted.expires_in, scopes=shown)


def _payload(token: str) -> dict[str, Any]:
    """What a token says that came from Keycloak itself this moment."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, binascii.Error):
        claims = None
    if not isinstance(claims, dict):
        raise IdpError("Keycloak's answer holds no signed token.")
    return claims


def _words(value: object) -> tuple[str, ...]:
    """`permission` is one text or a list, `scope` one text with blanks in between."""
    return tuple(map(str, value)) if isinstance(value, list) else tuple(value.split()) if isinstance(value, str) else ()
