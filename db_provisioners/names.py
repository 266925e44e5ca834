"""Physical names: generated, readable, legal and unique; user text never becomes an identifier as it stands."""

import base64
import hashlib
import re
import unicodedata

MAX_BYTES = 56
_TENANT_CHARACTERS = 16
_NAME_CHARACTERS = 25
_ENTROPY_CHARACTERS = 10
_LEGAL = re.compile(r"[a-z][a-z0-9_]{0,55}")


def physical_name(tenant: str, name: str, entropy: bytes) -> str:
    """`ta_{tenant}_{name}_{10 base32 characters}`, whatever the two texts hold.

    Only `entropy` makes it unique, so give it fresh random bytes (or an id that is never reused). The same input
    gives the same name. Room is left for the suffix of `owner_of` within PostgreSQL's 63 bytes.
    """
    digest = base64.b32encode(hashlib.sha256(entropy).digest()).decode().lower()
    parts = ("ta", _squeezed(tenant, _TENANT_CHARACTERS), _squeezed(name, _NAME_CHARACTERS))
    return "_".join((*parts, digest[:_ENTROPY_CHARACTERS]))


def owner_of(physical: str) -> str:
    """The role that owns the database of that name."""
    return f"{physical}_owner"


def is_physical_name(text: str) -> bool:
    """Whether a text could have come from `physical_name`, as far as its form tells. Never proof of anything."""
    return _LEGAL.fullmatch(text) is not None


def _squeezed(text: str, characters: int) -> str:
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "_", ascii_only).strip("_")
    return words[:characters].rstrip("_") or "x"
