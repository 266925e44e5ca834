"""Secrets that are made here, and the rule for those that people choose."""

import base64
import hmac
import os
import re
import secrets
import string
from hashlib import pbkdf2_hmac, sha256

SCRAM_ITERATIONS = 4096
GENERATED_LENGTH = 32
"""Of a client secret, at least: nothing slows down guesses at generated ones, so each holds about 200 random bits."""

_SPECIAL = "!@#$%^&*()-_=+[]{}:;,.?"
# Without + % = &: these secrets pass raw through forms and Basic authentication.
_CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "!@#$^*()-_[]{}:;,.?")
_ALPHABET = "".join(_CLASSES)


def generate_client_secret(length: int = GENERATED_LENGTH) -> str:
    """A client secret with a character of every class (contract section 3.1); about 6.3 bits per character."""
    if length < len(_CLASSES):
        raise ValueError(f"a secret needs at least {len(_CLASSES)} characters")
    while True:
        # Drawing again until all classes are there keeps all remaining secrets equally likely.
        secret = "".join(secrets.choice(_ALPHABET) for _ in range(length))
        if all(set(secret) & set(characters) for characters in _CLASSES):
            return secret


def generate_password() -> str:
    """A database password of 43 URL-safe characters, 256 random bits."""
    return secrets.token_urlsafe(32)


def is_complex(secret: str, shortest: int = 32, longest: int = 128) -> bool:
    """Whether a chosen client secret satisfies the rule (contract section 1.19)."""
    classes = (r"[a-z]", r"[A-Z]", r"\d", f"[{re.escape(_SPECIAL)}]")
    return (
        shortest <= len(secret) <= longest
        and "\n" not in secret
        and all(re.search(characters, secret) for characters in classes)
    )


def rule_of_complexity(shortest: int = 32, longest: int = 128) -> str:
    """The rule as the contract words it."""
    return (
        "Client secret must contain at least one lowercase letter, one uppercase letter, one number, and one special "
        f"character, and must be {shortest} to {longest} characters long."
    )


def scram_verifier(password: str, salt: bytes | None = None) -> str:
    """What PostgreSQL stores for a password (SCRAM-SHA-256), so that the password itself never travels there.

    For ASCII passwords only: others would have to be normalised as the server does it.
    """
    if not password.isascii():
        raise ValueError("the password of a database login must be ASCII")
    salt = salt or os.urandom(16)
    salted = pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    stored_key = sha256(hmac.digest(salted, b"Client Key", sha256)).digest()
    server_key = hmac.digest(salted, b"Server Key", sha256)
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{_base64(salt)}${_base64(stored_key)}:{_base64(server_key)}"


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
