"""Profiles, and the applications that they narrow."""

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, UniqueConstraint
from sqlmodel import Field

from tenant_api.db.base import Row, Stamped
from tenant_api.kernel import lengths


class Profile(Stamped, table=True):
    """Which members of which resources an application sees and writes, as the XML that was sent."""

    __tablename__ = "profiles"
    __table_args__ = (UniqueConstraint("tenant_id", "name"), Index(None, "tenant_id", "id"))

    id: int | None = Field(default=None, sa_type=Integer, primary_key=True, sa_column_args=[Identity()])
    tenant_id: int = Field(sa_type=BigInteger, sa_column_args=[ForeignKey("tenants.id", ondelete="CASCADE")])
    name: str = Field(max_length=lengths.PROFILE_NAME)
    definition: str


class ApplicationProfile(Row, table=True):
    """Which profiles an application uses. A profile in use cannot be deleted."""

    __tablename__ = "application_profiles"

    application_id: int = Field(primary_key=True, sa_column_args=[ForeignKey("applications.id", ondelete="CASCADE")])
    profile_id: int = Field(primary_key=True, index=True, sa_column_args=[ForeignKey("profiles.id")])
