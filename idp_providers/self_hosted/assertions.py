"""Client assertions: JWTs with which clients prove themselves instead of sharing a secret (RFC 7523, section 3)."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from idp_providers.contract import Host
from idp_providers.errors import InvalidAssertionError
from idp_providers.self_hosted.client_keys import chosen
from idp_providers.self_hosted.database import can_be_client_id, contract_errors
from idp_providers.self_hosted.signing import REGISTRY, SigningKey

LONGEST_ASSERTION = 16 * 1024
LONGEST_JTI = 256
LONGEST_LIFE = timedelta(minutes=5)
SKEW = timedelta(seconds=60)
"""By how much a client's clock may differ. It does not lengthen `LONGEST_LIFE` beyond one skew."""

KEPT_LONGER = timedelta(hours=1)
"""Replicas judge the end of an assertion by their own clocks; one that is this late still finds it used."""


@dataclass(frozen=True, kw_only=True)
class Assertion:
    """The parts of an assertion that nobody has verified yet. `issuer` says whose keys to try."""

    issuer: str
    text: str = field(repr=False)
    header: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SingleUse:
    """What makes an assertion one that counts once, and until when that must be remembered."""

    jti: str
    expires_at: datetime


def read(text: str) -> Assertion:
    """Take an assertion apart. InvalidAssertionError."""
    parts = text.split(".")
    if len(text) > LONGEST_ASSERTION or len(parts) != 3:
        raise InvalidAssertionError("The client assertion is not a signed JWT.")
    header, claims = _json(parts[0]), _json(parts[1])
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not can_be_client_id(issuer):
        raise InvalidAssertionError("The client assertion needs 'iss', the client's id.")
    if not isinstance(header.get("kid", ""), str):
        raise InvalidAssertionError("'kid' of the client assertion must be a text.")
    return Assertion(issuer=issuer, text=text, header=header)


def verified_claims(assertion: Assertion, keys: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The claims, if the client's key for this signed them. InvalidAssertionError."""
    algorithm, kid = assertion.header.get("alg"), assertion.header.get("kid")
    key = chosen(keys, kid, algorithm)
    claims = _signed_by(key, assertion.text) if key else None
    if claims is None:
        raise InvalidAssertionError("No key of the client verifies the assertion.")
    return claims


def judged(claims: Mapping[str, Any], client_id: str, audiences: Sequence[str], now: datetime) -> SingleUse:
    """Whether verified claims hold here and now. InvalidAssertionError says which does not."""
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise InvalidAssertionError("'iss' and 'sub' of the client assertion must both be the client's id.")
    aud = claims.get("aud")
    named = aud if isinstance(aud, list) else [aud]
    if not any(audience in named for audience in audiences):
        raise InvalidAssertionError("'aud' of the client assertion must be the issuer or the token endpoint.")
    expires_at = _time(claims, "exp")
    if expires_at is None:
        raise InvalidAssertionError("The client assertion needs 'exp'.")
    if expires_at <= now - SKEW:
        raise InvalidAssertionError("The client assertion has expired.")
    if expires_at > now + LONGEST_LIFE + SKEW:
        raise InvalidAssertionError(f"'exp' of the client assertion may be at most {LONGEST_LIFE} ahead.")
    for name in ("nbf", "iat"):
        begins = _time(claims, name)
        if begins is not None and begins > now + SKEW:
            raise InvalidAssertionError(f"'{name}' of the client assertion is in the future.")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI or not can_be_client_id(jti):
        raise InvalidAssertionError(f"The client assertion needs 'jti', a text of at most {LONGEST_JTI} characters.")
    return SingleUse(jti=jti, expires_at=expires_at + SKEW)


class UsedAssertions:
    """The table `idp_assertions`, shared by all replicas: whoever inserts first has used the assertion."""

    def __init__(self, host: Host) -> None:
        self._host = host

    @contract_errors
    async def use(self, client_id: str, assertion: SingleUse) -> None:
        """Once and for all, whatever becomes of the request. InvalidAssertionError the second time."""
        async with self._host.pool.connection() as connection:
            cursor = await connection.execute(
                "insert into idp_assertions (client_id, jti, expires_at) values (%s, %s, %s) on conflict do nothing",
                (client_id, assertion.jti, assertion.expires_at),
            )
        if not cursor.rowcount:
            raise InvalidAssertionError("The client assertion was used before.")

    @contract_errors
    async def sweep(self) -> None:
        """Forget those that no replica would accept any more, also one whose clock is late by `KEPT_LONGER`."""
        async with self._host.pool.connection() as connection:
            await connection.execute("delete from idp_assertions where expires_at < now() - %s", (KEPT_LONGER,))


def _signed_by(key: SigningKey, text: str) -> dict[str, Any] | None:
    try:
        return jwt.decode(text, key, registry=REGISTRY).claims
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
        return None


def _json(part: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidAssertionError("The client assertion is not a signed JWT.")
    return value


def _time(claims: Mapping[str, Any], name: str) -> datetime | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidAssertionError(f"'{name}' of the client assertion must be a number.")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidAssertionError(f"'{name}' of the client assertion is no time.") from None
