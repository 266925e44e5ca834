"""What the administrator's own login must be able to do, and who else could do it."""

from db_provisioners.errors import (
    ProvisionerConfigurationError,
    ProvisionerDeniedError,
    ProvisionerUnavailableError,
)
from db_provisioners.postgresql.server import Connection

_OLDEST = 150000
_OWN_ROLES_ONLY = 160000

_RIGHTS = """
SELECT pg_is_in_recovery(), rolcreatedb OR rolsuper, rolcreaterole OR rolsuper, rolname::text
FROM pg_roles WHERE rolname = current_user
"""
_RIVALS = """
SELECT rolname::text FROM pg_roles
WHERE rolcreaterole AND NOT rolsuper AND rolname <> current_user ORDER BY rolname
"""


async def identity(administrator: Connection) -> str:
    """The name of the cluster; ProvisionerConfigurationError for a server that is too old."""
    if administrator.info.server_version < _OLDEST:
        raise ProvisionerConfigurationError("The postgresql provisioner needs PostgreSQL 15 or newer.")
    found = await administrator.execute("SELECT system_identifier FROM pg_control_system()")
    row = await found.fetchone()
    assert row is not None
    return f"postgresql:{row[0]}"


async def check_rights(administrator: Connection) -> None:
    found = await administrator.execute(_RIGHTS)
    row = await found.fetchone()
    assert row is not None
    in_recovery, creates_databases, creates_roles, name = row
    if in_recovery:
        raise ProvisionerUnavailableError("PostgreSQL is a read-only standby at the moment.")
    lacking = [right for right, has in (("CREATEDB", creates_databases), ("CREATEROLE", creates_roles)) if not has]
    if lacking:
        raise ProvisionerDeniedError(f"The role {name} lacks {' and '.join(lacking)}.")


async def risks(administrator: Connection) -> list[str]:
    """Below 16 every role with CREATEROLE can rewrite the comment of another, and markers are comments."""
    if administrator.info.server_version >= _OWN_ROLES_ONLY:
        return []
    found = await administrator.execute(_RIVALS)
    return [
        f"The role {row[0]} has CREATEROLE and could rewrite our markers: this server is older than PostgreSQL 16."
        for row in await found.fetchall()
    ]
