"""Keys that sign and verify, and nothing about what is signed."""

import copy
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, get_args

from cryptography.hazmat.primitives.serialization import load_der_private_key
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from idp_providers.errors import InvalidTokenError
from idp_providers.self_hosted.settings import Algorithm

SigningKey = RSAKey | ECKey | OKPKey
VerificationKeys = Mapping[str, SigningKey]

LONGEST_TOKEN = 64 * 1024

_ALGORITHMS = get_args(Algorithm)
_PUBLIC_MEMBERS = ("kty", "use", "kid", "e", "n", "crv", "x", "y", "alg")
_KINDS: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_KIND_OF: dict[Algorithm, str] = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}


class _Registry(JWSRegistry):
    """Our algorithms. The library warns of the name EdDSA (RFC 9864), which verifiers still know best.

    Clients may sign under either name. What a header says beyond what we know is ignored, unless it is critical
    (RFC 7515, section 4); it may be a certificate.
    """

    algorithms = {name: copy.copy(JWSRegistry.algorithms[name]) for name in (*_ALGORITHMS, "Ed25519")}
    max_header_length = 8 * 1024


_Registry.algorithms["EdDSA"].security_warning = None
REGISTRY = _Registry(algorithms=_Registry.algorithms, strict_check_header=False)


class UnknownKeyError(InvalidTokenError):
    """The token names a key that is not among those at hand."""


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """A new key. `private_key` is PKCS 8 in DER: seal it before it is stored."""

    kid: str
    algorithm: Algorithm
    private_key: bytes = field(repr=False)
    public_jwk: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Signed:
    """What a correctly signed token says, and which key signed it."""

    kid: str
    claims: dict[str, Any] = field(repr=False)


def generate(algorithm: Algorithm) -> KeyPair:
    """Make a key of the algorithm's usual strength. RSA takes about a tenth of a second of one core."""
    key = _new_key(algorithm)
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
    """A key that can sign. `der` must be what `generate` made: it is not proven again that primes are prime.

    That proof takes 50 ms of a core at every start. What was sealed in between is authentic (AES-GCM).
    """
    key: Any = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    return _KINDS[_KIND_OF[algorithm]].import_key(key, {"kid": kid, "alg": algorithm, "use": "sig"})


def public_key(jwk: Mapping[str, Any]) -> SigningKey:
    """A key that can verify."""
    return _KINDS[jwk["kty"]].import_key(dict(jwk))


def sign(claims: Mapping[str, Any], key: SigningKey, typ: str = "JWT") -> str:
    """A compact JWT. The library's own way would judge header and key anew for every token of the same key."""
    signed = b".".join((_header(str(key.alg), str(key.kid), typ), _encoded(claims)))
    signature = urlsafe_b64encode(REGISTRY.get_alg(str(key.alg)).sign(signed, key))
    return b".".join((signed, signature)).rstrip(b"=").decode()


@lru_cache(maxsize=16)
def _header(algorithm: str, kid: str, typ: str) -> bytes:
    return _encoded({"typ": typ, "alg": algorithm, "kid": kid})


def _encoded(members: Mapping[str, Any]) -> bytes:
    return urlsafe_b64encode(json.dumps(members, separators=(",", ":")).encode()).rstrip(b"=")


def verified_claims(token: str, keys: VerificationKeys) -> dict[str, Any]:
    """The payload of a token that one of `keys` signed; its claims are not judged here.

    UnknownKeyError, InvalidTokenError.
    """
    return verified(token, keys).claims


def verified(token: str, keys: VerificationKeys) -> Signed:
    """As `verified_claims`, with the key that signed."""

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
        decoded = jwt.decode(token, named_key, registry=REGISTRY)
        return Signed(kid=str(decoded.header["kid"]), claims=decoded.claims)
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
        pass
    raise InvalidTokenError("The token is malformed or not signed by us.")


def _new_key(algorithm: Algorithm) -> SigningKey:
    match _KIND_OF[algorithm]:
        case "RSA":
            return RSAKey.generate_key(2048)
        case "EC":
            return ECKey.generate_key("P-256")
    return OKPKey.generate_key("Ed25519")
