"""Whether a correctly signed token of the pool counts here."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from idp_providers.cognito.records import Record
from idp_providers.cognito.scopes import ScopeNames
from idp_providers.cognito.settings import CognitoSettings
from idp_providers.contract import Principal
from idp_providers.errors import InvalidTokenError


def judge(claims: dict[str, Any], settings: CognitoSettings, now: datetime) -> str:
    """The app client for which an access token was made. InvalidTokenError.

    Cognito writes no audience into these tokens: that the app client is ours and which scopes of our resource server
    it has take its place.
    """
    rules = JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=settings.clock_skew_seconds,
        iss={"essential": True, "value": settings.expected_issuer},
        token_use={"essential": True, "value": "access"},
        exp={"essential": True},
        jti={"essential": True},
        sub={"essential": True},
        client_id={"essential": True},
    )
    try:
        rules.validate(claims)
        datetime.fromtimestamp(claims["exp"], UTC)
        if all(isinstance(claims[name], str) for name in ("jti", "sub", "client_id")):
            return str(claims["client_id"])
    except (JoseError, ValueError, TypeError, OverflowError, OSError):
        pass
    raise InvalidTokenError("The token is expired, not for access, or of another issuer.")


def principal(claims: Mapping[str, Any], record: Record, names: ScopeNames) -> Principal:
    """Who presents a judged token. In `claims`, client and scopes go by our names."""
    scopes = names.of_ours(str(claims.get("scope", "")).split())
    return Principal(
        client_id=record.client_id,
        subject=claims["sub"],
        scopes=frozenset(scopes),
        roles=frozenset({record.role}),
        token_id=claims["jti"],
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        claims={**claims, "client_id": record.client_id, "scope": " ".join(scopes)},
    )
