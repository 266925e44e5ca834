"""What a token says, and what it says of who presents it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from idp_providers.contract import ClientClaims, ClientState, Principal
from idp_providers.errors import InvalidTokenError
from idp_providers.self_hosted.settings import SelfHostedSettings


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A decided grant: whom for, what of it, since when."""

    client: ClientState
    claims: ClientClaims
    scopes: tuple[str, ...]
    issued_at: datetime


def granted_scopes(held: Sequence[str], requested: Iterable[str]) -> tuple[str, ...]:
    """What was asked for and is held, as held spells it; everything held when that leaves nothing."""
    wanted = {scope.casefold() for scope in requested}
    return tuple(scope for scope in held if scope.casefold() in wanted) or tuple(held)


def payload(grant: Grant, settings: SelfHostedSettings) -> dict[str, Any]:
    """The claims of one token (management API contract, section 3.4)."""
    issued_at = int(grant.issued_at.timestamp())
    client_id, held = grant.client.client_id, grant.claims.scopes
    return {
        "jti": str(uuid4()),
        "sub": client_id,
        "iat": issued_at,
        "exp": issued_at + settings.token_lifetime_seconds,
        "client_id": client_id,
        "typ": "Bearer",
        "azp": client_id,
        "scope": " ".join(grant.scopes),
        "aud": settings.audience,
        "iss": settings.issuer,
        "namespacePrefixes": _joined(grant.claims.namespace_prefixes),
        "educationOrganizationIds": _joined(grant.claims.education_organization_ids),
        "client_name": grant.claims.display_name or grant.client.display_name,
        "permission": held[0] if len(held) == 1 else list(held),
        settings.role_claim: [grant.client.role],
        "dataStoreIds": _joined(sorted(grant.claims.data_store_ids)),
    }


def judged(claims: dict[str, Any], settings: SelfHostedSettings, now: datetime) -> Principal:
    """Who presents a correctly signed payload, if issuer, audience and lifetime hold. InvalidTokenError."""
    rules = JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=settings.clock_skew_seconds,
        iss={"essential": True, "value": settings.issuer},
        aud={"essential": True, "value": settings.audience},
        exp={"essential": True},
        jti={"essential": True},
        sub={"essential": True},
        client_id={"essential": True},
    )
    try:
        rules.validate(claims)
        return Principal(
            client_id=str(claims["client_id"]),
            subject=claims["sub"],
            scopes=frozenset(_texts(claims.get("scope"))),
            roles=frozenset(_listed(claims.get(settings.role_claim))),
            token_id=claims["jti"],
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            claims=claims,
        )
    except (JoseError, ValueError, OverflowError, OSError):
        pass
    raise InvalidTokenError("The token is expired, or meant for another issuer or audience.")


def issued_at(claims: dict[str, Any]) -> int:
    """When a payload says that it was signed, in seconds since 1970; 0 if it does not."""
    issued = claims.get("iat")
    return issued if isinstance(issued, int) and 0 <= issued < 2**40 else 0


def _joined(values: Iterable[object]) -> str:
    return ",".join(map(str, values))


def _texts(scope: object) -> list[str]:
    return scope.split() if isinstance(scope, str) else []


def _listed(roles: object) -> list[str]:
    return [str(role) for role in roles] if isinstance(roles, list) else [roles] if isinstance(roles, str) else []
