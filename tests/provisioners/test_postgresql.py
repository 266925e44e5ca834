import uuid

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from pydantic import SecretStr

from db_provisioners.contract import DatabaseSpec, TemplateRef
from db_provisioners.errors import (
    InvalidDatabaseError,
    ProvisionerConfigurationError,
    ProvisionerDeniedError,
    ProvisionerUnavailableError,
)
from db_provisioners.postgresql.provisioner import PostgresqlProvisioner
from db_provisioners.postgresql.settings import PostgresqlSettings
from db_provisioners.testing import DatabaseProvisionerContract, Plant, Planted
from db_provisioners.trial import HostForTests, deleted, provisioned
from tests.provisioners.world import World

pytestmark = pytest.mark.anyio


class TestPostgresql(DatabaseProvisionerContract):
    @pytest.fixture
    async def provisioner(self, provisioner: PostgresqlProvisioner) -> PostgresqlProvisioner:
        return provisioner

    @pytest.fixture
    async def template(self, template: TemplateRef) -> TemplateRef:
        return template

    @pytest.fixture
    def plant(self, world: World) -> Plant:
        async def put(spec: DatabaseSpec) -> None:
            world.sql(SQL("CREATE DATABASE {}").format(Identifier(spec.physical_name)))

        return put

    @pytest.fixture
    def planted(self, world: World) -> Planted:
        async def look(spec: DatabaseSpec) -> bool:
            name = spec.physical_name
            untouched = world.remains(name) == [f"database {name}"] and world.comment(name) is None
            world.sql(SQL("DROP DATABASE {}").format(Identifier(name)))
            return untouched

        return look


async def test_nothing_is_left_behind_by_a_deleted_database(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> None:
    tenant = world.tenant(template)
    handle = await provisioned(provisioner, tenant.spec)
    assert len(world.remains(tenant.spec.physical_name)) == 3
    with world.as_tenant(tenant) as connected:
        await deleted(provisioner, tenant.spec, handle)
        with pytest.raises(psycopg.OperationalError):
            connected.execute("SELECT 1")
    assert world.remains(tenant.spec.physical_name) == []


async def test_the_counts_are_those_of_the_sample(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> None:
    tenant = world.tenant(template)
    handle = await provisioned(provisioner, tenant.spec)
    health = await provisioner.health(tenant.spec, handle, tenant.password)
    assert health.counts == {
        "educationOrganizations": 5,
        "localEducationAgencies": 1,
        "schools": 3,
        "students": 600,
        "staff": 48,
        "sections": 96,
        "studentSchoolAssociations": 600,
    }
    assert health.estimated == ()
    assert health.size_bytes
    assert health.uptime_seconds is not None
    assert health.server_version
    assert health.server_version.startswith("18")
    await deleted(provisioner, tenant.spec, handle)


async def test_counts_that_take_too_long_are_estimates_and_say_so(world: World, template: TemplateRef) -> None:
    async with world.provisioner(health_timeout=0.000_001) as hasty:
        tenant = world.tenant(template)
        handle = await provisioned(hasty, tenant.spec)
        health = await hasty.health(tenant.spec, handle, tenant.password)
        assert health.available
        assert set(health.estimated) == set(health.counts)
        assert 300 < health.counts["students"] < 1200
        await deleted(hasty, tenant.spec, handle)


async def test_the_server_keeps_its_name_at_another_address(world: World, provisioner: PostgresqlProvisioner) -> None:
    async with world.provisioner(tenant_host="db.example", tenant_port=6543) as other:
        assert other.server == provisioner.server
        where = await other.connect(world.tenant(TemplateRef(name="x", handle={}, fingerprint="")).spec, {})
        assert (where.host, where.port) == ("db.example", 6543)


async def test_a_role_without_createrole_fails_the_check(world: World) -> None:
    name = f"weak_{uuid.uuid4().hex[:8]}"
    world.sql(SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD 'weak'").format(Identifier(name)))
    weak = psycopg.conninfo.make_conninfo(world.superuser, user=name, password="weak")
    opened = await PostgresqlProvisioner.open(PostgresqlSettings(admin_url=SecretStr(weak)), HostForTests())
    with pytest.raises(ProvisionerDeniedError, match="CREATEROLE"):
        await opened.check()
    await opened.close()


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("postgresql://u:p%zz-canary@h/d", ProvisionerConfigurationError),
        ("postgresql://u:canary@127.0.0.1:1/d", ProvisionerUnavailableError),
        ("postgresql://u:canary@one,two/d", ProvisionerConfigurationError),
    ],
)
async def test_an_unusable_address_is_told_without_its_password(url: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        await PostgresqlProvisioner.open(PostgresqlSettings(admin_url=SecretStr(url)), HostForTests())
    assert "canary" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_a_wrong_administrator_password_is_denied_without_showing_it(world: World) -> None:
    url = psycopg.conninfo.make_conninfo(world.administrator, password="canary")
    with pytest.raises(ProvisionerDeniedError) as caught:
        await PostgresqlProvisioner.open(PostgresqlSettings(admin_url=SecretStr(url)), HostForTests())
    assert "canary" not in repr(caught.value)


async def test_a_template_that_is_gone_is_an_invalid_specification(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> None:
    gone = {**template.handle, "templateId": str(uuid.uuid4()), "database": f"ta_template_{uuid.uuid4().hex}"}
    spec = world.tenant(TemplateRef(name="Gone", handle=gone, fingerprint="")).spec
    progress = await provisioner.provision(spec, {})
    with pytest.raises(InvalidDatabaseError, match="Gone"):
        await provisioner.provision(spec, progress.handle)
    await deleted(provisioner, spec, progress.handle)
    assert world.remains(spec.physical_name) == []


async def test_a_template_handle_cannot_point_at_any_other_database(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> None:
    forged = {**template.handle, "database": "postgres"}
    spec = world.tenant(TemplateRef(name="Forged", handle=forged, fingerprint="")).spec
    progress = await provisioner.provision(spec, {})
    with pytest.raises(InvalidDatabaseError, match="proof"):
        await provisioner.provision(spec, progress.handle)
    await deleted(provisioner, spec, progress.handle)


@pytest.mark.parametrize("verifier", ["", "md5abc", "SCRAM-SHA-256$4096:x'; DROP ROLE admin; --$y:z"])
async def test_only_a_scram_verifier_becomes_a_password(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef, verifier: str
) -> None:
    spec = world.tenant(template).spec
    spec = DatabaseSpec(
        target_id=spec.target_id, physical_name=spec.physical_name, template=template, login_verifier=verifier
    )
    with pytest.raises(InvalidDatabaseError) as caught:
        await provisioned(provisioner, spec)
    assert not verifier or verifier not in str(caught.value)
    await deleted(provisioner, spec)


@pytest.mark.parametrize("name", ["", "Upper", 'ta"; DROP DATABASE x; --', "a" * 57, "pg\0x", "ta-x"])
async def test_a_name_that_we_did_not_generate_is_refused(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef, name: str
) -> None:
    spec = world.tenant(template).spec
    odd = DatabaseSpec(
        target_id=spec.target_id, physical_name=name, template=template, login_verifier=spec.login_verifier
    )
    with pytest.raises(InvalidDatabaseError):
        await provisioner.provision(odd, {})


async def test_the_newest_servers_have_no_risks_to_report(provisioner: PostgresqlProvisioner) -> None:
    assert await provisioner.risks() == []
