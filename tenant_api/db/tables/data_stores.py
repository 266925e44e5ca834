"""Data stores: the databases that a data plane may open, whoever made them."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, UniqueConstraint
from sqlmodel import Field

from tenant_api.db.base import Stamped
from tenant_api.kernel import lengths


class DataStore(Stamped, table=True):
    """A name, a type and a sealed connection string."""

    __tablename__ = "data_stores"
    __table_args__ = (
        Index(None, "tenant_id", "id"),
        Index(None, "tenant_id", "name", "id"),
        Index(None, "tenant_id", "data_store_type", "id"),
    )

    id: int | None = Field(default=None, sa_type=Integer, primary_key=True, sa_column_args=[Identity()])
    tenant_id: int = Field(sa_type=BigInteger, sa_column_args=[ForeignKey("tenants.id", ondelete="CASCADE")])
    data_store_type: str | None = Field(default=None, max_length=lengths.DATA_STORE_TYPE)
    name: str = Field(max_length=lengths.DATA_STORE_NAME)
    connection_string_sealed: str | None = Field(default=None)


class DataStoreContext(Stamped, table=True):
    """One segment of the routes that lead to a data store: `schoolYear` is `2026`."""

    __tablename__ = "data_store_contexts"
    __table_args__ = (
        UniqueConstraint("data_store_id", "context_key"),
        Index(None, "context_key", "id"),
        Index(None, "context_value", "id"),
    )

    id: int | None = Field(default=None, sa_type=Integer, primary_key=True, sa_column_args=[Identity()])
    data_store_id: int = Field(sa_column_args=[ForeignKey("data_stores.id", ondelete="CASCADE")])
    context_key: str = Field(max_length=lengths.CONTEXT)
    context_value: str = Field(max_length=lengths.CONTEXT)


class DataStoreDerivative(Stamped, table=True):
    """A copy of a data store that data planes may read instead; at most one of each type."""

    __tablename__ = "data_store_derivatives"
    __table_args__ = (
        UniqueConstraint("data_store_id", "derivative_type"),
        Index(None, "derivative_type", "id"),
        CheckConstraint("derivative_type IN ('ReadReplica', 'Snapshot')", name="derivative_type"),
    )

    id: int | None = Field(default=None, sa_type=Integer, primary_key=True, sa_column_args=[Identity()])
    data_store_id: int = Field(sa_column_args=[ForeignKey("data_stores.id", ondelete="CASCADE")])
    derivative_type: str = Field(max_length=lengths.DERIVATIVE_TYPE)
    connection_string_sealed: str | None = Field(default=None)
