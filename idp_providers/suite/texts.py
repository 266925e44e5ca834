"""Tokens as text, taken apart and forged, and everything that an error shows."""

import base64
import json
import traceback
from typing import Any


def payload_of(token: str) -> dict[str, Any]:
    """What a token says, unverified."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def encoded(part: dict[str, Any]) -> str:
    """A header or payload as a segment of a token."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def forged_signature(token: str) -> str:
    """The same token with one bit of its signature changed."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{'B' if signature.startswith('A') else 'A'}{signature[1:]}"


def chain_of(error: BaseException) -> list[str]:
    """All texts of an error, of its causes and of its contexts, and its traceback."""
    texts = ["".join(traceback.format_exception(error))]
    link: BaseException | None = error
    while link is not None:
        texts += [str(link), repr(link), repr(link.args), repr(vars(link))]
        link = link.__cause__ or link.__context__
    return texts
