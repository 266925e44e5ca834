"""SCRAM-SHA-256 verifiers: what a server keeps of a password (RFC 5803), made and checked without a server."""

import base64
import hashlib
import hmac
import secrets

from pydantic import SecretStr

_ITERATIONS = 4096


def verifier_of(password: SecretStr, *, salt: bytes | None = None, iterations: int = _ITERATIONS) -> str:
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.get_secret_value().encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${iterations}:{_text(salt)}${_text(stored)}:{_text(server)}"


def proves(password: SecretStr, verifier: str) -> bool:
    """Whether the verifier was made of that password."""
    try:
        _, parameters, _ = verifier.split("$")
        iterations, salt = parameters.split(":")
        expected = verifier_of(password, salt=base64.b64decode(salt), iterations=int(iterations))
    except ValueError:
        return False
    return hmac.compare_digest(verifier, expected)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
