"""What an identity provider outside our database may still have to be told."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenant_api.db.base import TIMESTAMP, Row


class IdentityIntent(Row, table=True):
    """A client that may differ at the provider from what our rows say; what to do about it, the rows tell.

    `version` changes with every further change and every attempt. Whoever works on the client holds it until
    `held_until`. A call without an answer may have its effect until `doubtful_until`: the client is looked at once more
    then. An intent outlives its tenant: it then belongs to the default one.
    """

    __tablename__ = "identity_intents"
    __table_args__ = (Index("ix_identity_intents_due", "tenant_id", "run_after"),)

    client_id: str = Field(max_length=36, primary_key=True)
    tenant_id: int = Field(
        default=0,
        sa_type=BigInteger,
        sa_column_args=[ForeignKey("tenants.id", ondelete="SET DEFAULT")],
        sa_column_kwargs={"server_default": "0"},
    )
    version: int = Field(default=1, sa_type=BigInteger, sa_column_kwargs={"server_default": "1"})
    held_until: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    doubtful_until: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    run_after: datetime | None = Field(
        default=None, sa_type=TIMESTAMP, sa_column_kwargs={"server_default": func.now(), "nullable": False}
    )
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    error: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    since: datetime | None = Field(
        default=None, sa_type=TIMESTAMP, sa_column_kwargs={"server_default": func.now(), "nullable": False}
    )


class IdentityReconciliation(Row, table=True):
    """One comparison of a tenant's clients with the provider's, and how far it has come; it goes with its job.

    `after` is the last client that was compared. `drifted` counts clients that can be repaired, once each, the other
    counts are of one kind of drift. `repair` says what became of these, once the comparison has ended.
    """

    __tablename__ = "identity_reconciliations"
    __table_args__ = (
        CheckConstraint("repair IN ('NotAsked', 'NotNeeded', 'TooMuch', 'Started', 'Done')", name="repair"),
    )

    operation_id: UUID = Field(primary_key=True, sa_column_args=[ForeignKey("operations.id", ondelete="CASCADE")])
    dry_run: bool
    repair_limit: int
    after: str = Field(default="", max_length=36, sa_column_kwargs={"server_default": ""})
    compared: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    under_way: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    drifted: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    missing: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    foreign_clients: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    claims_differ: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    enabled_differs: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    details_differ: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    compared_at: datetime | None = Field(default=None, sa_type=TIMESTAMP)
    repair: str | None = Field(default=None, max_length=10)
    repaired_after: str = Field(default="", max_length=36, sa_column_kwargs={"server_default": ""})
    repair_job_id: UUID | None = Field(default=None)


class IdentityDrift(Row, table=True):
    """A client that a comparison found to differ, in one way; it has a row for each."""

    __tablename__ = "identity_drift"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('missing', 'foreign', 'claimsDiffer', 'enabledDiffers', 'detailsDiffer')", name="kind"
        ),
    )

    operation_id: UUID = Field(
        primary_key=True, sa_column_args=[ForeignKey("identity_reconciliations.operation_id", ondelete="CASCADE")]
    )
    kind: str = Field(primary_key=True, max_length=14)
    client_id: str = Field(primary_key=True, max_length=36)
