"""Tenants, and the identity of this installation."""

from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, text
from sqlmodel import Field

from tenant_api.db.base import Row, Stamped
from tenant_api.kernel import lengths

DEFAULT_TENANT_ID = 0
DEFAULT_TENANT_NAME = "(default)"


class Installation(Row, table=True):
    """One row: who we are in the markers of everything that we create outside this database."""

    __tablename__ = "installations"

    id: UUID = Field(primary_key=True)
    epoch: int = Field(default=1)


class Tenant(Stamped, table=True):
    """An administrative scope. Row 0, `(default)`, owns everything of single-tenant mode."""

    __tablename__ = "tenants"
    __table_args__ = (Index("uq_tenants_name", text("lower(name)"), unique=True),)

    id: int | None = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity(start=1)])
    name: str = Field(max_length=lengths.TENANT_NAME)
    suspended: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


class TenantClient(Row, table=True):
    """An OAuth client of the service that acts for one tenant alone; for none, once that tenant is gone."""

    __tablename__ = "tenant_clients"
    __table_args__ = (Index("uq_tenant_clients_client_id", text("lower(client_id)"), unique=True),)

    client_id: str = Field(max_length=256, primary_key=True)
    tenant_id: int | None = Field(
        default=None, sa_type=BigInteger, index=True, sa_column_args=[ForeignKey("tenants.id", ondelete="SET NULL")]
    )
