"""Profiles, contexts and derivatives of data stores, suspended tenants.

Revision: 0004, after 0003
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _stamps() -> list[sa.Column[Any]]:
    return [
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.String(length=256), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("modified_by", sa.String(length=256), nullable=True),
    ]


def upgrade() -> None:
    op.add_column("tenants", sa.Column("suspended", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "data_store_contexts",
        *_stamps(),
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("data_store_id", sa.Integer(), nullable=False),
        sa.Column("context_key", sa.String(length=256), nullable=False),
        sa.Column("context_value", sa.String(length=256), nullable=False),
        sa.ForeignKeyConstraint(
            ["data_store_id"], ["data_stores.id"], name="fk_data_store_contexts_data_store_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_data_store_contexts"),
        sa.UniqueConstraint("data_store_id", "context_key", name="uq_data_store_contexts_data_store_id_context_key"),
    )
    op.create_table(
        "data_store_derivatives",
        *_stamps(),
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("data_store_id", sa.Integer(), nullable=False),
        sa.Column("derivative_type", sa.String(length=50), nullable=False),
        sa.Column("connection_string_sealed", sa.String(), nullable=True),
        sa.CheckConstraint(
            "derivative_type IN ('ReadReplica', 'Snapshot')", name=op.f("ck_data_store_derivatives_derivative_type")
        ),
        sa.ForeignKeyConstraint(
            ["data_store_id"], ["data_stores.id"], name="fk_data_store_derivatives_data_store_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_data_store_derivatives"),
        sa.UniqueConstraint(
            "data_store_id", "derivative_type", name="uq_data_store_derivatives_data_store_id_derivative_type"
        ),
    )
    op.create_table(
        "profiles",
        *_stamps(),
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("definition", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_profiles_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_profiles"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_profiles_tenant_id_name"),
    )
    op.create_table(
        "application_profiles",
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("profile_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.id"], name="fk_application_profiles_application_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["profile_id"], ["profiles.id"], name="fk_application_profiles_profile_id"),
        sa.PrimaryKeyConstraint("application_id", "profile_id", name="pk_application_profiles"),
    )
    op.create_index("ix_application_profiles_profile_id", "application_profiles", ["profile_id"], unique=False)
    op.create_index("ix_applications_application_name_id", "applications", ["application_name", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_applications_application_name_id", table_name="applications")
    op.drop_index("ix_application_profiles_profile_id", table_name="application_profiles")
    op.drop_table("application_profiles")
    op.drop_table("profiles")
    op.drop_table("data_store_derivatives")
    op.drop_table("data_store_contexts")
    op.drop_column("tenants", "suspended")
