"""What a tenant's login can do: everything with its own rows, nothing else; and what it plants gains it nothing."""

import contextlib
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from db_provisioners.contract import Handle, Presence, TemplateRef
from db_provisioners.names import owner_of
from db_provisioners.postgresql.provisioner import PostgresqlProvisioner
from db_provisioners.trial import deleted, provisioned
from tests.provisioners.world import Tenant, World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def reader(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> AsyncIterator[tuple[Tenant, Handle]]:
    """A tenant whose login reads and writes rows."""
    tenant = world.tenant(template)
    yield tenant, await provisioned(provisioner, tenant.spec)
    await deleted(provisioner, tenant.spec)


@pytest.fixture
async def builder(
    world: World, provisioner: PostgresqlProvisioner, ddl_template: TemplateRef
) -> AsyncIterator[tuple[Tenant, Handle]]:
    """A tenant whose login owns its schema."""
    tenant = world.tenant(ddl_template)
    yield tenant, await provisioned(provisioner, tenant.spec)
    await deleted(provisioner, tenant.spec)


async def test_a_login_reads_and_writes_every_table_and_its_sequences(
    world: World, reader: tuple[Tenant, Handle]
) -> None:
    with world.as_tenant(reader[0]) as own:
        own.execute(
            """INSERT INTO edfi.student (studentuniqueid, firstname, lastsurname, birthdate)
               VALUES ('1', 'A', 'B', now())"""
        )
        own.execute("UPDATE edfi.student SET firstname = 'C' WHERE studentuniqueid = '1'")
        own.execute("DELETE FROM edfi.student WHERE studentuniqueid = '1'")
        own.execute("CREATE TEMPORARY TABLE scratch (a int)")
        assert own.execute("SELECT count(*) FROM auth.educationorganizationidtostudentusi").fetchone() == (1200,)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.mine (a int)",
        "CREATE TABLE edfi.mine (a int)",
        "CREATE SCHEMA mine",
        "DROP TABLE edfi.student CASCADE",
        "ALTER TABLE edfi.student ADD COLUMN mine int",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
        "CREATE EXTENSION hstore",
        "COPY edfi.student TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
        "ALTER DATABASE {database} SET search_path = public",
        "ALTER DATABASE {database} OWNER TO {database}",
        "COMMENT ON DATABASE {database} IS 'x'",
        "DROP DATABASE {database}",
        "SET ROLE {owner}",
        "COMMENT ON ROLE {owner} IS 'x'",
        "ALTER ROLE {database} CREATEDB",
    ],
)
async def test_a_login_cannot(world: World, reader: tuple[Tenant, Handle], statement: str) -> None:
    name = reader[0].spec.physical_name
    filled = SQL(statement).format(database=Identifier(name), owner=Identifier(owner_of(name)))
    with world.as_tenant(reader[0]) as own, pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.Error)) as no:
        own.execute(filled)
    assert no.value.sqlstate in {"42501", "0A000"}


async def test_no_other_login_can_enter(
    world: World, reader: tuple[Tenant, Handle], builder: tuple[Tenant, Handle], template: TemplateRef
) -> None:
    for database in (builder[0].spec.physical_name, str(template.handle["database"])):
        conninfo = make_conninfo(
            world.superuser,
            user=reader[0].spec.physical_name,
            password=reader[0].password.get_secret_value(),
            dbname=database,
        )
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(conninfo)


async def test_not_even_a_superuser_enters_a_sealed_template(world: World, template: TemplateRef) -> None:
    with pytest.raises(psycopg.OperationalError, match="not currently accepting"):
        world.sql("SELECT 1", database=str(template.handle["database"]))


