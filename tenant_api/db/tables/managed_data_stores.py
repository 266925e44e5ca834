"""Managed data stores: databases that we created, own and will remove."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenant_api.db.base import TIMESTAMP, Stamped
from tenant_api.kernel import lengths


class ManagedDataStore(Stamped, table=True):
    """The wanted database, and what its provisioner noted about it. A deleted one stays as a tombstone.

    Its status is not stored: it follows from the operation that works or last worked on it.
    """

    __tablename__ = "managed_data_stores"
    __table_args__ = (
        Index(
            "uq_managed_data_stores_name",
            "tenant_id",
            "name",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        UniqueConstraint("server", "physical_name"),
        UniqueConstraint("target_id"),
        Index(None, "tenant_id", "id"),
        Index(None, "tenant_id", "name", "id"),
    )

    id: int | None = Field(default=None, sa_type=Integer, primary_key=True, sa_column_args=[Identity()])
    target_id: UUID
    tenant_id: int = Field(sa_type=BigInteger, sa_column_args=[ForeignKey("tenants.id", ondelete="RESTRICT")])
    name: str = Field(max_length=lengths.MANAGED_NAME)
    database_template: str = Field(max_length=lengths.TEMPLATE_NAME)
    template_id: UUID = Field(index=True, sa_column_args=[ForeignKey("templates.id", ondelete="RESTRICT")])
    server: str
    physical_name: str = Field(max_length=lengths.IDENTIFIER)
    handle: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": "{}"})
    password_sealed: str | None = Field(default=None)
    data_store_id: int | None = Field(
        default=None, index=True, sa_column_args=[ForeignKey("data_stores.id", ondelete="SET NULL")]
    )
    operation_id: UUID
    server_version: str | None = Field(default=None)
    size_bytes: int | None = Field(default=None, sa_type=BigInteger)
    last_refreshed: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    deleted_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
