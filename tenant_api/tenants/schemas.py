"""Tenants on the wire."""

from typing import Annotated, Self

from tenant_api.db.tables import Tenant
from tenant_api.kernel import lengths
from tenant_api.web.rules import Matches, MaxLength, NotEmpty
from tenant_api.web.wire import Int64, ReadModel, Text, WriteModel, like

ALPHABET = "Tenant name must contain only alphanumeric characters, hyphens, and underscores."

TENANT = {"name": "Grand_Bend_ISD"}


class TenantCreate(WriteModel):
    """Body of POST."""

    model_config = like(TENANT)

    name: Annotated[Text | None, NotEmpty(), MaxLength(lengths.TENANT_NAME), Matches(r"[a-zA-Z0-9_-]+", ALPHABET)] = ""


class TenantReplace(TenantCreate):
    """Body of PUT."""

    model_config = like({"id": 2, **TENANT})

    id: Int64 = 0


class TenantCreated(ReadModel):
    """Answer to POST."""

    model_config = like({"id": 2, "status": 201, "title": "New Tenant Grand_Bend_ISD has been created successfully."})

    id: int
    status: int
    title: str

    @classmethod
    def of(cls, row: Tenant) -> Self:
        assert row.id is not None
        return cls(id=row.id, status=201, title=f"New Tenant {row.name} has been created successfully.")


class TenantRead(ReadModel):
    """A tenant as it is shown."""

    model_config = like({"id": 2, **TENANT})

    id: int
    name: str

    @classmethod
    def of(cls, row: Tenant) -> Self:
        assert row.id is not None
        return cls(id=row.id, name=row.name)


class TenantStatusRead(ReadModel):
    """Whether a tenant is served."""

    model_config = like({"id": 2, **TENANT, "suspended": False})

    id: int
    name: str
    suspended: bool

    @classmethod
    def of(cls, row: Tenant) -> Self:
        assert row.id is not None
        return cls(id=row.id, name=row.name, suspended=row.suspended)
