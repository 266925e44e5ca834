"""A managed data store as a row, for tests that need one without a database behind it."""

from uuid import uuid4

import psycopg

from tenant_api.managed_data_stores.states import CREATE


def insert_managed(connection: psycopg.Connection, data_store_id: int | None, *, tenant_id: int = 0) -> int:
    """Insert one that is ready and answer its id."""
    template, operation = uuid4(), uuid4()
    connection.execute(
        "INSERT INTO templates (id, server, name, state, fingerprint, ddl, tables, size_bytes, handle, notes) "
        "VALUES (%s, 'local', %s, 'current', '', false, 0, 0, '{}', '[]')",
        (template, f"T{template.hex[:8]}"),
    )
    connection.execute(
        "INSERT INTO operations (id, tenant_id, kind, target, state, deadline, max_attempts, created_by) "
        "VALUES (%s, %s, %s, %s, 'succeeded', now(), 5, 'system')",
        (operation, tenant_id, CREATE, str(operation)),
    )
    name = f"m{operation.hex[:8]}"
    row = connection.execute(
        "INSERT INTO managed_data_stores (target_id, tenant_id, name, database_template, template_id, server, "
        "physical_name, data_store_id, operation_id, created_by) "
        "VALUES (%s, %s, %s, 'T', %s, 'local', %s, %s, %s, 'system') RETURNING id",
        (operation, tenant_id, name, template, name, data_store_id, operation),
    ).fetchone()
    assert row is not None
    managed_id: int = row[0]
    return managed_id
