"""The proof before a database is handed out: the tenant's own login finds what the template promises, and no more."""

from db_provisioners.contract import DatabaseSpec
from db_provisioners.errors import ProvisionerDeniedError, VerificationError
from db_provisioners.postgresql.failures import translated
from db_provisioners.postgresql.fingerprint import fingerprint
from db_provisioners.postgresql.server import Connection, Login, Server

_CLOSED_TABLES = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND pg_get_userbyid(c.relowner) = ANY(%s)
  AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
           AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')
           AND has_table_privilege(c.oid, 'DELETE'))
"""

_TOO_MUCH = """
SELECT (SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = current_user)
     + (SELECT count(*) FROM pg_roles WHERE rolname = current_user
        AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls))
"""


async def verify(server: Server, spec: DatabaseSpec, login: Login, objects_owner: str) -> None:
    try:
        with translated():
            async with server.visit(login) as visitor:
                await _verify(visitor, spec, objects_owner)
    except ProvisionerDeniedError as error:
        raise VerificationError(f"The tenant's login does not work: {error}") from None


async def _verify(visitor: Connection, spec: DatabaseSpec, objects_owner: str) -> None:
    if await fingerprint(visitor) != spec.template.fingerprint:
        raise VerificationError(f"The schema differs from that of the template {spec.template.name}.")
    if closed := await _number(visitor, _CLOSED_TABLES, ([objects_owner, spec.physical_name],)):
        raise VerificationError(f"The tenant's login cannot use {closed} of the tables.")
    if await _number(visitor, _TOO_MUCH):
        raise VerificationError("The tenant's login may do more than use its own database.")


async def _number(visitor: Connection, query: str, parameters: tuple[list[str]] | None = None) -> int:
    found = await visitor.execute(query, parameters)
    row = await found.fetchone()
    assert row is not None
    return int(row[0])
