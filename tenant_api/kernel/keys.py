"""The service's own keys: rings that sign and seal, and the key that is shared with data planes."""

import base64
import binascii
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Self

KEY_BYTES = 32
CONNECTION_STRING_KEY_LENGTH = 32

_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_FILE_PREFIX = "TENANT_API_KEYS__"
# The contract's well-known key: a service that uses it shares its connection strings with everybody.
_PUBLIC_KEY = "YourSecureEncryptionKey32Characters"


@dataclass(frozen=True)
class Key:
    """One secret of a ring. Its id is public and travels with everything that was made with it."""

    id: str
    secret: bytes = field(repr=False)

    def digest(self, message: bytes) -> str:
        """HMAC-SHA256 of the message as `{id}:{base64url}`."""
        mac = hmac.digest(self.secret, message, sha256)
        return f"{self.id}:{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


@dataclass(frozen=True)
class KeyRing:
    """Keys, newest first: the newest makes, all of them verify and open."""

    keys: tuple[Key, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `id:base64,id:base64`; ValueError says what is wrong without repeating any of it."""
        keys = tuple(_parse_key(part.strip(), number) for number, part in enumerate(text.split(","), start=1))
        if len({key.id for key in keys}) < len(keys):
            raise ValueError("the ids of a key ring must be distinct")
        return cls(keys)

    @property
    def newest(self) -> Key:
        """The key that makes new signatures and seals."""
        return self.keys[0]

    def find(self, key_id: str) -> Key | None:
        """The key of that id, if it is in the ring."""
        return next((key for key in self.keys if key.id == key_id), None)

    def sign(self, message: bytes) -> str:
        """HMAC-SHA256 under the newest key, as `{key id}:{base64url}`."""
        return self.newest.digest(message)

    def signed(self, message: bytes, signature: str) -> bool:
        """Whether a key of this ring made the signature; constant time."""
        key = self.find(signature.partition(":")[0])
        return key is not None and hmac.compare_digest(key.digest(message).encode(), _encoded(signature))

    def is_newest(self, signature: str) -> bool:
        """Whether the signature names the newest key. It says nothing about its validity."""
        return signature.partition(":")[0] == self.newest.id


@dataclass(frozen=True)
class ServiceKeys:
    """All keys of one installation. They are independent: rotating one leaves the others alone."""

    sealing: KeyRing
    pepper: KeyRing
    marker: KeyRing
    connection_strings: str = field(repr=False)

    @classmethod
    def parse(cls, texts: Mapping[str, str]) -> Self:
        """Read the four texts by name; ValueError names the one that is missing or malformed."""
        check_connection_string_key(_text(texts, "connection_strings"))
        return cls(
            sealing=KeyRing.parse(_text(texts, "sealing")),
            pepper=KeyRing.parse(_text(texts, "pepper")),
            marker=KeyRing.parse(_text(texts, "marker")),
            connection_strings=texts["connection_strings"],
        )


def check_connection_string_key(key: str) -> None:
    """ValueError unless data planes accept the key: 32 ASCII characters or more, and not the well-known ones."""
    used = key[:CONNECTION_STRING_KEY_LENGTH]
    if len(used) < CONNECTION_STRING_KEY_LENGTH or not used.isascii():
        raise ValueError("must begin with at least 32 ASCII characters")
    if used == _PUBLIC_KEY[:CONNECTION_STRING_KEY_LENGTH]:
        raise ValueError("must not be the example of the documentation, which everybody knows")


def generate_keys() -> dict[str, str]:
    """New texts for all four keys, by name."""
    rings = {name: f"k1:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}" for name in ("sealing", "pepper", "marker")}
    # Data planes use the first 32 characters only: 6 bits in each make 192.
    return {**rings, "connection_strings": secrets.token_urlsafe(24)}


def load_or_create_keys(path: Path, given: Mapping[str, str] | None = None) -> ServiceKeys:
    """The keys in the file at `path`, made on the first call; a key in `given` stands instead of the file's.

    The file holds one environment variable per line, so that it can be handed to a service without an embedded
    database. Processes that start at the same time agree on one file. ValueError if the file is damaged: new
    keys would make everything that was sealed unreadable, so none are made.
    """
    if not path.exists():
        _write_once(path, "".join(f"{_FILE_PREFIX}{name.upper()}={text}\n" for name, text in generate_keys().items()))
    try:
        return ServiceKeys.parse({**_read(path), **(given or {})})
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _write_once(path: Path, text: str) -> None:
    """Publish a complete, durable file under `path`, unless another process was faster."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link, unlike a rename, fails if the name is taken.
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in path.read_text().splitlines())
    return {name.removeprefix(_FILE_PREFIX).lower(): value for name, _, value in pairs}


def _text(texts: Mapping[str, str], name: str) -> str:
    if name not in texts:
        raise ValueError(f"the key {name} is missing")
    return texts[name]


def _parse_key(text: str, number: int) -> Key:
    key_id, _, encoded = text.partition(":")
    if not _ID.fullmatch(key_id):
        raise ValueError(f"key {number} must be id:base64, its id of 1 to 32 letters, digits, - and _")
    try:
        padded = encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4)
        secret = base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"key {number} is not base64") from None
    if len(secret) != KEY_BYTES:
        raise ValueError(f"key {number} must have {KEY_BYTES} bytes")
    return Key(key_id, secret)


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
