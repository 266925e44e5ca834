"""Keys that sign and verify, and nothing about what is signed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol, RSAKey

from idp_providers.errors import InvalidTokenError
from idp_providers.self_hosted.settings import Algorithm

SigningKey = RSAKey | ECKey
VerificationKeys = Mapping[str, SigningKey]

LONGEST_TOKEN = 64 * 1024

_ALGORITHMS = get_args(Algorithm)
_PUBLIC_MEMBERS = ("kty", "use", "kid", "e", "n", "crv", "x", "y", "alg")


class UnknownKeyError(InvalidTokenError):
    """The token names a key that is not among those at hand."""


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """A new key. `private_key` is PKCS 8 in DER: seal it before it is stored."""

    kid: str
    algorithm: Algorithm
    private_key: bytes = field(repr=False)
    public_jwk: dict[str, Any]


def generate(algorithm: Algorithm) -> KeyPair:
    """Make a key of the algorithm's usual strength. RSA takes about a tenth of a second of one core."""
    key: SigningKey = RSAKey.generate_key(2048) if algorithm == "RS256" else ECKey.generate_key("P-256")
    kid = key.thumbprint()
    return KeyPair(
        kid=kid,
        algorithm=algorithm,
        private_key=key.as_der(private=True),
        public_jwk=ordered_members(key.as_dict(private=False, use="sig", kid=kid, alg=algorithm)),
    )


def ordered_members(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """The public members of a JWK, and nothing else, in the order in which they are customarily shown."""
    return {name: jwk[name] for name in _PUBLIC_MEMBERS if name in jwk}


def private_key(der: bytes, algorithm: Algorithm, kid: str) -> SigningKey:
    """A key that can sign."""
    kind = RSAKey if algorithm == "RS256" else ECKey
    return kind.import_key(der, {"kid": kid, "alg": algorithm, "use": "sig"})


def public_key(jwk: Mapping[str, Any]) -> SigningKey:
    """A key that can verify."""
    kind = RSAKey if jwk["kty"] == "RSA" else ECKey
    return kind.import_key(dict(jwk))


def sign(claims: dict[str, Any], key: SigningKey) -> str:
    """A compact JWT."""
    algorithm = str(key.alg)
    return jwt.encode({"alg": algorithm, "kid": key.kid, "typ": "JWT"}, claims, key, algorithms=[algorithm])


def verified_claims(token: str, keys: VerificationKeys) -> dict[str, Any]:
    """The payload of a token that one of `keys` signed; its claims are not judged here.

    UnknownKeyError, InvalidTokenError.
    """

    def named_key(signature: GuestProtocol) -> SigningKey:
        headers = signature.headers()
        key = keys.get(str(headers.get("kid")))
        if key is None:
            raise UnknownKeyError("The token names an unknown key.")
        if headers.get("alg") != key.alg:
            raise InvalidTokenError("The token's algorithm is not that of its key.")
        return key

    if len(token) > LONGEST_TOKEN:
        raise InvalidTokenError("The token is too long.")
    try:
        return jwt.decode(token, named_key, algorithms=_ALGORITHMS).claims
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
        pass
    raise InvalidTokenError("The token is malformed or not signed by us.")
