"""The oldest server that we support: other rules about roles, no transaction_timeout, pgcrypto at hand."""

import uuid
from pathlib import Path

import pytest
from psycopg.sql import SQL, Identifier

from db_provisioners.contract import Handle, Presence, TemplateRef
from db_provisioners.errors import ForeignDatabaseError
from db_provisioners.names import owner_of
from db_provisioners.postgresql.provisioner import PostgresqlProvisioner
from db_provisioners.trial import deleted, provisioned, template_deleted
from tests.provisioners.archives import zipped
from tests.provisioners.world import World, imported

pytestmark = pytest.mark.anyio


async def test_the_whole_life_of_a_database(
    world_15: World, provisioner_15: PostgresqlProvisioner, template_15: TemplateRef
) -> None:
    tenant = world_15.tenant(template_15)
    handle: Handle = {}
    while True:
        await provisioner_15.provision(tenant.spec, handle)
        progress = await provisioner_15.provision(tenant.spec, handle)
        handle = progress.handle
        if progress.done:
            break
    assert (await provisioner_15.verify(tenant.spec, handle, tenant.password)).done
    health = await provisioner_15.health(tenant.spec, handle, tenant.password)
    assert health.counts["students"] == 600
    assert health.server_version
    assert health.server_version.startswith("15")
    with world_15.as_tenant(tenant) as own:
        own.execute("DELETE FROM edfi.studentcontactassociation")
    await deleted(provisioner_15, tenant.spec, handle)
    assert world_15.remains(tenant.spec.physical_name) == []


async def test_ownership_is_judged_alike(
    world_15: World, provisioner_15: PostgresqlProvisioner, template_15: TemplateRef
) -> None:
    tenant = world_15.tenant(template_15)
    name = tenant.spec.physical_name
    handle = await provisioned(provisioner_15, tenant.spec)
    world_15.set_comment("DATABASE", name, None)
    assert (await provisioner_15.observe(tenant.spec, {})).presence is Presence.FOREIGN
    assert (await provisioner_15.observe(tenant.spec, handle)).presence is Presence.OURS
    world_15.sql(SQL("DROP DATABASE {}").format(Identifier(name)))
    world_15.sql(SQL("CREATE DATABASE {} OWNER {}").format(Identifier(name), Identifier(owner_of(name))))
    with pytest.raises(ForeignDatabaseError):
        await provisioner_15.delete(tenant.spec, handle)
    world_15.sql(SQL("DROP DATABASE {}").format(Identifier(name)))
    await deleted(provisioner_15, tenant.spec, handle)
    assert world_15.remains(name) == []


@pytest.mark.parametrize("form", ["plain", "plain.gz"])
async def test_a_dump_of_a_newer_server_is_imported_without_the_settings_it_lacks(
    world_15: World, provisioner_15: PostgresqlProvisioner, tmp_path: Path, form: str
) -> None:
    """The way from our own tools, which say SET transaction_timeout in any case."""
    script = """SET transaction_timeout = 0;
CREATE SCHEMA edfi;
CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;
CREATE TABLE edfi.school (schoolid integer, note text, token bytea DEFAULT public.gen_random_bytes(4));
COPY edfi.school (schoolid, note) FROM stdin;
1\tSET transaction_timeout = 0;
2\t\\\\.
\\.
"""
    archive = tmp_path / "archive.sql"
    archive.write_text(script)
    if form == "plain.gz":
        archive = zipped(archive)
    last = await imported(provisioner_15, archive, ddl=True)
    template = last.template
    assert template is not None
    assert last.notes == ()
    tenant = world_15.tenant(template)
    handle = await provisioned(provisioner_15, tenant.spec)
    assert (await provisioner_15.verify(tenant.spec, handle, tenant.password)).done
    with world_15.as_tenant(tenant) as own:
        rows = own.execute("SELECT note FROM edfi.school ORDER BY schoolid").fetchall()
        own.execute("ALTER TABLE edfi.school ADD COLUMN more integer")
        own.execute("INSERT INTO edfi.school (schoolid) VALUES (3)")
    assert rows == [("SET transaction_timeout = 0;",), ("\\.",)]
    await deleted(provisioner_15, tenant.spec, handle)
    await template_deleted(provisioner_15, template)


async def test_a_custom_archive_of_a_newer_server_is_imported(
    provisioner_15: PostgresqlProvisioner, archives: dict[str, Path]
) -> None:
    last = await imported(provisioner_15, archives["custom"])
    assert last.tables == 5
    assert last.template is not None
    await template_deleted(provisioner_15, last.template)


async def test_roles_that_could_rewrite_markers_are_reported(
    world_15: World, provisioner_15: PostgresqlProvisioner
) -> None:
    rival = f"rival_{uuid.uuid4().hex[:8]}"
    world_15.sql(SQL("CREATE ROLE {} CREATEROLE").format(Identifier(rival)))
    assert any(rival in risk for risk in await provisioner_15.risks())
    world_15.sql(SQL("DROP ROLE {}").format(Identifier(rival)))
    assert not any(rival in risk for risk in await provisioner_15.risks())
