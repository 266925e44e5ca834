"""Archives that cannot become templates are refused with a reason, reach nothing and leave nothing behind."""

import os
import uuid
from pathlib import Path

import pytest

from db_provisioners.errors import TemplateImportError
from db_provisioners.postgresql.extensions import suspicious_word
from db_provisioners.postgresql.provisioner import PostgresqlProvisioner
from db_provisioners.postgresql.templates import template_database
from tests.provisioners.archives import written
from tests.provisioners.world import World, imported

pytestmark = pytest.mark.anyio


async def refusal(world: World, provisioner: PostgresqlProvisioner, archive: Path) -> str:
    """What the import says; nothing of it may be left."""
    template_id = uuid.uuid4()
    with pytest.raises(TemplateImportError) as caught:
        await imported(provisioner, archive, template_id=template_id)
    assert world.remains(template_database(template_id)) == []
    return str(caught.value)


@pytest.mark.parametrize(
    ("use", "user"),
    [
        ("CREATE TABLE edfi.t (a hstorelike.hstorelike)", "schema"),
        (
            """--
-- Name: locked; Type: TABLE; Schema: edfi; Owner: -
--

CREATE TABLE edfi.locked (a bytea DEFAULT public.gen_salted('x'))""",
            "TABLE edfi.locked",
        ),
        (
            """CREATE FUNCTION edfi.locks(text) RETURNS text LANGUAGE plpgsql AS
               $$ BEGIN RETURN public.gen_salted($1); END $$""",
            "edfi.locks(text)",
        ),
        (
            """CREATE FUNCTION edfi.casts() RETURNS void LANGUAGE plpgsql AS $$ DECLARE a missingext; BEGIN END $$""",
            "edfi.casts()",
        ),
    ],
)
async def test_an_extension_that_is_used_but_not_offered_is_named_with_its_user(
    world: World, provisioner: PostgresqlProvisioner, tmp_path: Path, use: str, user: str
) -> None:
    script = f"CREATE SCHEMA edfi; CREATE EXTENSION missingext;\nSET check_function_bodies = false;\n{use};"
    said = await refusal(world, provisioner, written(tmp_path, script))
    assert user in said
    assert "missingext" in said


@pytest.mark.parametrize("command", ["! touch {}", "o {}", "connect postgres", "copy (SELECT 1) TO {}", "ir {}"])
async def test_backslash_commands_are_refused_and_not_run(
    world: World, provisioner: PostgresqlProvisioner, tmp_path: Path, command: str
) -> None:
    trace = tmp_path / "trace"
    said = await refusal(world, provisioner, written(tmp_path, f"SELECT 1;\n\\{command.format(trace)}\nSELECT 2;"))
    assert "backslash" in said
    assert not trace.exists()


@pytest.mark.parametrize(
    "attack",
    [
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "CREATE ROLE intruder SUPERUSER",
        "CREATE DATABASE intruder",
        "DO $$ BEGIN EXECUTE 'RESET ROLE; CREATE ROLE intruder'; END $$",
        "DO $$ BEGIN EXECUTE 'SET ROLE pg_read_all_data'; END $$",
        "DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS NULL', current_database()); END $$",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = x', current_database()); END $$",
        "DO $$ BEGIN EXECUTE format('GRANT %I TO PUBLIC', current_database() || '_owner'); END $$",
        "CREATE EVENT TRIGGER t ON ddl_command_start EXECUTE FUNCTION pg_catalog.now()",
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc', 'system'",
    ],
)
async def test_an_archive_cannot_reach_beyond_its_staging_database(
    world: World, provisioner: PostgresqlProvisioner, tmp_path: Path, attack: str
) -> None:
    await refusal(world, provisioner, written(tmp_path, f"{attack};"))
    assert world.sql("SELECT 1 FROM pg_roles WHERE rolname = 'intruder'") == []


@pytest.mark.parametrize("form", ["custom", "plain", "custom.gz", "plain.gz"])
async def test_a_cut_off_archive_is_refused(
    world: World, provisioner: PostgresqlProvisioner, archives: dict[str, Path], tmp_path: Path, form: str
) -> None:
    whole = archives[form].read_bytes()
    for part in (0.3, 0.9):
        cut = tmp_path / f"cut {part}"
        cut.write_bytes(whole[: int(len(whole) * part)])
        await refusal(world, provisioner, cut)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x1f\x8b",
        b"PGDMP",
        b"PGDMP\x01\x63\x00\x04",
        os.urandom(300),
        b"\x1f\x8b" + b"x" * 50,
        b"\x1f\x8b\x08" + b"\0" * 7 + b"\xff" * 50,
        b"x" * 257 + b"ustar" + b"\0" * 250,
        b"SELECT 1",
        b"SELECT 1/0;",
        "SELECT 1;".encode("utf-16"),
    ],
    ids=[
        "empty",
        "gzip",
        "magic",
        "version",
        "random",
        "no gzip",
        "damaged gzip",
        "tar",
        "unfinished",
        "failing",
        "utf-16",
    ],
)
async def test_what_is_no_archive_is_refused(
    world: World, provisioner: PostgresqlProvisioner, tmp_path: Path, content: bytes
) -> None:
    if content == b"SELECT 1":
        content += b" AS 'x"
    (tmp_path / "archive").write_bytes(content)
    assert await refusal(world, provisioner, tmp_path / "archive")


async def test_an_absent_file_is_refused(world: World, provisioner: PostgresqlProvisioner, tmp_path: Path) -> None:
    assert "FileNotFoundError" in await refusal(world, provisioner, tmp_path / "absent")


async def test_an_endless_archive_is_stopped(world: World, tmp_path: Path) -> None:
    async with world.provisioner(import_timeout=0.5) as hasty:
        said = await refusal(world, hasty, written(tmp_path, "SELECT pg_sleep(600);"))
    assert "longer" in said


KNOWN = {"as", "coalesce", "now", "in", "values", "student", "text"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("SELECT coalesce(a, now()) FROM t WHERE a IN (1)", None),
        ("INSERT INTO student (a) VALUES (1)", None),
        ("SELECT digest('x', 'sha1')", "digest"),
        ("SELECT public.digest('x')", "digest"),
        ('SELECT "digest" (1)', "digest"),
        ("-- digest(1)\nSELECT now()", None),
        ("/* digest(1) */ SELECT now()", None),
        ("RAISE NOTICE 'digest (1)'", None),
        ("EXECUTE 'SELECT digest(1)'", "digest"),
        ("WITH mine (a) AS (SELECT 1) SELECT now() FROM mine", None),
        ("SELECT * FROM now() AS t(a)", None),
        ("IF a THEN ELSIF (b) THEN END IF", None),
        ("DECLARE a pgcrypto; BEGIN END", "pgcrypto"),
        ("SELECT pgcrypto_of_mine", None),
    ],
)
def test_function_bodies_that_could_need_an_extension_are_noticed(body: str, expected: str | None) -> None:
    assert suspicious_word(body, KNOWN, ["pgcrypto"]) == expected
