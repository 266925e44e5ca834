"""Vendors on the wire."""

from typing import Annotated, Self

from tenant_api.db.tables import Vendor
from tenant_api.kernel import lengths
from tenant_api.web.rules import EachEntry, Email, MaxLength, NotEmpty
from tenant_api.web.wire import Int32, ReadModel, Text, WriteModel, like

Prefixes = Annotated[
    Text | None,
    NotEmpty(),
    EachEntry(MaxLength(lengths.NAMESPACE_PREFIX, "Each NamespacePrefix length must be 128 characters or fewer.")),
]

VENDOR = {
    "company": "Edwin SIS",
    "contactName": "Maria Alvarez",
    "contactEmailAddress": "maria.alvarez@edwin-sis.example",
    "namespacePrefixes": "uri://ed-fi.org,uri://gbisd.edu",
}


class VendorCreate(WriteModel):
    """Body of POST."""

    model_config = like(VENDOR)

    company: Annotated[Text | None, NotEmpty(), MaxLength(lengths.COMPANY)] = ""
    contact_name: Annotated[Text | None, NotEmpty(), MaxLength(lengths.CONTACT_NAME)] = ""
    contact_email_address: Annotated[Text | None, NotEmpty(), Email(), MaxLength(lengths.EMAIL)] = ""
    namespace_prefixes: Prefixes = ""

    def prefixes(self) -> list[str]:
        """The distinct prefixes in the order given."""
        entries = [entry.strip() for entry in (self.namespace_prefixes or "").split(",")]
        return list(dict.fromkeys(entry for entry in entries if entry))


class VendorReplace(VendorCreate):
    """Body of PUT."""

    model_config = like({"id": 1, **VENDOR})

    id: Int32 = 0
    contact_name: Annotated[Text | None, MaxLength(lengths.CONTACT_NAME)] = ""
    contact_email_address: Annotated[Text | None, Email(), MaxLength(lengths.EMAIL)] = ""


class VendorRead(ReadModel):
    """A vendor as it is shown."""

    model_config = like({"id": 1, **VENDOR})

    id: int
    company: str
    contact_name: str | None
    contact_email_address: str | None
    namespace_prefixes: str

    @classmethod
    def of(cls, row: Vendor) -> Self:
        """The only projection from row to wire."""
        assert row.id is not None
        return cls(
            id=row.id,
            company=row.company,
            contact_name=row.contact_name,
            contact_email_address=row.contact_email_address,
            namespace_prefixes=",".join(row.namespace_prefixes),
        )
