"""An index for every order of every list, so that a page costs the same wherever it begins.

Revision: 0006, after 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NEW = {
    "vendors": (("tenant_id", "id"), ("tenant_id", "contact_name", "id"), ("tenant_id", "contact_email_address", "id")),
    "applications": (("vendor_id", "id"), ("claim_set_name", "id")),
    "api_clients": (("application_id", "id"), ("name", "id")),
    "data_stores": (("tenant_id", "id"), ("tenant_id", "name", "id"), ("tenant_id", "data_store_type", "id")),
    "data_store_contexts": (("context_key", "id"), ("context_value", "id")),
    "data_store_derivatives": (("derivative_type", "id"),),
    "profiles": (("tenant_id", "id"),),
    "managed_data_stores": (("tenant_id", "id"), ("tenant_id", "name", "id")),
    "operations": (("tenant_id", "kind", "number"), ("tenant_id", "target", "number")),
}
COVERED = {"applications": "claim_set_name", "api_clients": "application_id", "data_stores": "tenant_id"}
"""Indexes of one column that a new one begins with."""


def upgrade() -> None:
    for table, indexes in NEW.items():
        for columns in indexes:
            op.create_index(_name(table, *columns), table, [*columns], unique=False)
    for table, column in COVERED.items():
        op.drop_index(_name(table, column), table_name=table)


def downgrade() -> None:
    for table, column in COVERED.items():
        op.create_index(_name(table, column), table, [column], unique=False)
    for table, indexes in NEW.items():
        for columns in indexes:
            op.drop_index(_name(table, *columns), table_name=table)


def _name(table: str, *columns: str) -> str:
    return f"ix_{table}_{'_'.join(columns)}"
