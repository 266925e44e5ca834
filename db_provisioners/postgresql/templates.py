"""Sealed templates: marked databases that nobody can enter, and the one role that owns all their objects."""

import hashlib
import uuid
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from db_provisioners.contract import Handle, Host, TemplateRef
from db_provisioners.errors import InvalidDatabaseError, ProvisionerDeniedError
from db_provisioners.postgresql.markers import Marked, Proof, proof
from db_provisioners.postgresql.ownership import Note, judge
from db_provisioners.postgresql.roles import create_role, join
from db_provisioners.postgresql.server import Connection
from db_provisioners.postgresql.sightings import find_role, look

_NOT_OURS = "The role {} exists without proof that this installation made it."


@dataclass(frozen=True, kw_only=True)
class TemplateNote:
    """The handle of a template."""

    template_id: UUID
    database: str
    size_bytes: int
    oids: Note

    @classmethod
    def of(cls, handle: Handle) -> Self:
        try:
            return cls(
                template_id=UUID(str(handle["templateId"])),
                database=str(handle["database"]),
                size_bytes=int(str(handle["sizeBytes"])),
                oids=Note.of(handle),
            )
        except (KeyError, ValueError):
            raise InvalidDatabaseError("The template was not imported by this provisioner.") from None

    @property
    def handle(self) -> Handle:
        return {
            "templateId": str(self.template_id),
            "database": self.database,
            "sizeBytes": self.size_bytes,
            **self.oids.handle,
        }


def template_database(template_id: UUID) -> str:
    """From the id alone, so that a repeated import finds what an interrupted one left."""
    return f"ta_template_{template_id.hex}"


def objects_owner(host: Host) -> str:
    """The role that owns the objects of every template of this installation, and of their clones."""
    return f"ta_templates_{hashlib.sha256(host.installation.encode()).hexdigest()[:12]}"


async def ensure_objects_owner(administrator: Connection, host: Host) -> str:
    """Make that role, or make sure that it is ours and that we may act for it: grants in clones need both."""
    name = objects_owner(host)
    target = uuid.uuid5(uuid.NAMESPACE_OID, f"templates of {host.installation}")
    role = await find_role(administrator, name)
    if role is None:
        await create_role(administrator, host, target, name, member=True)
        return name
    if proof(host, Marked.ROLE, target, role.oid, role.comment) is not Proof.OWN:
        raise ProvisionerDeniedError(_NOT_OURS.format(name))
    if not role.member:
        await join(administrator, name)
    return name


async def sealed(administrator: Connection, host: Host, template: TemplateRef) -> TemplateNote:
    """The template, proved to be ours and closed; InvalidDatabaseError otherwise."""
    note = TemplateNote.of(template.handle)
    seen = await look(administrator, note.database)
    if seen.database is None:
        raise InvalidDatabaseError(f"The template {template.name} is gone from the server.")
    if not judge(host, note.template_id, seen, note.oids).marked:
        raise InvalidDatabaseError(f"The template {template.name} lost its proof of origin.")
    if seen.database.allows_connections or not seen.database.is_template:
        raise InvalidDatabaseError(f"The template {template.name} is not sealed.")
    return note
