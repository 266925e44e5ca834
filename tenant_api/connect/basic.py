"""Client credentials in an `Authorization: Basic` header (contract section 1.19)."""

import base64
import binascii
from dataclasses import dataclass, field
from urllib.parse import unquote


@dataclass(frozen=True)
class BasicCredentials:
    """A client id and its secret; the secret never appears in `repr`."""

    client_id: str
    client_secret: str = field(repr=False)


def basic_credentials(authorization: str) -> BasicCredentials | None:
    """Both halves unescaped, a `+` kept as it is. A header that is malformed or of another scheme counts as none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        plain = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    client_id, colon, secret = plain.partition(":")
    return BasicCredentials(unquote(client_id), unquote(secret)) if colon else None
