"""Ownership on a real server: what is not provably ours is neither taken nor dropped, whatever it is called."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from psycopg.sql import SQL, Identifier

from db_provisioners.contract import Handle, Presence, TemplateRef
from db_provisioners.errors import (
    ForeignDatabaseError,
    InvalidDatabaseError,
    ProvisionerDeniedError,
    TemplateImportError,
    VerificationError,
)
from db_provisioners.names import owner_of
from db_provisioners.postgresql.provisioner import PostgresqlProvisioner
from db_provisioners.postgresql.templates import objects_owner
from db_provisioners.trial import HostForTests, deleted, provisioned
from tests.provisioners.world import Tenant, World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def made(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> AsyncIterator[tuple[Tenant, Handle]]:
    """A finished database; whatever a test made of it is cleared away by the superuser."""
    tenant = world.tenant(template)
    yield tenant, await provisioned(provisioner, tenant.spec)
    clear(world, tenant.spec.physical_name)


def clear(world: World, name: str) -> None:
    world.sql(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
    for role in (name, owner_of(name)):
        world.sql(SQL("DROP ROLE IF EXISTS {}").format(Identifier(role)))


async def refused(provisioner: PostgresqlProvisioner, tenant: Tenant, handle: Handle) -> None:
    assert (await provisioner.observe(tenant.spec, handle)).presence is Presence.FOREIGN
    for call in (provisioner.provision, provisioner.delete):
        with pytest.raises(ForeignDatabaseError):
            await call(tenant.spec, handle)
    with pytest.raises((ForeignDatabaseError, VerificationError)):
        await provisioner.verify(tenant.spec, handle, tenant.password)


async def test_a_stripped_marker_is_forgiven_only_where_our_row_knows_the_oid(
    world: World, provisioner: PostgresqlProvisioner, made: tuple[Tenant, Handle]
) -> None:
    tenant, handle = made
    name = tenant.spec.physical_name
    world.set_comment("DATABASE", name, None)
    await refused(provisioner, tenant, {})
    await refused(provisioner, tenant, {**handle, "databaseOid": 1})
    assert (await provisioner.observe(tenant.spec, handle)).presence is Presence.OURS
    await deleted(provisioner, tenant.spec, handle)
    assert world.remains(name) == []


async def test_a_copied_marker_does_not_make_a_database_ours(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef, made: tuple[Tenant, Handle]
) -> None:
    tenant, handle = made
    other = world.tenant(template)
    name = other.spec.physical_name
    world.sql(SQL("CREATE DATABASE {}").format(Identifier(name)))
    world.set_comment("DATABASE", name, world.comment(tenant.spec.physical_name))
    disguised = replace(other, spec=replace(other.spec, target_id=tenant.spec.target_id))
    await refused(provisioner, disguised, handle)
    await refused(provisioner, disguised, {})
    assert world.exists(name)
    clear(world, name)


async def test_a_reowned_database_is_ours_by_its_marker_but_beyond_our_rights(
    world: World, provisioner: PostgresqlProvisioner, made: tuple[Tenant, Handle]
) -> None:
    tenant, handle = made
    name = tenant.spec.physical_name
    world.sql(SQL("ALTER DATABASE {} OWNER TO postgres").format(Identifier(name)))
    assert (await provisioner.observe(tenant.spec, handle)).presence is Presence.OURS
    with pytest.raises(ProvisionerDeniedError):
        await deleted(provisioner, tenant.spec, handle)
    assert world.exists(name)
    world.sql(SQL("ALTER DATABASE {} OWNER TO {}").format(Identifier(name), Identifier(owner_of(name))))
    await deleted(provisioner, tenant.spec, handle)
    assert world.remains(name) == []


async def test_a_reowned_and_stripped_database_is_foreign(
    world: World, provisioner: PostgresqlProvisioner, made: tuple[Tenant, Handle]
) -> None:
    tenant, handle = made
    world.sql(SQL("ALTER DATABASE {} OWNER TO postgres").format(Identifier(tenant.spec.physical_name)))
    world.set_comment("DATABASE", tenant.spec.physical_name, None)
    await refused(provisioner, tenant, handle)
    assert world.exists(tenant.spec.physical_name)


async def test_a_recreated_database_is_foreign_even_with_our_owner_role_and_the_old_comment(
    world: World, provisioner: PostgresqlProvisioner, made: tuple[Tenant, Handle]
) -> None:
    tenant, handle = made
    name = tenant.spec.physical_name
    comment = world.comment(name)
    world.sql(SQL("DROP DATABASE {}").format(Identifier(name)))
    world.sql(SQL("CREATE DATABASE {} OWNER {}").format(Identifier(name), Identifier(owner_of(name))))
    await refused(provisioner, tenant, handle)
    world.set_comment("DATABASE", name, comment)
    await refused(provisioner, tenant, handle)
    assert world.exists(name)


async def test_a_forged_owner_role_proves_nothing(
    world: World, provisioner: PostgresqlProvisioner, made: tuple[Tenant, Handle]
) -> None:
    tenant, handle = made
    world.set_comment("DATABASE", tenant.spec.physical_name, None)
    world.set_comment("ROLE", owner_of(tenant.spec.physical_name), "tenant-api:v1:forged")
    await refused(provisioner, tenant, handle)


async def test_a_database_that_proves_itself_goes_and_its_stripped_owner_role_stays_and_is_told(
    world: World, provisioner: PostgresqlProvisioner, made: tuple[Tenant, Handle]
) -> None:
    tenant, handle = made
    name = tenant.spec.physical_name
    world.set_comment("ROLE", owner_of(name), None)
    world.set_comment("ROLE", name, None)
    for _ in range(2):
        with pytest.raises(ForeignDatabaseError, match="not touched"):
            await deleted(provisioner, tenant.spec, handle)
        assert world.remains(name) == [f"role {owner_of(name)}"]


async def test_another_installation_on_the_same_server_is_foreign(
    world: World, made: tuple[Tenant, Handle], provisioner: PostgresqlProvisioner
) -> None:
    tenant, handle = made
    async with world.provisioner(HostForTests()) as other:
        await refused(other, tenant, handle)
    assert (await provisioner.observe(tenant.spec, handle)).presence is Presence.OURS


async def test_an_older_backup_of_our_own_records_does_not_act_on_newer_markers(
    world: World, made: tuple[Tenant, Handle], template: TemplateRef
) -> None:
    tenant = world.tenant(template)
    async with world.provisioner(replace(world.host, epoch=2)) as newer:
        await provisioned(newer, tenant.spec)
        async with world.provisioner() as older:
            await refused(older, tenant, {})
        await deleted(newer, tenant.spec)
        await deleted(newer, made[0].spec)


@pytest.mark.parametrize("suffix", ["", "_owner"])
async def test_a_foreign_role_of_the_name_is_neither_used_nor_dropped(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef, suffix: str
) -> None:
    tenant = world.tenant(template)
    role = tenant.spec.physical_name + suffix
    world.sql(SQL("CREATE ROLE {}").format(Identifier(role)))
    for call in (provisioner.provision, provisioner.delete):
        with pytest.raises(ForeignDatabaseError):
            await call(tenant.spec, {})
    assert world.remains(tenant.spec.physical_name) == [f"role {role}"]
    clear(world, tenant.spec.physical_name)


async def test_what_is_ours_goes_also_when_a_foreign_role_took_the_logins_name(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> None:
    tenant = world.tenant(template)
    name = tenant.spec.physical_name
    first = await provisioner.provision(tenant.spec, {})
    second = await provisioner.provision(tenant.spec, first.handle)
    world.sql(SQL("CREATE ROLE {}").format(Identifier(name)))
    with pytest.raises(ForeignDatabaseError):
        await deleted(provisioner, tenant.spec, second.handle)
    assert world.remains(name) == [f"role {name}"]
    clear(world, name)


async def test_a_template_without_its_marker_is_not_copied_and_not_dropped(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> None:
    database = str(template.handle["database"])
    comment = world.comment(database)
    world.set_comment("DATABASE", database, None)
    try:
        tenant = world.tenant(template)
        first = await provisioner.provision(tenant.spec, {})
        with pytest.raises(InvalidDatabaseError):
            await provisioner.provision(tenant.spec, first.handle)
        await deleted(provisioner, tenant.spec, first.handle)
        forgetful = replace(template, handle={**template.handle, "databaseOid": 1})
        with pytest.raises(ForeignDatabaseError):
            await provisioner.delete_template(forgetful)
        assert world.exists(database)
    finally:
        world.set_comment("DATABASE", database, comment)


async def test_an_unsealed_template_is_not_copied(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> None:
    database = Identifier(str(template.handle["database"]))
    world.sql(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(database))
    try:
        tenant = world.tenant(template)
        first = await provisioner.provision(tenant.spec, {})
        with pytest.raises(InvalidDatabaseError, match="sealed"):
            await provisioner.provision(tenant.spec, first.handle)
        await deleted(provisioner, tenant.spec, first.handle)
    finally:
        world.sql(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(database))


async def test_a_foreign_role_of_the_objects_owners_name_stops_imports(world: World) -> None:
    from tests.provisioners.world import imported

    host = HostForTests()
    world.sql(SQL("CREATE ROLE {}").format(Identifier(objects_owner(host))))
    async with world.provisioner(host) as opened:
        with opened.samples()["Minimal"] as archive, pytest.raises((ProvisionerDeniedError, TemplateImportError)):
            await imported(opened, archive)
    world.sql(SQL("DROP ROLE {}").format(Identifier(objects_owner(host))))
