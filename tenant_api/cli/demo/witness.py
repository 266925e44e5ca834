"""Asks the database server itself, past the API, what stands there."""

from pathlib import Path

import psycopg

from tenant_api.embedded import attach

STANDING = """
SELECT 'database ' || datname FROM pg_database WHERE datname = ANY(%(databases)s)
UNION ALL
SELECT 'role ' || rolname FROM pg_roles WHERE rolname = ANY(%(roles)s)
ORDER BY 1
"""


def standing(folder: Path, databases: list[str]) -> list[str]:
    """The databases of these names and their roles, as the server's own superuser sees them."""
    roles = [role for name in databases for role in (name, f"{name}_owner")]
    with psycopg.connect(attach(folder).url()) as session:
        return [row[0] for row in session.execute(STANDING, {"databases": databases, "roles": roles})]
