"""Public keys of clients, as they may be registered: few, of known kinds, strong, and public indeed."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from joserfc.errors import JoseError

from idp_providers.errors import IdpRejectedError
from idp_providers.self_hosted import signing
from idp_providers.self_hosted.signing import SigningKey

MOST_KEYS = 10
LONGEST_KID = 256
LONGEST_MEMBER = 1500
"""An RSA modulus of the greatest length has 1366 characters."""
SHORTEST_MODULUS, LONGEST_MODULUS = 2048 // 8, 8192 // 8

_ALGORITHMS = {"RSA": ("RS256", "PS256"), "EC": ("ES256",), "OKP": ("EdDSA",)}
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
    return kept


def candidates(keys: Sequence[Mapping[str, Any]], kid: object, algorithm: object) -> list[SigningKey]:
    """The keys that may have signed an assertion with this header."""
    fitting = [
        key
        for key in keys
        if algorithm in _ALGORITHMS[key["kty"]]
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") in (None, kid))
    ]
    return [signing.public_key(key) for key in fitting]


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
        return "an RSA key needs 2048 to 8192 bits and a public exponent of at most 32."
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
    return None


def _is_strong(key: Mapping[str, str]) -> bool:
    modulus, exponent = _bytes(key.get("n", "")), _bytes(key.get("e", ""))
    return SHORTEST_MODULUS <= len(modulus.lstrip(b"\0")) <= LONGEST_MODULUS and len(exponent.lstrip(b"\0")) <= 4


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
