"""Comparisons of the clients at an identity provider with the rows.

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COUNTS = (
    "compared", "under_way", "drifted", "missing", "foreign_clients", "claims_differ", "enabled_differs",
    "details_differ",
)  # fmt: skip
REPAIRS = "repair IN ('NotAsked', 'NotNeeded', 'TooMuch', 'Started', 'Done')"
KINDS = "kind IN ('missing', 'foreign', 'claimsDiffer', 'enabledDiffers', 'detailsDiffer')"


def upgrade() -> None:
    op.create_table(
        "identity_reconciliations",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("repair_limit", sa.Integer(), nullable=False),
        sa.Column("after", sa.String(length=36), server_default="", nullable=False),
        *(sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False) for name in COUNTS),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("repair", sa.String(length=10), nullable=True),
        sa.Column("repaired_after", sa.String(length=36), server_default="", nullable=False),
        sa.Column("repair_job_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(REPAIRS, name=op.f("ck_identity_reconciliations_repair")),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operations.id"], name="fk_identity_reconciliations_operation_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("operation_id", name="pk_identity_reconciliations"),
    )
    op.create_table(
        "identity_drift",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=14), nullable=False),
        sa.Column("client_id", sa.String(length=36), nullable=False),
        sa.CheckConstraint(KINDS, name=op.f("ck_identity_drift_kind")),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["identity_reconciliations.operation_id"],
            name="fk_identity_drift_operation_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("operation_id", "kind", "client_id", name="pk_identity_drift"),
    )


def downgrade() -> None:
    op.drop_table("identity_drift")
    op.drop_table("identity_reconciliations")
