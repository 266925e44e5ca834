"""Layers of claims: what all tenants share stands apart from what the default tenant has of its own.

Revision: 0011, after 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEYS = {"claims_documents": ["tenant_id", "shared"], "claim_nodes": ["tenant_id", "shared", "resource_claim_id"]}
NAMES = "uq_claim_sets_tenant_id_claim_set_name"

NAME_STRATEGIES = """
UPDATE claims_documents SET strategies = ARRAY(
    SELECT name #>> '{}' FROM jsonb_path_query(document::jsonb, '$.**.authorizationStrategies[*].name') AS name
    UNION
    SELECT name #>> '{}' FROM jsonb_path_query(document::jsonb, '$.**.authorizationStrategyOverrides[*].name') AS name
)
"""

# Who has a layer of its own no longer sees those that all share: it gets its own of them, with what its document
# grants to each.
COMPLETE_LAYERS = """
WITH added AS (
    INSERT INTO claim_sets (tenant_id, claim_set_name, is_system_reserved, shared, created_by)
    SELECT d.tenant_id, c.claim_set_name, true, false, c.created_by
    FROM claims_documents d CROSS JOIN claim_sets c
    WHERE NOT d.shared AND c.shared AND NOT EXISTS (
        SELECT FROM claim_sets own WHERE own.tenant_id = d.tenant_id AND own.claim_set_name = c.claim_set_name
    )
    ORDER BY d.tenant_id, c.id
    RETURNING id, tenant_id, claim_set_name
)
INSERT INTO claim_set_permissions (claim_set_id, resource_claim_id, action_id, position, overrides)
SELECT DISTINCT ON (added.id, r.id, known.id) added.id, r.id, known.id, action.place - 1, ARRAY(
    SELECT strategy ->> 'name'
    FROM jsonb_path_query(action.value, '$.authorizationStrategyOverrides[*]') WITH ORDINALITY AS o (strategy, place)
    GROUP BY 1 ORDER BY min(o.place)
)
FROM added
JOIN claims_documents d ON d.tenant_id = added.tenant_id AND NOT d.shared
CROSS JOIN LATERAL jsonb_path_query(d.document::jsonb, 'strict $.claimsHierarchy.** ? (exists(@.claimSets))') AS node
JOIN resource_claims r ON r.claim_name = node ->> 'name'
CROSS JOIN LATERAL (
    SELECT value FROM jsonb_array_elements(node -> 'claimSets') WITH ORDINALITY AS g (value, place)
    WHERE value ->> 'name' = added.claim_set_name ORDER BY place LIMIT 1
) granted
CROSS JOIN LATERAL jsonb_array_elements(granted.value -> 'actions') WITH ORDINALITY AS action (value, place)
JOIN unnest(ARRAY['create', 'read', 'update', 'delete', 'readchanges']) WITH ORDINALITY AS known (name, id)
    ON known.name = lower(action.value ->> 'name')
ORDER BY added.id, r.id, known.id, action.place
"""

DROP_THE_DEFAULT_TENANTS_LAYER = """
DELETE FROM claim_nodes WHERE tenant_id = 0 AND NOT shared;
DELETE FROM claims_documents WHERE tenant_id = 0 AND NOT shared;
DELETE FROM claim_sets own USING claim_sets c
WHERE own.tenant_id = 0 AND NOT own.shared AND c.shared AND c.claim_set_name = own.claim_set_name
"""


def upgrade() -> None:
    op.add_column("claims_documents", sa.Column("strategies", sa.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.execute(NAME_STRATEGIES)
    for table, key in KEYS.items():
        op.add_column(table, sa.Column("shared", sa.Boolean(), server_default=sa.text("false"), nullable=False))
        rows = sa.table(table, sa.column("tenant_id"), sa.column("shared"))
        op.execute(sa.update(rows).where(rows.c.tenant_id == 0).values(shared=True))
        op.drop_constraint(f"pk_{table}", table)
        op.create_primary_key(f"pk_{table}", table, key)
    op.drop_constraint(NAMES, "claim_sets")
    op.create_unique_constraint(NAMES, "claim_sets", ["tenant_id", "claim_set_name", "shared"])
    op.execute(COMPLETE_LAYERS)


def downgrade() -> None:
    op.execute(DROP_THE_DEFAULT_TENANTS_LAYER)
    op.drop_constraint(NAMES, "claim_sets")
    op.create_unique_constraint(NAMES, "claim_sets", ["tenant_id", "claim_set_name"])
    for table, key in KEYS.items():
        op.drop_constraint(f"pk_{table}", table)
        op.create_primary_key(f"pk_{table}", table, [column for column in key if column != "shared"])
        op.drop_column(table, "shared")
    op.drop_column("claims_documents", "strategies")
