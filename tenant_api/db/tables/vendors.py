"""Vendors."""

from sqlalchemy import ARRAY, BigInteger, ForeignKey, Identity, Index, Integer, String, UniqueConstraint
from sqlmodel import Field

from tenant_api.db.base import Stamped
from tenant_api.kernel import lengths


class Vendor(Stamped, table=True):
    """A company that connects to a tenant's data, with the namespaces it may write."""

    __tablename__ = "vendors"
    __table_args__ = (
        UniqueConstraint("tenant_id", "company", "twin"),
        Index("ix_vendors_namespace_prefixes", "namespace_prefixes", postgresql_using="gin"),
        Index(None, "tenant_id", "id"),
        Index(None, "tenant_id", "contact_name", "id"),
        Index(None, "tenant_id", "contact_email_address", "id"),
    )

    id: int | None = Field(default=None, sa_type=Integer, primary_key=True, sa_column_args=[Identity()])
    tenant_id: int = Field(sa_type=BigInteger, sa_column_args=[ForeignKey("tenants.id", ondelete="CASCADE")])
    company: str = Field(max_length=lengths.COMPANY)
    twin: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    contact_name: str | None = Field(default=None, max_length=lengths.CONTACT_NAME)
    contact_email_address: str | None = Field(default=None, max_length=lengths.EMAIL)
    namespace_prefixes: list[str] = Field(
        default_factory=list,
        sa_type=ARRAY(String(lengths.NAMESPACE_PREFIX)),
        sa_column_kwargs={"server_default": "{}"},
    )
