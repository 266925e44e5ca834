"""Objects inside a database by their owner: listed by the server, handed over one by one.

The server itself writes each object's quoted and qualified name. A statement for all that a role owns exists, but
it also takes databases and reaches beyond this one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import class_row
from psycopg.sql import SQL, Composed, Identifier

from db_provisioners.postgresql.server import Connection

_BATCH = 100
_TYPE_OF = {"statistics object": "STATISTICS"}

# Schemas come first, for an owner needs CREATE in them. Default privileges are listed by owner too, but are no objects.
_OWNED = """
SELECT identified.type AS kind, identified.identity,
       identified.type = 'sequence' AND EXISTS (
           SELECT FROM pg_depend
           WHERE (classid, objid) = (owned.classid, owned.objid) AND refclassid = classid AND deptype IN ('a', 'i')
       ) AS follows_table
FROM pg_shdepend owned
CROSS JOIN LATERAL pg_identify_object(owned.classid, owned.objid, owned.objsubid) identified
WHERE owned.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND owned.refclassid = 'pg_authid'::regclass AND owned.deptype = 'o'
  AND owned.refobjid = (SELECT oid FROM pg_roles WHERE rolname = %s)
  AND identified.type <> 'default acl'
ORDER BY identified.type <> 'schema', identified.type <> 'table', identified.type, identified.identity
"""


@dataclass(frozen=True)
class OwnedObject:
    """`kind` and `identity` are the server's words, fit for a statement as they are.

    A sequence that belongs to a column follows its table, and an extension keeps its owner for life.
    """

    kind: str
    identity: str
    follows_table: bool = False

    @property
    def can_be_given(self) -> bool:
        return not self.follows_table and self.kind != "extension"

    @property
    def name(self) -> SQL:
        # Quoted by the server, which alone can name every kind of object.
        return SQL(self.identity)

    def given_to(self, role: str) -> Composed:
        kind = SQL(_TYPE_OF.get(self.kind, self.kind.upper()))
        return SQL("ALTER {} {} OWNER TO {}").format(kind, self.name, Identifier(role))


async def owned_by(connection: Connection, role: str) -> list[OwnedObject]:
    async with connection.cursor(row_factory=class_row(OwnedObject)) as cursor:
        await cursor.execute(_OWNED, (role,))
        return await cursor.fetchall()


async def hand_over(connection: Connection, objects: Sequence[OwnedObject], role: str) -> None:
    """In batches, because one transaction would hold a lock on every table and index at once."""
    movable = [owned for owned in objects if owned.can_be_given]
    for start in range(0, len(movable), _BATCH):
        async with connection.transaction():
            for owned in movable[start : start + _BATCH]:
                await connection.execute(owned.given_to(role))
