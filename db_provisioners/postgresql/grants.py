"""What a tenant's login may do in its own database."""

from collections.abc import Iterable

from psycopg.sql import SQL, Composed, Identifier

from db_provisioners.postgresql.objects import OwnedObject, hand_over, owned_by
from db_provisioners.postgresql.roles import join, leave
from db_provisioners.postgresql.server import Connection

_DATA = SQL("SELECT, INSERT, UPDATE, DELETE")
_BATCH = 200
_READABLE = {"table", "view", "materialized view", "foreign table"}


async def grant_connecting(administrator: Connection, database: str, login: str, *, ddl: bool) -> None:
    """Enter the database; with `ddl` also make schemas in it."""
    rights = SQL("CONNECT, TEMPORARY, CREATE" if ddl else "CONNECT, TEMPORARY")
    statement = SQL("GRANT {} ON DATABASE {} TO {}").format(rights, Identifier(database), Identifier(login))
    await administrator.execute(statement)


async def grant_data(inside: Connection, login: str, owner: str) -> None:
    """Read and write every row in every schema, also in tables that `owner` adds later."""
    objects = await owned_by(inside, owner)
    schemas = [owned for owned in objects if owned.kind == "schema"]
    async with inside.transaction():
        for statement in _grants(objects, schemas, login):
            await inside.execute(statement)
        for rights, kind in ((_DATA, SQL("TABLES")), (SQL("USAGE, SELECT, UPDATE"), SQL("SEQUENCES"))):
            await inside.execute(
                SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT {} ON {} TO {}").format(
                    Identifier(owner), rights, kind, Identifier(login)
                )
            )


async def give_schema(inside: Connection, login: str, owner: str) -> None:
    """Make the login the owner of everything, for data planes that change the schema themselves."""
    await join(inside, login)
    await inside.execute(SQL("GRANT CREATE, USAGE ON SCHEMA public TO {}").format(Identifier(login)))
    await hand_over(inside, await owned_by(inside, owner), login)
    await leave(inside, login)


def _grants(objects: list[OwnedObject], schemas: list[OwnedObject], login: str) -> Iterable[Composed]:
    tables = [owned for owned in objects if owned.kind in _READABLE]
    sequences = [owned for owned in objects if owned.kind == "sequence"]
    for rights, kind, named in (
        (SQL("USAGE"), SQL("SCHEMA"), schemas),
        (_DATA, SQL("TABLE"), tables),
        (SQL("USAGE, SELECT, UPDATE"), SQL("SEQUENCE"), sequences),
    ):
        for start in range(0, len(named), _BATCH):
            names = SQL(", ").join(owned.name for owned in named[start : start + _BATCH])
            yield SQL("GRANT {} ON {} {} TO {}").format(rights, kind, names, Identifier(login))
