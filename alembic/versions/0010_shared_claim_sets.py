"""Claim sets that all tenants share: those that a load brought, not those that somebody reserved.

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Only the document that was loaded last tells what a load brought.
SHARE_WHAT_WAS_LOADED = """
UPDATE claim_sets SET shared = true
WHERE tenant_id = 0 AND is_system_reserved AND claim_set_name IN (
    SELECT listed ->> 'claimSetName'
    FROM claims_documents, json_array_elements(document -> 'claimSets') AS listed
    WHERE tenant_id = 0 AND (listed ->> 'isSystemReserved')::boolean
)
"""


def upgrade() -> None:
    op.add_column("claim_sets", sa.Column("shared", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute(SHARE_WHAT_WAS_LOADED)


def downgrade() -> None:
    op.drop_column("claim_sets", "shared")
