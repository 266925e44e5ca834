"""Data stores: the databases that a data plane may open, whoever made them."""

from sqlalchemy import BigInteger, ForeignKey, Identity, Integer
from sqlmodel import Field

from tenant_api.db.base import Stamped
from tenant_api.kernel import lengths


class DataStore(Stamped, table=True):
    """A name, a type and a sealed connection string."""

    __tablename__ = "data_stores"

    id: int | None = Field(default=None, sa_type=Integer, primary_key=True, sa_column_args=[Identity()])
    tenant_id: int = Field(
        index=True, sa_type=BigInteger, sa_column_args=[ForeignKey("tenants.id", ondelete="CASCADE")]
    )
    data_store_type: str | None = Field(default=None, max_length=lengths.DATA_STORE_TYPE)
    name: str = Field(max_length=lengths.DATA_STORE_NAME)
    connection_string_sealed: str | None = Field(default=None)
