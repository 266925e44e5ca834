"""Whether the database has the schema that this version needs."""

from tenant_api.db import migrations
from tenant_api.service.errors import ServiceError


def require_current(url: str) -> None:
    """ServiceError unless the database is at this version's schema, or at a later one during an upgrade."""
    if is_behind(url):
        raise ServiceError("The schema of the database is not that of this version. Run: tenant-api migrate")


def is_behind(url: str) -> bool:
    """Whether a migration of this version has not been applied."""
    return migrations.is_behind(migrations.current_revision(url))
