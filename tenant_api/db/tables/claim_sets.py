"""Claim sets, the hierarchy of resource claims, and what sets grant on it.

Rows that are `shared` are the layer of claims that serves every tenant without one of its own. They have the
default tenant's id, and are not that tenant's own.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    false,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenant_api.db.base import TIMESTAMP, Row, Stamped
from tenant_api.kernel import lengths

RESOURCE_CLAIM_NAME = 255


class ClaimSet(Stamped, table=True):
    """A named set of permissions. `revision` grows with every change of the set or of its permissions.

    `shared` are the system-reserved ones that a load of the shared document brought. What somebody reserves by hand
    stays its tenant's own.
    """

    __tablename__ = "claim_sets"
    # The name is of old: services of the version before name it while they are replaced.
    __table_args__ = (
        UniqueConstraint("tenant_id", "claim_set_name", "shared", name="uq_claim_sets_tenant_id_claim_set_name"),
    )

    id: int | None = Field(default=None, sa_type=Integer, primary_key=True, sa_column_args=[Identity()])
    tenant_id: int = Field(sa_type=BigInteger, sa_column_args=[ForeignKey("tenants.id", ondelete="CASCADE")])
    claim_set_name: str = Field(max_length=lengths.CLAIM_SET_NAME)
    is_system_reserved: bool = Field(default=False)
    shared: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    revision: int = Field(default=1, sa_type=BigInteger, sa_column_kwargs={"server_default": "1"})


class ResourceClaim(Row, table=True):
    """The id of a claim name. It outlives every hierarchy that names the claim."""

    __tablename__ = "resource_claims"
    __table_args__ = (UniqueConstraint("claim_name"),)

    id: int | None = Field(default=None, sa_type=Integer, primary_key=True, sa_column_args=[Identity()])
    claim_name: str = Field(max_length=RESOURCE_CLAIM_NAME)


class ClaimNode(Row, table=True):
    """A resource claim's place in a layer's hierarchy, and its default strategies: `[[action, [strategy]]]`."""

    __tablename__ = "claim_nodes"

    tenant_id: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_args=[ForeignKey("tenants.id", ondelete="CASCADE")]
    )
    shared: bool = Field(default=False, primary_key=True, sa_column_kwargs={"server_default": false()})
    resource_claim_id: int = Field(
        primary_key=True, index=True, sa_column_args=[ForeignKey("resource_claims.id", ondelete="CASCADE")]
    )
    parent_id: int | None = Field(
        default=None, index=True, sa_column_args=[ForeignKey("resource_claims.id", ondelete="CASCADE")]
    )
    position: int
    default_authorization: list[Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))


class ClaimSetPermission(Row, table=True):
    """One action that a set grants on a claim and what lies below; without overrides the defaults apply."""

    __tablename__ = "claim_set_permissions"
    __table_args__ = (CheckConstraint("action_id BETWEEN 1 AND 5", name="action_id"),)

    claim_set_id: int = Field(primary_key=True, sa_column_args=[ForeignKey("claim_sets.id", ondelete="CASCADE")])
    resource_claim_id: int = Field(
        primary_key=True, index=True, sa_column_args=[ForeignKey("resource_claims.id", ondelete="CASCADE")]
    )
    action_id: int = Field(primary_key=True, sa_type=SmallInteger)
    position: int = Field(default=0, sa_type=SmallInteger)
    overrides: list[str] = Field(default_factory=list, sa_type=ARRAY(Text), sa_column_kwargs={"server_default": "{}"})


class ClaimsDocument(Row, table=True):
    """The document from which a layer was loaded last, and the names of all strategies in it."""

    __tablename__ = "claims_documents"

    tenant_id: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_args=[ForeignKey("tenants.id", ondelete="CASCADE")]
    )
    shared: bool = Field(default=False, primary_key=True, sa_column_kwargs={"server_default": false()})
    reload_id: UUID
    document: dict[str, Any] = Field(sa_type=JSON)
    loaded_at: datetime | None = Field(
        default=None, sa_type=TIMESTAMP, sa_column_kwargs={"server_default": func.now(), "nullable": False}
    )
    strategies: list[str] = Field(default_factory=list, sa_type=ARRAY(Text), sa_column_kwargs={"server_default": "{}"})


class AuthorizationStrategy(Row, table=True):
    """How a data plane decides about one record. A tenant knows the standard ones and those of its documents."""

    __tablename__ = "authorization_strategies"
    __table_args__ = (UniqueConstraint("name"),)

    id: int | None = Field(default=None, sa_type=Integer, primary_key=True, sa_column_args=[Identity()])
    name: str
    display_name: str
