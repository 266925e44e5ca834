"""Public keys of clients, as they may be registered: few, of known kinds, strong, and public indeed."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from joserfc.errors import JoseError

from idp_providers.errors import IdpRejectedError, InvalidAssertionError
from idp_providers.self_hosted import signing
from idp_providers.self_hosted.database import is_storable
from idp_providers.self_hosted.signing import SigningKey

MOST_KEYS = 10
LONGEST_KID = 256
LONGEST_MEMBER = 700
"""An RSA modulus of the greatest length has 683 characters."""
SHORTEST_MODULUS, LONGEST_MODULUS = 2048 // 8, 4096 // 8
"""The library takes no signature beyond 6144 bits. To refuse one of 4096 bits takes half a millisecond at most."""

_ALGORITHMS = {"RSA": ("RS256", "PS256"), "EC": ("ES256",), "OKP": ("EdDSA", "Ed25519")}
_SAME = {"Ed25519": "EdDSA"}
"""The one algorithm on this curve has a new name (RFC 9864): a key of either name signs under both."""
_CURVES = {"EC": "P-256", "OKP": "Ed25519"}
_NO_TEXTS = "a JSON Web Key is an object whose members are texts."
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_COMMON = ("kty", "kid", "use", "alg")
_MATERIAL = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}


def accepted(keys: Sequence[Any]) -> list[dict[str, Any]]:
    """What to store of these JWKs. IdpRejectedError names the key, counted from 1, and what is wrong with it."""
    if len(keys) > MOST_KEYS:
        raise IdpRejectedError(f"A client may have at most {MOST_KEYS} keys.")
    kept = [_accepted(key, number) for number, key in enumerate(keys, start=1)]
    kids = [key["kid"] for key in kept if "kid" in key]
    if len(set(kids)) < len(kids):
        raise IdpRejectedError("The 'kid' of each key must be different.")
    unnamed = {key["kty"] for key in kept if "kid" not in key}
    if any(sum(key["kty"] == kind for key in kept) > 1 for kind in unnamed):
        raise IdpRejectedError("Where several keys are of one kind, each needs a 'kid'.")
    return kept


def chosen(keys: Sequence[Mapping[str, Any]], kid: object, algorithm: object) -> SigningKey | None:
    """The one key that may have signed an assertion with this header: a forged one costs no more than one attempt.

    A key without `kid` goes by any. InvalidAssertionError where several keys fit and the header names none of them.
    """
    fitting = [
        key
        for key in keys
        if algorithm in _ALGORITHMS[key["kty"]]
        and _is_for(key, str(algorithm))
        and (kid is None or key.get("kid", kid) == kid)
    ]
    if len(fitting) > 1:
        raise InvalidAssertionError("The client has several keys for this algorithm; 'kid' must name one.")
    return signing.public_key({**fitting[0], "alg": algorithm}) if fitting else None


def _is_for(key: Mapping[str, Any], algorithm: str) -> bool:
    named = str(key.get("alg", algorithm))
    return _SAME.get(named, named) == _SAME.get(algorithm, algorithm)


def _accepted(key: Any, number: int) -> dict[str, Any]:
    if fault := _fault(key):
        raise IdpRejectedError(f"Key {number}: {fault}")
    return _kept(key)


def _kept(key: Mapping[str, Any]) -> dict[str, Any]:
    """What verifying needs of a key of this kind, and nothing else: it is read with every grant."""
    return {name: key[name] for name in (*_COMMON, *_MATERIAL[key["kty"]]) if name in key}


def _fault(key: Any) -> str | None:
    if fault := _fault_of_members(key):
        return fault
    kind = key["kty"]
    if kind in _CURVES and key.get("crv") != _CURVES[kind]:
        return f"'crv' of {kind} must be {_CURVES[kind]}."
    if key.get("alg", _ALGORITHMS[kind][0]) not in _ALGORITHMS[kind]:
        return f"'alg' of {kind} must be {' or '.join(_ALGORITHMS[kind])}."
    if key.get("use", "sig") != "sig":
        return "'use' must be sig."
    if not 0 < len(key.get("kid", "x")) <= LONGEST_KID:
        return f"'kid' must have 1 to {LONGEST_KID} characters."
    if kind == "RSA" and not _is_strong(key):
        return "an RSA key needs 2048 to 4096 bits and a public exponent of at most 32."
    try:
        signing.public_key(_kept(key))
    except (JoseError, ValueError, TypeError, KeyError):
        return "it is not a valid key."
    return None


def _fault_of_members(key: Any) -> str | None:
    if not isinstance(key, dict):
        return _NO_TEXTS
    if any(name in key for name in _PRIVATE):
        return "it holds a private or shared key; register the public key only."
    if key.get("kty") not in list(_ALGORITHMS):
        return "'kty' must be RSA, EC or OKP."
    members = _kept(key).values()
    if not all(isinstance(member, str) for member in members):
        return _NO_TEXTS
    if any(len(member) > LONGEST_MEMBER for member in members):
        return f"no member may have more than {LONGEST_MEMBER} characters."
    if unstorable := next((name for name, member in _kept(key).items() if not is_storable(member)), None):
        return f"'{unstorable}' holds characters that cannot be stored."
    return None


def _is_strong(key: Mapping[str, str]) -> bool:
    modulus, exponent = _bytes(key.get("n", "")), _bytes(key.get("e", ""))
    return SHORTEST_MODULUS <= len(modulus.lstrip(b"\0")) <= LONGEST_MODULUS and len(exponent.lstrip(b"\0")) <= 4


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
