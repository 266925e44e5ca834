"""Applications and their API clients, whose key and secret are the credential."""

from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, ForeignKey, Identity, Index, Integer, UniqueConstraint
from sqlmodel import Field

from tenant_api.db.base import Row, Stamped
from tenant_api.kernel import lengths


class Application(Stamped, table=True):
    """What a vendor may do with some of a tenant's data: a claim set and education organizations."""

    __tablename__ = "applications"
    __table_args__ = (
        UniqueConstraint("vendor_id", "application_name", "twin"),
        Index("ix_applications_application_name_id", "application_name", "id"),
        Index(None, "vendor_id", "id"),
        Index(None, "claim_set_name", "id"),
    )

    id: int | None = Field(default=None, sa_type=Integer, primary_key=True, sa_column_args=[Identity()])
    vendor_id: int = Field(sa_column_args=[ForeignKey("vendors.id", ondelete="CASCADE")])
    application_name: str = Field(max_length=lengths.APPLICATION_NAME)
    twin: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    claim_set_name: str = Field(max_length=lengths.CLAIM_SET_NAME)
    education_organization_ids: list[int] = Field(
        default_factory=list,
        sa_type=ARRAY(BigInteger),
        sa_column_kwargs={"server_default": "{}"},
    )


class ApiClient(Stamped, table=True):
    """One credential of an application, known at the identity provider as `client_id`."""

    __tablename__ = "api_clients"
    __table_args__ = (UniqueConstraint("client_id"), Index(None, "application_id", "id"), Index(None, "name", "id"))

    id: int | None = Field(default=None, sa_type=Integer, primary_key=True, sa_column_args=[Identity()])
    application_id: int = Field(sa_column_args=[ForeignKey("applications.id", ondelete="CASCADE")])
    name: str = Field(max_length=lengths.API_CLIENT_NAME)
    is_approved: bool = Field(default=False)
    client_id: str = Field(max_length=36)
    client_uuid: UUID


class ApiClientDataStore(Row, table=True):
    """Which data stores a credential may reach."""

    __tablename__ = "api_client_data_stores"

    api_client_id: int = Field(primary_key=True, sa_column_args=[ForeignKey("api_clients.id", ondelete="CASCADE")])
    data_store_id: int = Field(
        primary_key=True, index=True, sa_column_args=[ForeignKey("data_stores.id", ondelete="CASCADE")]
    )
