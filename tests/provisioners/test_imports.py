"""Archives of unknown origin become sealed templates."""

import asyncio
import os
import uuid
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from psycopg.sql import SQL, Identifier

from db_provisioners.contract import TemplateRef, TemplateSource
from db_provisioners.postgresql.provisioner import PostgresqlProvisioner
from db_provisioners.postgresql.templates import objects_owner, template_database
from db_provisioners.trial import deleted, provisioned, template_deleted
from tests.provisioners.archives import written
from tests.provisioners.world import World, imported

pytestmark = pytest.mark.anyio

NOTES = (
    "The extension pageinspect was left out: the server does not offer it, and nothing uses it.",
    "Left out: 2 x statement of logical replication.",
)


@pytest.mark.parametrize("form", ["custom", "plain", "custom.gz", "plain.gz"])
async def test_every_format_gives_the_same_template(
    world: World, provisioner: PostgresqlProvisioner, archives: dict[str, Path], form: str
) -> None:
    last = await imported(provisioner, archives[form])
    template = last.template
    assert template is not None
    assert last.tables == 5
    assert last.size_bytes > 5_000_000
    assert set(last.notes) == set(NOTES if form.startswith("plain") else NOTES[:1])

    tenant = world.tenant(template)
    handle = await provisioned(provisioner, tenant.spec)
    assert (await provisioner.verify(tenant.spec, handle, tenant.password)).done
    with world.as_tenant(tenant) as own:
        rows = own.execute("SELECT note FROM edfi.student ORDER BY code").fetchall()
        own.execute("INSERT INTO edfi.student (code) VALUES ('d')")
        own.execute("INSERT INTO edfi.event VALUES ('2026-06-06')")
    assert [row[0] for row in rows] == [
        "SET transaction_timeout = 0;",
        "\\.",
        "line\nSET transaction_timeout = 0;\n\\connect x",
    ]
    await deleted(provisioner, tenant.spec, handle)
    await template_deleted(provisioner, template)
    assert world.remains(template_database(uuid.UUID(str(template.handle["templateId"])))) == []


async def test_fingerprints_of_one_schema_are_equal_and_of_another_differ(
    provisioner: PostgresqlProvisioner, archives: dict[str, Path], template: TemplateRef
) -> None:
    made = [(await imported(provisioner, archives[form])).template for form in ("custom", "plain")]
    one, two = (found for found in made if found is not None)
    assert one.fingerprint == two.fingerprint
    assert one.fingerprint != template.fingerprint
    for found in (one, two):
        await template_deleted(provisioner, found)


