"""Secrets at rest: AES-256-GCM under a key of their own, which is wrapped by a key of the ring.

A sealed text is `v1.{key id}.{wrapped data key}.{sealed data}`. Both layers are bound to a context (table, column
and row), so that a text moved elsewhere does not open. Rotation wraps the data key anew and leaves the data alone.
"""

import base64
import binascii
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tenant_api.kernel.keys import KEY_BYTES, Key, KeyRing

_VERSION = "v1"
_NONCE_BYTES = 12


class SealError(ValueError):
    """A sealed text does not open: it was changed or moved, or its key is not in the ring."""


@dataclass(frozen=True)
class Sealer:
    """Seals with the newest key of the ring, opens with all of them."""

    ring: KeyRing

    def seal(self, plain: bytes, context: str) -> str:
        """Encrypt for storage at the place that `context` names: table, column and row."""
        data_key = os.urandom(KEY_BYTES)
        return _text(self.ring.newest, _wrap(self.ring.newest, data_key, context), _encrypt(data_key, plain, context))

    def unseal(self, sealed: str, context: str) -> bytes:
        """Decrypt what `seal` made for the same context; SealError otherwise."""
        key, wrapped, data = self._parts(sealed)
        return _decrypt(_unwrap(key, wrapped, context), data, context)

    def rewrap(self, sealed: str, context: str) -> str:
        """The same secret under the newest key; the same text if it is there already."""
        key, wrapped, data = self._parts(sealed)
        data_key = _unwrap(key, wrapped, context)
        if key.id == self.ring.newest.id:
            return sealed
        return _text(self.ring.newest, _wrap(self.ring.newest, data_key, context), data)

    def is_newest(self, sealed: str) -> bool:
        """Whether the newest key sealed this; if not, it is time for `rewrap`."""
        return sealed.startswith(self.newest_prefix)

    @property
    def newest_prefix(self) -> str:
        """How every text begins that the newest key sealed."""
        return f"{_VERSION}.{self.ring.newest.id}."

    def _parts(self, sealed: str) -> tuple[Key, bytes, bytes]:
        version, _, rest = sealed.partition(".")
        key_id, _, blobs = rest.partition(".")
        wrapped, separator, data = blobs.partition(".")
        if version != _VERSION or not separator:
            raise SealError("not a sealed text of a known version")
        key = self.ring.find(key_id)
        if key is None:
            raise SealError("sealed with a key that is not in the ring")
        return key, _from_text(wrapped), _from_text(data)


def _wrap(key: Key, data_key: bytes, context: str) -> bytes:
    return _encrypt(key.secret, data_key, f"{key.id}.{context}")


def _unwrap(key: Key, wrapped: bytes, context: str) -> bytes:
    return _decrypt(key.secret, wrapped, f"{key.id}.{context}")


def _encrypt(secret: bytes, plain: bytes, context: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(secret).encrypt(nonce, plain, context.encode())


def _decrypt(secret: bytes, blob: bytes, context: str) -> bytes:
    nonce, data = blob[:_NONCE_BYTES], blob[_NONCE_BYTES:]
    try:
        return AESGCM(secret).decrypt(nonce, data, context.encode())
    except (InvalidTag, ValueError):
        raise SealError("changed, or sealed for another place") from None


def _text(key: Key, wrapped: bytes, data: bytes) -> str:
    return ".".join([_VERSION, key.id, _to_text(wrapped), _to_text(data)])


def _to_text(blob: bytes) -> str:
    return base64.urlsafe_b64encode(blob).rstrip(b"=").decode()


def _from_text(text: str) -> bytes:
    try:
        blob = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise SealError("not a sealed text") from None
    # One secret has one text: spare bits at the end of base64 must be zero.
    if _to_text(blob) != text:
        raise SealError("not a sealed text")
    return blob
