"""Claim sets, the hierarchy of resource claims, permissions and authorization strategies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STRATEGIES = [
    ("NoFurtherAuthorizationRequired", "No Further Authorization Required"),
    ("RelationshipsWithEdOrgsAndPeople", "Relationships with Education Organizations and People"),
    ("RelationshipsWithEdOrgsOnly", "Relationships with Education Organizations only"),
    ("NamespaceBased", "Namespace Based"),
    ("RelationshipsWithPeopleOnly", "Relationships with People only"),
    ("RelationshipsWithStudentsOnly", "Relationships with Students only"),
    (
        "RelationshipsWithStudentsOnlyThroughResponsibility",
        "Relationships with Students only (through StudentEducationOrganizationResponsibilityAssociation)",
    ),
    ("OwnershipBased", "Ownership Based"),
    (
        "RelationshipsWithEdOrgsAndPeopleIncludingDeletes",
        "Relationships with Education Organizations and People (including deletes)",
    ),
    ("RelationshipsWithStudentsOnlyIncludingDeletes", "Relationships With Students Only Including Deletes"),
    ("RelationshipsWithEdOrgsOnlyInverted", "Relationships with Education Organizations only (Inverted)"),
    (
        "RelationshipsWithEdOrgsAndPeopleInverted",
        "Relationships with Education Organizations and People (Inverted)",
    ),
    (
        "RelationshipsWithStudentsOnlyThroughResponsibilityIncludingDeletes",
        "Relationships with Students only (through StudentEducationOrganizationResponsibilityAssociation, including deletes)",
    ),
]


def upgrade() -> None:
    strategies = op.create_table(
        "authorization_strategies",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_authorization_strategies"),
        sa.UniqueConstraint("name", name="uq_authorization_strategies_name"),
    )
    op.bulk_insert(strategies, [{"name": name, "display_name": shown} for name, shown in STRATEGIES])
    op.create_table(
        "claim_sets",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.String(length=256), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("modified_by", sa.String(length=256), nullable=True),
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("claim_set_name", sa.String(length=256), nullable=False),
        sa.Column("is_system_reserved", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_claim_sets_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_claim_sets"),
        sa.UniqueConstraint("tenant_id", "claim_set_name", name="uq_claim_sets_tenant_id_claim_set_name"),
    )
    op.create_table(
        "resource_claims",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("claim_name", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_resource_claims"),
        sa.UniqueConstraint("claim_name", name="uq_resource_claims_claim_name"),
    )
    op.create_table(
        "claims_documents",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("reload_id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name="fk_claims_documents_tenant_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_claims_documents"),
    )
    op.create_table(
        "claim_nodes",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("resource_claim_id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("default_authorization", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_claim_nodes_tenant_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["resource_claim_id"],
            ["resource_claims.id"],
            name="fk_claim_nodes_resource_claim_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["resource_claims.id"], name="fk_claim_nodes_parent_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "resource_claim_id", name="pk_claim_nodes"),
    )
    op.create_index("ix_claim_nodes_resource_claim_id", "claim_nodes", ["resource_claim_id"], unique=False)
    op.create_index("ix_claim_nodes_parent_id", "claim_nodes", ["parent_id"], unique=False)
    op.create_table(
        "claim_set_permissions",
        sa.Column("claim_set_id", sa.Integer(), nullable=False),
        sa.Column("resource_claim_id", sa.Integer(), nullable=False),
        sa.Column("action_id", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("overrides", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint("action_id BETWEEN 1 AND 5", name=op.f("ck_claim_set_permissions_action_id")),
        sa.ForeignKeyConstraint(
            ["claim_set_id"], ["claim_sets.id"], name="fk_claim_set_permissions_claim_set_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["resource_claim_id"],
            ["resource_claims.id"],
            name="fk_claim_set_permissions_resource_claim_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("claim_set_id", "resource_claim_id", "action_id", name="pk_claim_set_permissions"),
    )
    op.create_index(
        "ix_claim_set_permissions_resource_claim_id", "claim_set_permissions", ["resource_claim_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("claim_set_permissions")
    op.drop_table("claim_nodes")
    op.drop_table("claims_documents")
    op.drop_table("resource_claims")
    op.drop_table("claim_sets")
    op.drop_table("authorization_strategies")