async def test_a_fingerprint_does_not_tell_how_a_session_writes_constants(
    world: World, provisioner: PostgresqlProvisioner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """CREATE SCHEMA edfi; CREATE TABLE edfi.event (
                begins timestamptz DEFAULT '2026-01-01 00:00+00'::timestamptz CHECK (begins > '2026-03-04'::date));"""
    template = (await imported(provisioner, written(tmp_path, script))).template
    assert template is not None
    tenant = world.tenant(template)
    handle = await provisioned(provisioner, tenant.spec)
    for variable, value in (("PGTZ", "America/Chicago"), ("PGDATESTYLE", "German")):
        monkeypatch.setenv(variable, value)
        assert (await provisioner.verify(tenant.spec, handle, tenant.password)).done
    await deleted(provisioner, tenant.spec, handle)
    await template_deleted(provisioner, template)


async def test_a_templates_objects_belong_to_the_role_of_all_templates(
    world: World, provisioner: PostgresqlProvisioner, archives: dict[str, Path]
) -> None:
    template = (await imported(provisioner, archives["custom"])).template
    assert template is not None
    database = str(template.handle["database"])
    assert world.remains(database) == [f"database {database}", f"role {database}_owner"]
    assert world.sql("SELECT datistemplate, datallowconn FROM pg_database WHERE datname = %s", database) == [
        (True, False)
    ]
    owners = world.sql(
        """SELECT DISTINCT refobjid::regrole::text FROM pg_shdepend
           WHERE deptype = 'o' AND dbid = (SELECT oid FROM pg_database WHERE datname = %s)""",
        database,
    )
    assert owners == [(objects_owner(world.host),)]
    await template_deleted(provisioner, template)


async def test_an_extension_that_the_server_trusts_is_made_in_its_schema(
    world: World, provisioner: PostgresqlProvisioner, tmp_path: Path
) -> None:
    script = """CREATE SCHEMA extensions; CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA extensions;
                COMMENT ON EXTENSION hstore IS 'x'; COMMENT ON SCHEMA extensions IS 'y';
                CREATE SCHEMA edfi; CREATE TABLE edfi.school (schoolid integer, extra extensions.hstore);
                INSERT INTO edfi.school VALUES (1, 'a=>1');"""
    last = await imported(provisioner, written(tmp_path, script), ddl=True)
    template = last.template
    assert template is not None
    assert last.notes == ()
    assert last.tables == 1
    tenant = world.tenant(template)
    handle = await provisioned(provisioner, tenant.spec)
    assert (await provisioner.verify(tenant.spec, handle, tenant.password)).done
    with world.as_tenant(tenant) as own:
        assert own.execute("SELECT extra OPERATOR(extensions.->) 'a' FROM edfi.school").fetchone() == ("1",)
    await deleted(provisioner, tenant.spec, handle)
    await template_deleted(provisioner, template)


async def test_code_of_an_archive_gains_nothing_from_being_taken_over(
    world: World, provisioner: PostgresqlProvisioner, tmp_path: Path
) -> None:
    """Index expressions, views and default rights are the archive's; none of them runs as administrator."""
    script = """
        CREATE SCHEMA edfi; CREATE TABLE edfi.caught (who name); GRANT ALL ON edfi.caught TO PUBLIC;
        DO $$ BEGIN EXECUTE 'GRANT ALL ON edfi.caught TO PUBLIC; GRANT ALL ON SCHEMA edfi TO PUBLIC'; END $$;
        CREATE FUNCTION edfi.spy(integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
            IF current_user !~ '^ta_template_' THEN RAISE EXCEPTION 'caught %', current_user; END IF;
            RETURN $1; END $$;
        CREATE TABLE edfi.school (schoolid integer);
        INSERT INTO edfi.school SELECT generate_series(1, 100);
        CREATE INDEX ON edfi.school (edfi.spy(schoolid));
        CREATE VIEW edfi.student AS SELECT edfi.spy(1) AS studentusi;
        ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
        DO $$ BEGIN EXECUTE 'ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC'; END $$;
    """
    template = (await imported(provisioner, written(tmp_path, script))).template
    assert template is not None
    tenant = world.tenant(template)
    handle = await provisioned(provisioner, tenant.spec)
    assert (await provisioner.verify(tenant.spec, handle, tenant.password)).done
    health = await provisioner.health(tenant.spec, handle, tenant.password)
    assert health.counts == {"schools": 100}
    await deleted(provisioner, tenant.spec, handle)
    await template_deleted(provisioner, template)


async def test_a_byte_order_mark_is_no_part_of_the_script(provisioner: PostgresqlProvisioner, tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(b"\xef\xbb\xbfCREATE TABLE public.t (a integer);")
    last = await imported(provisioner, tmp_path / "archive")
    assert last.tables == 1
    assert last.template is not None
    await template_deleted(provisioner, last.template)


async def test_an_import_that_is_left_ends_its_programs_and_leaves_nothing(
    world: World, provisioner: PostgresqlProvisioner, tmp_path: Path
) -> None:
    source = TemplateSource(template_id=uuid.uuid4(), name="x", path=written(tmp_path, "SELECT pg_sleep(600);"))
    events = provisioner.import_template(source)
    async for event in events:
        if event.message.startswith("Restoring") and commands_of("psql"):
            break
    assert commands_of("psql")
    assert isinstance(events, AsyncGenerator)
    await events.aclose()
    assert not commands_of("psql")
    assert world.remains(template_database(source.template_id)) == []


async def test_a_cancelled_import_leaves_nothing(
    world: World, provisioner: PostgresqlProvisioner, tmp_path: Path
) -> None:
    template_id = uuid.uuid4()
    archive = written(tmp_path, "SELECT pg_sleep(600);")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            await imported(provisioner, archive, template_id=template_id)
    assert world.remains(template_database(template_id)) == []


async def test_passwords_are_neither_arguments_nor_environment_of_the_programs(
    provisioner: PostgresqlProvisioner, tmp_path: Path
) -> None:
    source = TemplateSource(template_id=uuid.uuid4(), name="x", path=written(tmp_path, "SELECT pg_sleep(600);"))
    events = provisioner.import_template(source)
    async for event in events:
        if event.message.startswith("Restoring") and commands_of("psql"):
            break
    (process,) = commands_of("psql")
    arguments = (process / "cmdline").read_text()
    environment = (process / "environ").read_text().split("\0")
    assert isinstance(events, AsyncGenerator)
    await events.aclose()
    assert "password=" not in arguments
    assert {entry.partition("=")[0] for entry in environment if entry} == {"PATH", "HOME", "LC_ALL", "TZ", "PGPASSFILE"}


def commands_of(program: str) -> list[Path]:
    """Our own children that run that program."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            command = (process / "cmdline").read_text().split("\0")[0]
        except OSError:
            continue
        if int(parent) == os.getpid() and Path(command).name == program:
            found.append(process)
    return found


@pytest.mark.parametrize("died", ["before the database", "before the mark", "before the login", "after the end"])
async def test_a_repeated_import_clears_what_a_killed_one_left(
    world: World, provisioner: PostgresqlProvisioner, archives: dict[str, Path], died: str
) -> None:
    template_id = uuid.uuid4()
    name = template_database(template_id)
    first = await imported(provisioner, archives["plain"], template_id=template_id)
    assert first.template is not None
    if died == "before the database":
        world.sql(SQL("ALTER DATABASE {} IS_TEMPLATE false").format(Identifier(name)))
        world.sql(SQL("DROP DATABASE {}").format(Identifier(name)))
    elif died == "before the mark":
        world.set_comment("DATABASE", name, None)
        world.sql(SQL("ALTER DATABASE {} IS_TEMPLATE false").format(Identifier(name)))
    elif died == "before the login":
        world.sql(SQL("ALTER DATABASE {} IS_TEMPLATE false ALLOW_CONNECTIONS true").format(Identifier(name)))
    again = await imported(provisioner, archives["plain"], template_id=template_id)
    assert again.template is not None
    assert again.template.fingerprint == first.template.fingerprint
    assert again.template.handle["databaseOid"] != first.template.handle["databaseOid"]
    await template_deleted(provisioner, again.template)
    assert world.remains(name) == []


async def test_an_import_does_not_drop_what_is_foreign(
    world: World, provisioner: PostgresqlProvisioner, archives: dict[str, Path]
) -> None:
    template_id = uuid.uuid4()
    name = template_database(template_id)
    world.sql(SQL("CREATE DATABASE {}").format(Identifier(name)))
    with pytest.raises(Exception, match="proof"):
        await imported(provisioner, archives["plain"], template_id=template_id)
    assert world.exists(name)
    world.sql(SQL("DROP DATABASE {}").format(Identifier(name)))
