"""Connection strings for data planes: the Npgsql form, and the encryption on which both sides agreed."""

import base64
import binascii
import os
import re

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

_KEY_BYTES = 32
_BLOCK_BYTES = 16
_BLOCK_BITS = 8 * _BLOCK_BYTES
# What .NET takes without quotes.
_PLAIN = re.compile(r"[^\"'=;\s\x00-\x1f\x7f-\x9f]+")


def npgsql_keywords(*, host: str, port: int, username: str, password: str, database: str) -> str:
    """A connection string in Npgsql's keywords; ValueError for NUL, which no quoting can carry."""
    parts = {"host": host, "port": str(port), "username": username, "password": password, "database": database}
    return "".join(f"{keyword}={_quoted(value)};" for keyword, value in parts.items())


def encode(connection_string: str | None, key: str) -> str | None:
    """`base64(IV || AES-256-CBC)` as data planes expect it (contract section 2.4); nothing stays nothing.

    The form has no integrity check: it is for the wire only, never for storage.
    """
    if not connection_string:
        return None
    padder = PKCS7(_BLOCK_BITS).padder()
    padded = padder.update(connection_string.encode()) + padder.finalize()
    iv = os.urandom(_BLOCK_BYTES)
    encryptor = Cipher(AES256(_key_bytes(key)), CBC(iv)).encryptor()
    return base64.b64encode(iv + encryptor.update(padded) + encryptor.finalize()).decode()


def decode(encoded: str, key: str) -> str:
    """What a data plane reads from `encode`'s answer; ValueError if key and text do not fit."""
    try:
        blob = base64.b64decode(encoded, validate=True)
        iv, data = blob[:_BLOCK_BYTES], blob[_BLOCK_BYTES:]
        decryptor = Cipher(AES256(_key_bytes(key)), CBC(iv)).decryptor()
        unpadder = PKCS7(_BLOCK_BITS).unpadder()
        padded = decryptor.update(data) + decryptor.finalize()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except (binascii.Error, ValueError):
        raise ValueError("not a connection string under this key") from None


def _key_bytes(key: str) -> bytes:
    return key.ljust(_KEY_BYTES, "0")[:_KEY_BYTES].encode()


def _quoted(value: str) -> str:
    if "\0" in value:
        raise ValueError("a connection string cannot carry the character NUL")
    if _PLAIN.fullmatch(value):
        return value
    if '"' in value and "'" not in value:
        return f"'{value}'"
    return '"' + value.replace('"', '""') + '"'
