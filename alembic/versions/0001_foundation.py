"""Tenants, vendors, applications, data stores and operations.

Revision: 0001, after None
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_installations"),
    )
    op.create_table(
        "templates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("handle", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("ddl", sa.Boolean(), nullable=False),
        sa.Column("tables", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("notes", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('importing', 'current', 'retired')", name=op.f("ck_templates_state")),
        sa.PrimaryKeyConstraint("id", name="pk_templates"),
    )
    op.create_index(
        "uq_templates_current",
        "templates",
        ["server", "name"],
        unique=True,
        postgresql_where=sa.text("state = 'current'"),
    )
    op.create_table(
        "tenants",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.String(length=256), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("modified_by", sa.String(length=256), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenants"),
    )
    op.create_index("uq_tenants_name", "tenants", [sa.literal_column("lower(name)")], unique=True)
    op.create_table(
        "data_stores",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.String(length=256), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("modified_by", sa.String(length=256), nullable=True),
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("data_store_type", sa.String(length=50), nullable=True),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("connection_string_sealed", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_data_stores_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_data_stores"),
    )
    op.create_index("ix_data_stores_tenant_id", "data_stores", ["tenant_id"], unique=False)
    op.create_table(
        "operations",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="queued", nullable=False),
        sa.Column("step", sa.String(), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("fraction", sa.Float(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("run_after", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("undo", sa.String(), nullable=True),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')",
            name=op.f("ck_operations_state"),
        ),
        sa.CheckConstraint("undo IN ('cancelled', 'failed')", name=op.f("ck_operations_undo")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_operations_tenant_id", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("number", name="pk_operations"),
        sa.UniqueConstraint("id", name="uq_operations_id"),
    )
    op.create_index(
        "ix_operations_due",
        "operations",
        ["run_after", "number"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'waiting')"),
    )
    op.create_index(
        "ix_operations_lease",
        "operations",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "ix_operations_queue",
        "operations",
        ["target", "number"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'running', 'waiting')"),
    )
    op.create_index("ix_operations_tenant", "operations", ["tenant_id", "number"], unique=False)
    op.create_index(
        "uq_operations_running", "operations", ["target"], unique=True, postgresql_where=sa.text("state = 'running'")
    )
    op.create_table(
        "vendors",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.String(length=256), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("modified_by", sa.String(length=256), nullable=True),
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("company", sa.String(length=256), nullable=False),
        sa.Column("twin", sa.Integer(), server_default="0", nullable=False),
        sa.Column("contact_name", sa.String(length=128), nullable=True),
        sa.Column("contact_email_address", sa.String(length=320), nullable=True),
        sa.Column("namespace_prefixes", sa.ARRAY(sa.String(length=128)), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_vendors_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_vendors"),
        sa.UniqueConstraint("tenant_id", "company", "twin", name="uq_vendors_tenant_id_company_twin"),
    )
    op.create_index(
        "ix_vendors_namespace_prefixes", "vendors", ["namespace_prefixes"], unique=False, postgresql_using="gin"
    )
    op.create_table(
        "applications",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.String(length=256), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("modified_by", sa.String(length=256), nullable=True),
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("vendor_id", sa.Integer(), nullable=False),
        sa.Column("application_name", sa.String(length=256), nullable=False),
        sa.Column("twin", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claim_set_name", sa.String(length=256), nullable=False),
        sa.Column("education_organization_ids", sa.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="fk_applications_vendor_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_applications"),
        sa.UniqueConstraint(
            "vendor_id", "application_name", "twin", name="uq_applications_vendor_id_application_name_twin"
        ),
    )
    op.create_index("ix_applications_claim_set_name", "applications", ["claim_set_name"], unique=False)
    op.create_table(
        "managed_data_stores",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.String(length=256), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("modified_by", sa.String(length=256), nullable=True),
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("database_template", sa.String(length=50), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("physical_name", sa.String(length=63), nullable=False),
        sa.Column("handle", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("password_sealed", sa.String(), nullable=True),
        sa.Column("data_store_id", sa.Integer(), nullable=True),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("server_version", sa.String(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("last_refreshed", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["data_store_id"], ["data_stores.id"], name="fk_managed_data_stores_data_store_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["template_id"], ["templates.id"], name="fk_managed_data_stores_template_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name="fk_managed_data_stores_tenant_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_managed_data_stores"),
        sa.UniqueConstraint("server", "physical_name", name="uq_managed_data_stores_server_physical_name"),
        sa.UniqueConstraint("target_id", name="uq_managed_data_stores_target_id"),
    )
    op.create_index("ix_managed_data_stores_data_store_id", "managed_data_stores", ["data_store_id"], unique=False)
    op.create_index("ix_managed_data_stores_template_id", "managed_data_stores", ["template_id"], unique=False)
    op.create_index(
        "uq_managed_data_stores_name",
        "managed_data_stores",
        ["tenant_id", "name"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "operation_steps",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operations.id"], name="fk_operation_steps_operation_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("operation_id", "name", "attempt", name="pk_operation_steps"),
    )
    op.create_table(
        "api_clients",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.String(length=256), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("modified_by", sa.String(length=256), nullable=True),
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("is_approved", sa.Boolean(), nullable=False),
        sa.Column("client_id", sa.String(length=36), nullable=False),
        sa.Column("client_uuid", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.id"], name="fk_api_clients_application_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_api_clients"),
        sa.UniqueConstraint("client_id", name="uq_api_clients_client_id"),
    )
    op.create_index("ix_api_clients_application_id", "api_clients", ["application_id"], unique=False)
    op.create_table(
        "api_client_data_stores",
        sa.Column("api_client_id", sa.Integer(), nullable=False),
        sa.Column("data_store_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["api_client_id"], ["api_clients.id"], name="fk_api_client_data_stores_api_client_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["data_store_id"], ["data_stores.id"], name="fk_api_client_data_stores_data_store_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("api_client_id", "data_store_id", name="pk_api_client_data_stores"),
    )
    op.create_index(
        "ix_api_client_data_stores_data_store_id", "api_client_data_stores", ["data_store_id"], unique=False
    )
    op.execute("INSERT INTO installations (id, epoch) VALUES (gen_random_uuid(), 1)")
    op.execute("INSERT INTO tenants (id, name, created_by) OVERRIDING SYSTEM VALUE VALUES (0, '(default)', 'system')")


def downgrade() -> None:
    op.drop_index("ix_api_client_data_stores_data_store_id", table_name="api_client_data_stores")
    op.drop_table("api_client_data_stores")
    op.drop_index("ix_api_clients_application_id", table_name="api_clients")
    op.drop_table("api_clients")
    op.drop_table("operation_steps")
    op.drop_index(
        "uq_managed_data_stores_name", table_name="managed_data_stores", postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.drop_index("ix_managed_data_stores_template_id", table_name="managed_data_stores")
    op.drop_index("ix_managed_data_stores_data_store_id", table_name="managed_data_stores")
    op.drop_table("managed_data_stores")
    op.drop_index("ix_applications_claim_set_name", table_name="applications")
    op.drop_table("applications")
    op.drop_index("ix_vendors_namespace_prefixes", table_name="vendors", postgresql_using="gin")
    op.drop_table("vendors")
    op.drop_index("uq_operations_running", table_name="operations", postgresql_where=sa.text("state = 'running'"))
    op.drop_index("ix_operations_tenant", table_name="operations")
    op.drop_index(
        "ix_operations_queue",
        table_name="operations",
        postgresql_where=sa.text("state IN ('queued', 'running', 'waiting')"),
    )
    op.drop_index("ix_operations_lease", table_name="operations", postgresql_where=sa.text("state = 'running'"))
    op.drop_index(
        "ix_operations_due", table_name="operations", postgresql_where=sa.text("state IN ('queued', 'waiting')")
    )
    op.drop_table("operations")
    op.drop_index("ix_data_stores_tenant_id", table_name="data_stores")
    op.drop_table("data_stores")
    op.drop_index("uq_tenants_name", table_name="tenants")
    op.drop_table("tenants")
    op.drop_index("uq_templates_current", table_name="templates", postgresql_where=sa.text("state = 'current'"))
    op.drop_table("templates")
    op.drop_table("installations")
