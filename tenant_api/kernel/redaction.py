"""Keeping secrets out of text: by the name of a member, and by the shape of what stands in a sentence.

The second is a net, not a licence: it errs on the side of hiding too much, and still cannot know every secret.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

HIDDEN = "[redacted]"
_HARMLESS = (bool, int, float, type(None))

_NAMES = re.compile(
    r"password|passwd|pwd|passphrase|secret|token|authorization|credential|cookie|api_?key|private_?key|dsn"
    r"|connection_?strings?|sealing|pepper|verifier",
    re.IGNORECASE,
)
_QUOTED = r""""(?:[^"\\]|\\.|"")*"|'(?:[^'\\]|\\.|'')*'"""
_SHAPES = (
    # A private key in PEM.
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    # The password of a URL. Up to the last @, for a password may hold one itself.
    (re.compile(r"(://[^:/?#\s@]{0,200}):\S{0,2000}@"), rf"\1:{HIDDEN}@"),
    # Authorization: Basic …
    (re.compile(r"(?i)(authorization[\"']?\s{0,9}[=:]\s{0,9}[\"']?)(?:\w{1,20}\s{1,9})?\S+"), rf"\1{HIDDEN}"),
    # password=…, "clientSecret": "…", PASSWORD '…'
    (
        re.compile(
            r"(?i)((?:password|passwd|pwd|passphrase|secret|token|api_?key|dsn|connection_?string)\w{0,20}[\"']?"
            rf"(?:\s{{0,9}}[=:]\s{{0,9}}|\s{{1,9}}(?=['\"])))(?:{_QUOTED}|(?!\[redacted\])\S+)"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer\s{1,9})[\w.~+/=-]{16,}"), rf"\1{HIDDEN}"),
    # A JSON Web Token, a SCRAM verifier.
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), HIDDEN),
    (re.compile(r"(SCRAM-SHA-256)\$\S+"), rf"\1${HIDDEN}"),
)

_SIGNS = re.compile(
    r"://|password|passwd|pwd|passphrase|secret|token|api_?key|dsn|connection_?string"
    r"|authorization|bearer|private key|eyJ|scram-sha-256",
    re.IGNORECASE,
)
"""What every one of the shapes contains. Nearly all texts are free of it, and need no second look."""

_MARKS = re.compile(r"[=:$\s]")
"""One of them stands in every shape but that of a JSON Web Token: ids, names and most paths need no look at all."""


def redact(value: Any, name: str = "") -> Any:
    """A copy of `value` without secrets, for logs: members with a telling name are hidden, texts are scrubbed."""
    if isinstance(value, _HARMLESS):
        return value
    if name and _is_telling(name):
        return HIDDEN
    if isinstance(value, str):
        return scrub(str(value))
    if isinstance(value, Mapping):
        return {key: redact(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]
    return scrub(str(value))


@lru_cache(maxsize=1024)
def _is_telling(name: str) -> bool:
    return _NAMES.search(name) is not None


def scrub(text: str) -> str:
    """The text without passwords, tokens and credentials as far as their surroundings give them away."""
    if (_MARKS.search(text) is None and "eyJ" not in text) or _SIGNS.search(text) is None:
        return text
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text
