"""What stands at a physical name: the database, its two roles, and whether a create is still under way."""

from dataclasses import dataclass

from psycopg.rows import class_row

from db_provisioners.names import owner_of
from db_provisioners.postgresql.long_statements import is_being_created
from db_provisioners.postgresql.server import Connection


@dataclass(frozen=True, kw_only=True)
class Role:
    """`member`: the administrator may act for it."""

    oid: int
    name: str
    can_login: bool
    member: bool
    comment: str | None


@dataclass(frozen=True, kw_only=True)
class Database:
    """`invalid` is what an interrupted DROP DATABASE leaves: it can only be dropped again."""

    oid: int
    owner: int
    allows_connections: bool
    invalid: bool
    is_template: bool
    ours_to_drop: bool
    comment: str | None


@dataclass(frozen=True, kw_only=True)
class Sighting:
    name: str
    database: Database | None
    owner: Role | None
    login: Role | None
    being_created: bool

    @property
    def nothing(self) -> bool:
        return not (self.database or self.owner or self.login or self.being_created)


async def look(administrator: Connection, name: str) -> Sighting:
    """Read the shared catalogs; the database itself is never entered."""
    being_created = await is_being_created(administrator, name)
    roles = {role.name: role for role in await _roles(administrator, [name, owner_of(name)])}
    return Sighting(
        name=name,
        database=await _database(administrator, name),
        owner=roles.get(owner_of(name)),
        login=roles.get(name),
        being_created=being_created,
    )


async def find_role(administrator: Connection, name: str) -> Role | None:
    return next(iter(await _roles(administrator, [name])), None)


async def _roles(administrator: Connection, names: list[str]) -> list[Role]:
    async with administrator.cursor(row_factory=class_row(Role)) as cursor:
        await cursor.execute(
            """SELECT oid::bigint, rolname::text AS name, rolcanlogin AS can_login, pg_has_role(oid, 'USAGE') AS member,
                      shobj_description(oid, 'pg_authid') AS comment
               FROM pg_roles WHERE rolname = ANY(%s)""",
            (names,),
        )
        return await cursor.fetchall()


async def _database(administrator: Connection, name: str) -> Database | None:
    async with administrator.cursor(row_factory=class_row(Database)) as cursor:
        await cursor.execute(
            """SELECT oid::bigint, datdba::bigint AS owner, datallowconn AS allows_connections,
                      datconnlimit = -2 AS invalid, datistemplate AS is_template,
                      pg_has_role(datdba, 'USAGE') AS ours_to_drop,
                      shobj_description(oid, 'pg_database') AS comment
               FROM pg_database WHERE datname = %s""",
            (name,),
        )
        return await cursor.fetchone()
