"""The chain of migrations builds exactly what the tables say, from nothing, both ways, and by several at once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from tenant_api.db import migrations, tables
from tenant_api.db.urls import sqlalchemy_url
from tenant_api.embedded import ServerAddress
from tests import database
from tests.cli.command import external

AT_ONCE = 2
METADATA = tables.Tenant.metadata
# Plugins' tables are made by plain SQL in the chain; there are no table classes of them.
OURS = "relname !~ '^(idp_|alembic_version)' AND relnamespace = 'public'::regnamespace"

COLUMNS = f"""
SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
       pg_get_expr(adbin, adrelid)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE relkind = 'r' AND {OURS}
"""
CONSTRAINTS = f"""
SELECT relname, conname, pg_get_constraintdef(pg_constraint.oid)
FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
WHERE contype <> 'n' AND {OURS}
"""
INDEXES = f"""
SELECT relname, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indrelid WHERE {OURS}
"""
LEFT = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'S', 'v') AND relnamespace = 'public'::regnamespace"


@pytest.fixture
def built_from_tables(server: ServerAddress) -> Iterator[str]:
    """A database as the table classes describe it, without any migration."""
    with database.temporary_database(server) as url:
        with _connected(url) as connection, connection.begin():
            METADATA.create_all(connection)
        yield url


def _connected(url: str) -> Connection:
    return create_engine(sqlalchemy_url(url), poolclass=NullPool).connect()


def facts(url: str, query: str) -> set[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return set(connection.execute(query).fetchall())


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory(str(migrations.scripts_folder())).get_heads()) == 1


def test_revisions_are_numbered_in_their_order() -> None:
    scripts = list(ScriptDirectory(str(migrations.scripts_folder())).walk_revisions())
    numbers = [script.revision for script in reversed(scripts)]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    assert all(Path(script.path).name.startswith(f"{script.revision}_") for script in scripts)


def test_alembic_finds_nothing_left_to_migrate(database_url: str) -> None:
    def compared(_: Any, name: str | None, kind: str, reflected: bool, *__: Any) -> bool:
        return not (kind == "table" and reflected and str(name).startswith("idp_"))

    with _connected(database_url) as connection:
        options = {"include_object": compared, "compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


@pytest.mark.parametrize("query", [COLUMNS, CONSTRAINTS, INDEXES], ids=["columns", "constraints", "indexes"])
def test_the_catalogs_of_both_agree(database_url: str, built_from_tables: str, query: str) -> None:
    migrated, described = facts(database_url, query), facts(built_from_tables, query)
    assert described
    assert migrated - described == set(), "only in the migrated database"
    assert described - migrated == set(), "only in the table classes"


def test_the_chain_leads_back_to_nothing_and_forth_again(empty_database_url: str, database_url: str) -> None:
    migrations.upgrade(empty_database_url)
    migrations.downgrade(empty_database_url, "base")
    assert facts(empty_database_url, LEFT) == {("alembic_version",)}
    migrations.upgrade(empty_database_url)
    for query in (COLUMNS, CONSTRAINTS, INDEXES):
        assert facts(empty_database_url, query) == facts(database_url, query)


def test_every_single_step_can_be_taken_back(empty_database_url: str) -> None:
    scripts = reversed(list(ScriptDirectory(str(migrations.scripts_folder())).walk_revisions()))
    for script in scripts:
        before = facts(empty_database_url, LEFT)
        migrations.upgrade(empty_database_url, script.revision)
        assert not isinstance(script.down_revision, (list, tuple)), "one chain, without merges"
        migrations.downgrade(empty_database_url, script.down_revision or "base")
        assert facts(empty_database_url, LEFT) - {("alembic_version",)} == before - {("alembic_version",)}
        migrations.upgrade(empty_database_url, script.revision)


LOADED = """
INSERT INTO claims_documents (tenant_id, reload_id, document) VALUES (0, gen_random_uuid(), '{"claimSets": [
  {"claimSetName": "Loaded", "isSystemReserved": true}, {"claimSetName": "Own", "isSystemReserved": false}]}');
INSERT INTO claim_sets (tenant_id, claim_set_name, is_system_reserved, created_by)
VALUES (0, 'Loaded', true, 'x'), (0, 'Own', false, 'x'), (0, 'Reserved', true, 'x')
"""


def test_of_reserved_claim_sets_those_that_were_loaded_become_shared(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url, "0009")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(LOADED)
    migrations.upgrade(empty_database_url)
    assert facts(empty_database_url, "SELECT claim_set_name FROM claim_sets WHERE shared") == {("Loaded",)}


BEFORE_LAYERS = """
INSERT INTO tenants (id, name, created_by) OVERRIDING SYSTEM VALUE VALUES (1, 'North', 'x'), (2, 'South', 'x');
INSERT INTO claim_sets (tenant_id, claim_set_name, is_system_reserved, shared, created_by)
VALUES (0, 'Vendor', true, true, 'x'), (0, 'Reader', true, true, 'x'), (0, 'Fixed', true, false, 'x'),
       (1, 'Vendor', true, false, 'x'), (2, 'Own', false, false, 'x');
