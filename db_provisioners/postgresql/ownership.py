"""Whose is what stands at a physical name? Decided by signed markers and OIDs, never by names or owners."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import JsonValue

from db_provisioners.contract import Handle, Host
from db_provisioners.errors import ForeignDatabaseError
from db_provisioners.postgresql.markers import Marked, Proof, proof
from db_provisioners.postgresql.sightings import Database, Role, Sighting


@dataclass(frozen=True, kw_only=True)
class Note:
    """The handle of a database: the OIDs that we saw when we made its parts.

    With `owner` and without `database` it says that a create is under way.
    """

    owner: int | None = None
    database: int | None = None
    login: int | None = None

    @classmethod
    def of(cls, handle: Handle) -> Self:
        return cls(owner=_oid(handle, "ownerOid"), database=_oid(handle, "databaseOid"), login=_oid(handle, "loginOid"))

    @property
    def handle(self) -> Handle:
        oids: Mapping[str, JsonValue] = {
            "ownerOid": self.owner,
            "databaseOid": self.database,
            "loginOid": self.login,
        }
        return {name: oid for name, oid in oids.items() if oid is not None}


class Standing(StrEnum):
    ABSENT = "absent"
    OURS = "ours"
    FOREIGN = "foreign"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The standing of each of the three parts. `marked`: the database bears its own marker."""

    database: Standing
    owner: Standing
    login: Standing
    marked: bool

    @property
    def foreign(self) -> bool:
        return Standing.FOREIGN in {self.database, self.owner, self.login}

    @property
    def anything(self) -> bool:
        return {self.database, self.owner, self.login} != {Standing.ABSENT}


def judge(host: Host, target: UUID, seen: Sighting, note: Note) -> Verdict:
    owner = _owner(host, target, seen.owner)
    proved = seen.database and proof(host, Marked.DATABASE, target, seen.database.oid, seen.database.comment)
    marked = proved is Proof.OWN
    vouched = marked or owner is Standing.OURS
    return Verdict(
        database=_database(host, target, seen, note),
        owner=owner,
        login=_login(host, target, seen.login, note.login if vouched else None),
        marked=marked,
    )


def claim(host: Host, target: UUID, seen: Sighting, note: Note) -> Note:
    """What a create may go by when its handle was lost: the signed owner role says that one was under way."""
    if note.owner is None and seen.owner and _owner(host, target, seen.owner) is Standing.OURS:
        return Note(owner=seen.owner.oid)
    return note


def refuse_foreign(name: str, verdict: Verdict) -> None:
    if verdict.database is Standing.FOREIGN:
        raise ForeignDatabaseError(f"A database named {name} exists without proof that this installation made it.")
    if verdict.foreign:
        raise ForeignDatabaseError(f"A role of the name {name} exists without proof that this installation made it.")


def _owner(host: Host, target: UUID, role: Role | None) -> Standing:
    """By its marker alone, for others are proved by it."""
    if role is None:
        return Standing.ABSENT
    proved = proof(host, Marked.ROLE, target, role.oid, role.comment)
    return Standing.OURS if proved is Proof.OWN else Standing.FOREIGN


def _login(host: Host, target: UUID, role: Role | None, noted: int | None) -> Standing:
    """`noted`: the OID in our row, where the marker of the owner role or of the database vouches for the row."""
    if role is None:
        return Standing.ABSENT
    proved = proof(host, Marked.ROLE, target, role.oid, role.comment)
    stripped = proved is Proof.NONE and role.oid == noted
    return Standing.OURS if proved is Proof.OWN or stripped else Standing.FOREIGN


def _database(host: Host, target: UUID, seen: Sighting, note: Note) -> Standing:
    database, owner = seen.database, seen.owner
    if database is None:
        return Standing.ABSENT
    proved = proof(host, Marked.DATABASE, target, database.oid, database.comment)
    if proved is Proof.OWN:
        return Standing.OURS
    if proved is Proof.OTHER or owner is None or database.owner != owner.oid:
        return Standing.FOREIGN
    if _owner(host, target, owner) is not Standing.OURS:
        return Standing.FOREIGN
    known = database.oid == note.database or _is_in_the_middle_of_creation(database, note)
    return Standing.OURS if known else Standing.FOREIGN


def _is_in_the_middle_of_creation(database: Database, note: Note) -> bool:
    """Our create has made it and died before the marker: then nobody could enter it yet."""
    used = database.allows_connections or database.is_template
    return note.database is None and note.owner == database.owner and not used


def _oid(handle: Handle, name: str) -> int | None:
    value = handle.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
