"""Signed comments on roles and databases: the only proof that we made them.

The text names the installation, its epoch, the target and the OID of the thing it stands on, and is signed. A
marker that was copied to something else names the wrong OID; names are not part of it, for names prove nothing.
What kind of thing it stands on is signed too, because OIDs of roles and databases may be equal.
"""

import re
from enum import StrEnum
from uuid import UUID

from db_provisioners.contract import Host

_FORM = re.compile(
    r"(?P<text>tenant-api:v1:(?P<installation>[^:]+):(?P<epoch>\d{1,9}):(?P<target>[0-9a-f-]{36}):(?P<oid>\d{1,10}))"
    r":(?P<signature>[^:]+:[A-Za-z0-9_=-]+)"
)


class Marked(StrEnum):
    """What a marker may stand on."""

    ROLE = "role"
    DATABASE = "database"


class Proof(StrEnum):
    """What a comment says about whose the thing is: ours, somebody else's, or nothing that can be read."""

    OWN = "own"
    OTHER = "other"
    NONE = "none"


def marker(host: Host, kind: Marked, target: UUID, oid: int) -> str:
    text = f"tenant-api:v1:{host.installation}:{host.epoch}:{target}:{oid}"
    return f"{text}:{host.sign(_message(kind, text))}"


def proof(host: Host, kind: Marked, target: UUID, oid: int, comment: str | None) -> Proof:
    """Judge a comment. A newer epoch is not ours: our own records are then the ones from an old backup."""
    read = _FORM.fullmatch(comment or "")
    if read is None:
        return Proof.NONE
    if read["installation"] != host.installation:
        return Proof.OTHER
    if not host.signed(_message(kind, read["text"]), read["signature"]):
        return Proof.NONE
    ours = int(read["epoch"]) <= host.epoch and read["target"] == str(target) and int(read["oid"]) == oid
    return Proof.OWN if ours else Proof.OTHER


def _message(kind: Marked, text: str) -> bytes:
    return f"{kind}:{text}".encode()
