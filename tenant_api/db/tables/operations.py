"""Operations: the durable jobs. A row is the work, its queue entry and its history at once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenant_api.db.base import TIMESTAMP, Row

OPEN = "state IN ('queued', 'running', 'waiting')"


class Operation(Row, table=True):
    """One job on one target. `number` orders the queue; `fence` tells a worker's claim from every other claim."""

    __tablename__ = "operations"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')", name="state"),
        CheckConstraint("undo IN ('cancelled', 'failed')", name="undo"),
        UniqueConstraint("id"),
        Index("ix_operations_queue", "target", "number", postgresql_where=text(OPEN)),
        Index("ix_operations_due", "run_after", "number", postgresql_where=text("state IN ('queued', 'waiting')")),
        Index("ix_operations_lease", "lease_until", postgresql_where=text("state = 'running'")),
        Index("uq_operations_running", "target", unique=True, postgresql_where=text("state = 'running'")),
        Index("ix_operations_tenant", "tenant_id", "number"),
        Index(None, "tenant_id", "kind", "number"),
        Index(None, "tenant_id", "target", "number"),
    )

    number: int | None = Field(
        default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity(always=True)]
    )
    id: UUID
    tenant_id: int = Field(sa_type=BigInteger, sa_column_args=[ForeignKey("tenants.id", ondelete="RESTRICT")])
    kind: str
    target: str
    state: str = Field(default="queued", sa_column_kwargs={"server_default": "queued"})
    step: str | None = Field(default=None)
    message: str | None = Field(default=None)
    fraction: float | None = Field(default=None)
    fence: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    lease_owner: str | None = Field(default=None)
    lease_until: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    deadline: datetime = Field(sa_type=TIMESTAMP)
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    max_attempts: int = Field(default=5)
    run_after: datetime | None = Field(
        default=None, sa_type=TIMESTAMP, sa_column_kwargs={"server_default": func.now(), "nullable": False}
    )
    cancel_requested: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    undo: str | None = Field(default=None)
    error: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    created_at: datetime | None = Field(
        default=None, sa_type=TIMESTAMP, sa_column_kwargs={"server_default": func.now(), "nullable": False}
    )
    created_by: str = Field(default="system")
    started_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    finished_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)


class OperationStep(Row, table=True):
    """One attempt at one step. A step with an end is never run again by the same operation."""

    __tablename__ = "operation_steps"

    operation_id: UUID = Field(primary_key=True, sa_column_args=[ForeignKey("operations.id", ondelete="CASCADE")])
    name: str = Field(primary_key=True)
    attempt: int = Field(primary_key=True)
    started_at: datetime | None = Field(
        default=None, sa_type=TIMESTAMP, sa_column_kwargs={"server_default": func.now(), "nullable": False}
    )
    finished_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    result: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