async def test_a_building_login_owns_its_schema_and_may_extend_it(
    world: World, provisioner: PostgresqlProvisioner, builder: tuple[Tenant, Handle]
) -> None:
    tenant, handle = builder
    with world.as_tenant(tenant) as own:
        own.execute("ALTER TABLE edfi.student ADD COLUMN nickname text")
        own.execute("CREATE SCHEMA dms")
        own.execute("CREATE TABLE dms.document (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
        own.execute("DROP VIEW auth.educationorganizationidtostudentusi")
    assert (await provisioner.health(tenant.spec, handle, tenant.password)).counts["students"] == 600


async def test_what_one_building_login_does_leaves_template_and_siblings_alone(
    world: World, provisioner: PostgresqlProvisioner, ddl_template: TemplateRef, builder: tuple[Tenant, Handle]
) -> None:
    sibling = world.tenant(ddl_template)
    handle = await provisioned(provisioner, sibling.spec)
    with world.as_tenant(builder[0]) as own:
        own.execute("DROP SCHEMA edfi CASCADE")
    assert (await provisioner.verify(sibling.spec, handle, sibling.password)).done
    await deleted(provisioner, sibling.spec, handle)


async def test_the_administrator_stays_no_member_of_a_login(world: World, builder: tuple[Tenant, Handle]) -> None:
    members = world.sql(
        """SELECT count(*)
           FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles a ON a.oid = m.member
           WHERE r.rolname = %s AND pg_has_role(a.oid, r.oid, 'USAGE') AND NOT a.rolsuper""",
        builder[0].spec.physical_name,
    )
    assert members == [(0,)]


HOSTILE_VIEW = """
CREATE FUNCTION edfi.planted() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.caught VALUES (current_user, session_user);
    EXECUTE format('COMMENT ON DATABASE %I IS NULL', current_database());
    RETURN 1;
END $$;
DROP TABLE edfi.student CASCADE;
CREATE TABLE public.caught (who name, behind name);
CREATE VIEW edfi.student AS SELECT edfi.planted() AS studentusi;
"""


async def test_a_view_in_place_of_a_table_is_neither_counted_nor_run(
    world: World, provisioner: PostgresqlProvisioner, builder: tuple[Tenant, Handle]
) -> None:
    tenant, handle = builder
    with world.as_tenant(tenant) as own:
        own.execute(HOSTILE_VIEW)
    health = await provisioner.health(tenant.spec, handle, tenant.password)
    assert health.available
    assert "students" not in health.counts
    assert health.counts["schools"] == 3
    assert world.sql("SELECT * FROM public.caught", database=tenant.spec.physical_name) == []
    assert world.comment(tenant.spec.physical_name)


@pytest.mark.parametrize(
    ("planted", "uncounted"),
    [
        (
            """CREATE FUNCTION public.trap() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
               INSERT INTO public.caught VALUES (current_user); RETURN true; END $$;
               ALTER TABLE edfi.staff ENABLE ROW LEVEL SECURITY; ALTER TABLE edfi.staff FORCE ROW LEVEL SECURITY;
               CREATE POLICY trap ON edfi.staff USING (public.trap())""",
            "staff",
        ),
        ("CREATE RULE trap AS ON UPDATE TO edfi.school DO ALSO INSERT INTO public.caught VALUES ('x')", "schools"),
        (
            "DROP TABLE edfi.section CASCADE; CREATE MATERIALIZED VIEW edfi.section AS SELECT 1 AS a",
            "sections",
        ),
    ],
)
async def test_tables_with_planted_code_are_left_out(
    world: World, provisioner: PostgresqlProvisioner, builder: tuple[Tenant, Handle], planted: str, uncounted: str
) -> None:
    tenant, handle = builder
    with world.as_tenant(tenant) as own:
        own.execute("CREATE TABLE public.caught (who name)")
        own.execute(planted)
    health = await provisioner.health(tenant.spec, handle, tenant.password)
    assert health.available
    assert uncounted not in health.counts
    assert world.sql("SELECT * FROM public.caught", database=tenant.spec.physical_name) == []


async def test_planted_functions_and_operators_are_not_found_by_our_statements(
    world: World, provisioner: PostgresqlProvisioner, builder: tuple[Tenant, Handle]
) -> None:
    """Names in our statements mean pg_catalog, whatever search path the tenant sets for itself."""
    tenant, handle = builder
    name = Identifier(tenant.spec.physical_name)
    with world.as_tenant(tenant) as own:
        own.execute("CREATE TABLE public.caught (who name)")
        own.execute(
            """CREATE FUNCTION public.pg_database_size(name) RETURNS bigint LANGUAGE plpgsql AS
               $$ BEGIN INSERT INTO public.caught VALUES (current_user); RETURN 42; END $$"""
        )
        own.execute(
            """CREATE FUNCTION public.same(text, text) RETURNS boolean LANGUAGE plpgsql AS
               $$ BEGIN INSERT INTO public.caught VALUES (current_user); RETURN true; END $$"""
        )
        own.execute("CREATE OPERATOR public.= (FUNCTION = public.same, LEFTARG = text, RIGHTARG = text)")
        own.execute(SQL("ALTER ROLE {} SET search_path = public, pg_catalog").format(name))
        own.execute(SQL("ALTER ROLE {} SET default_transaction_read_only = off").format(name))
        own.execute(SQL("ALTER ROLE {} SET statement_timeout = 1").format(name))
        own.execute(SQL("ALTER ROLE {} SET client_encoding = 'SQL_ASCII'").format(name))
        own.execute(SQL("ALTER ROLE {} SET row_security = off").format(name))
    health = await provisioner.health(tenant.spec, handle, tenant.password)
    assert health.counts["students"] == 600
    assert health.size_bytes != 42
    assert world.sql("SELECT * FROM public.caught", database=tenant.spec.physical_name) == []


async def test_a_lock_on_a_counted_table_delays_a_health_check_only_so_long(
    world: World, template: TemplateRef
) -> None:
    async with world.provisioner(health_timeout=0.3) as hasty:
        tenant = world.tenant(template)
        handle = await provisioned(hasty, tenant.spec)
        with world.as_tenant(tenant) as own, own.transaction():
            own.execute("LOCK TABLE edfi.student IN EXCLUSIVE MODE")
            assert (await hasty.health(tenant.spec, handle, tenant.password)).counts["students"] == 600
        await deleted(hasty, tenant.spec, handle)


async def test_hostile_contents_do_not_hinder_a_delete(
    world: World, provisioner: PostgresqlProvisioner, builder: tuple[Tenant, Handle]
) -> None:
    tenant, handle = builder
    with world.as_tenant(tenant) as own:
        own.execute(HOSTILE_VIEW)
    with contextlib.closing(world.as_tenant(tenant)) as asleep:
        asleep.execute("BEGIN; LOCK TABLE edfi.school")
        await deleted(provisioner, tenant.spec, handle)
    assert (await provisioner.observe(tenant.spec, {})).presence is Presence.ABSENT
    assert world.remains(tenant.spec.physical_name) == []