INSERT INTO resource_claims (claim_name) VALUES ('a'), ('b');
INSERT INTO claim_nodes (tenant_id, resource_claim_id, position) VALUES (0, 1, 0), (1, 1, 0), (1, 2, 1);
INSERT INTO claims_documents (tenant_id, reload_id, document) VALUES
  (0, gen_random_uuid(), '{"claimSets": [], "claimsHierarchy": [{"name": "a", "claimSets": [
    {"name": "Reader", "actions": [{"name": "Delete"}]}]}]}'),
  (1, gen_random_uuid(), '{"claimSets": [], "claimsHierarchy": [{"name": "a",
    "defaultAuthorization": {"actions": [{"name": "Read", "authorizationStrategies": [{"name": "Default"}]}]},
    "claimSets": [{"name": "Other", "actions": [{"name": "Create"}]}, {"name": "Reader", "actions": [
      {"name": "readChanges"}, {"name": "READ", "authorizationStrategyOverrides":
        [{"name": "Z"}, {"name": "B"}, {"name": "Z"}]}, {"name": "Read"}]}],
    "claims": [{"name": "b", "claimSets": [{"name": "Reader", "actions": [{"name": "Update"}]},
                                           {"name": "Reader", "actions": [{"name": "Delete"}]}]}]}]}')
"""
SETS = "SELECT tenant_id, claim_set_name, shared FROM claim_sets"
GRANTS = """
SELECT tenant_id, claim_set_name, resource_claim_id, action_id, position, overrides::text
FROM claim_set_permissions JOIN claim_sets ON id = claim_set_id
"""


def test_a_tenant_with_a_hierarchy_of_its_own_gets_its_own_sets_with_what_its_document_grants(
    empty_database_url: str,
) -> None:
    migrations.upgrade(empty_database_url, "0010")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(BEFORE_LAYERS)
    before = facts(empty_database_url, SETS)
    migrations.upgrade(empty_database_url)
    assert facts(empty_database_url, SETS) - before == {(1, "Reader", False)}
    assert facts(empty_database_url, GRANTS) == {
        (1, "Reader", 1, 2, 1, "{Z,B}"),
        (1, "Reader", 1, 5, 0, "{}"),
        (1, "Reader", 2, 3, 0, "{}"),
    }
    nodes = "SELECT DISTINCT tenant_id, shared FROM claim_nodes"
    assert facts(empty_database_url, nodes) == {(0, True), (1, False)}
    strategies = "SELECT tenant_id, shared, name FROM claims_documents, unnest(strategies) AS name"
    assert facts(empty_database_url, strategies) == {(1, False, name) for name in ("B", "Default", "Z")}


def test_the_default_tenants_own_layer_goes_with_the_version_that_knows_it(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("""
            INSERT INTO claim_sets (tenant_id, claim_set_name, is_system_reserved, shared, created_by)
            VALUES (0, 'Vendor', true, true, 'x'), (0, 'Vendor', false, false, 'x'), (0, 'Own', false, false, 'x');
            INSERT INTO claims_documents (tenant_id, shared, reload_id, document)
            VALUES (0, true, gen_random_uuid(), '{}'), (0, false, gen_random_uuid(), '{}')
        """)
    [shared] = facts(empty_database_url, "SELECT reload_id FROM claims_documents WHERE shared")
    migrations.downgrade(empty_database_url, "0010")
    assert facts(empty_database_url, SETS) == {(0, "Vendor", True), (0, "Own", False)}
    assert facts(empty_database_url, "SELECT reload_id FROM claims_documents") == {shared}


def test_two_upgrades_at_once_agree(empty_database_url: str) -> None:
    # The URL travels by environment: arguments are shown to everybody.
    environment = {**os.environ, **external(empty_database_url)}
    command = [sys.executable, "-m", "tenant_api", "migrate", "--json"]
    started = [subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, text=True) for _ in range(AT_ONCE)]
    ended = [(process.communicate(timeout=60), process.returncode) for process in started]
    assert [code for _, code in ended] == [0] * AT_ONCE, ended
    assert migrations.current_revision(empty_database_url) == migrations.newest_revision()
    assert facts(empty_database_url, "SELECT count(*) FROM installations") == {(1,)}


def test_a_migrated_database_holds_one_installation_and_the_default_tenant(database_url: str) -> None:
    assert facts(database_url, "SELECT count(*), min(epoch) FROM installations") == {(1, 1)}
    assert facts(database_url, "SELECT id, name FROM tenants") == {
        (tables.DEFAULT_TENANT_ID, tables.DEFAULT_TENANT_NAME)
    }
