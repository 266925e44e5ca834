"""A PostgreSQL server seen by a provisioner without superuser rights, and by a superuser who checks it."""

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier, Literal
from pydantic import SecretStr

from db_provisioners.contract import DatabaseSpec, ImportProgress, TemplateRef, TemplateSource
from db_provisioners.names import physical_name
from db_provisioners.postgresql.provisioner import PostgresqlProvisioner
from db_provisioners.postgresql.settings import PostgresqlSettings
from db_provisioners.scram import verifier_of
from db_provisioners.trial import HostForTests

T = TypeVar("T")


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run in an event loop of its own, for fixtures that outlive one test's."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@dataclass(frozen=True)
class Tenant:
    spec: DatabaseSpec
    password: SecretStr


@dataclass
class World:
    """`administrator` has CREATEDB and CREATEROLE only."""

    superuser: str
    administrator: str = ""
    host: HostForTests = field(default_factory=HostForTests)

    def __post_init__(self) -> None:
        name, password = f"administrator_{secrets.token_hex(4)}", secrets.token_hex(12)
        self.sql(
            SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}").format(Identifier(name), Literal(password))
        )
        self.administrator = make_conninfo(self.superuser, user=name, password=password, dbname="postgres")

    def settings(self, **more: Any) -> PostgresqlSettings:
        return PostgresqlSettings(admin_url=SecretStr(self.administrator), **more)

    @asynccontextmanager
    async def provisioner(self, host: HostForTests | None = None, **more: Any) -> AsyncIterator[PostgresqlProvisioner]:
        opened = await PostgresqlProvisioner.open(self.settings(**more), host or self.host)
        try:
            yield opened
        finally:
            await opened.close()

    def sql(self, query: Any, *parameters: Any, database: str = "postgres") -> list[tuple[Any, ...]]:
        """As superuser, autocommit."""
        with psycopg.connect(make_conninfo(self.superuser, dbname=database), autocommit=True) as connection:
            cursor = connection.execute(query, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def as_tenant(self, tenant: Tenant) -> psycopg.Connection:
        name = tenant.spec.physical_name
        conninfo = make_conninfo(
            self.superuser, dbname=name, user=name, password=tenant.password.get_secret_value(), connect_timeout=5
        )
        return psycopg.connect(conninfo, autocommit=True)

    def tenant(self, template: TemplateRef) -> Tenant:
        password, target = SecretStr(f"canary-{secrets.token_hex(12)}"), uuid.uuid4()
        name = physical_name("tenant", "store", target.bytes)
        verifier = verifier_of(password)
        spec = DatabaseSpec(target_id=target, physical_name=name, template=template, login_verifier=verifier)
        return Tenant(spec, password)

    def exists(self, name: str) -> bool:
        return bool(self.sql("SELECT 1 FROM pg_database WHERE datname = %s", name))

    def remains(self, name: str) -> list[str]:
        """Databases and roles of that name, and of the owner role's."""
        found = self.sql(
            """SELECT 'database ' || datname FROM pg_database WHERE starts_with(datname, %s)
               UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE starts_with(rolname, %s)""",
            name,
            name,
        )
        return sorted(row[0] for row in found)

    def comment(self, database: str) -> str | None:
        found = self.sql("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", database)
        return found[0][0] if found else None

    def set_comment(self, kind: str, name: str, text: str | None) -> None:
        self.sql(SQL("COMMENT ON {} {} IS {}").format(SQL(kind), Identifier(name), Literal(text)))


async def imported(
    provisioner: PostgresqlProvisioner, archive: Path, *, template_id: uuid.UUID | None = None, ddl: bool = False
) -> ImportProgress:
    """The last event of an import."""
    source = TemplateSource(template_id=template_id or uuid.uuid4(), name="Test", path=archive, ddl=ddl)
    events = [event async for event in provisioner.import_template(source)]
    assert events[-1].template is not None
    fractions = [event.fraction for event in events if event.fraction is not None]
    assert fractions == sorted(fractions)
    return events[-1]


async def eventually(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not fact():
            await asyncio.sleep(0.02)
