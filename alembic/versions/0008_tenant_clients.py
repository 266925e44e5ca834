"""Clients of the service that act for one tenant alone.

Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tenant_clients",
        sa.Column("client_id", sa.String(length=256), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_tenant_clients_tenant_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("client_id", name="pk_tenant_clients"),
    )
    op.create_index("uq_tenant_clients_client_id", "tenant_clients", [sa.text("lower(client_id)")], unique=True)
    op.create_index("ix_tenant_clients_tenant_id", "tenant_clients", ["tenant_id"])


def downgrade() -> None:
    op.drop_table("tenant_clients")
