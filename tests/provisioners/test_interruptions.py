"""Killed clients, interrupted drops and busy servers: whoever comes next finds the truth and finishes the work."""

import asyncio
import contextlib
import pickle
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from db_provisioners.contract import Handle, Presence, TemplateRef
from db_provisioners.errors import InvalidDatabaseError
from db_provisioners.names import owner_of
from db_provisioners.postgresql.long_statements import session_name
from db_provisioners.postgresql.provisioner import PostgresqlProvisioner
from db_provisioners.trial import deleted, provisioned
from tests.provisioners.world import Tenant, World, eventually

pytestmark = pytest.mark.anyio

PROVISION_ONCE = """
import asyncio, pickle, sys
from db_provisioners.postgresql.provisioner import PostgresqlProvisioner

async def main():
    settings, host, spec, handle = pickle.loads(sys.stdin.buffer.read())
    provisioner = await PostgresqlProvisioner.open(settings, host)
    await provisioner.provision(spec, handle)

asyncio.run(main())
"""


@contextlib.contextmanager
def creates_held_up(world: World) -> Iterator[None]:
    """Every CREATE DATABASE of the server waits inside, as if its template were huge."""
    with psycopg.connect(world.superuser) as holder:
        holder.execute("LOCK TABLE pg_database IN SHARE MODE")
        yield
        holder.rollback()


def sessions(world: World, name: str) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
    return int(world.sql(query, session_name("create", name))[0][0])


@pytest.fixture
async def killed(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> AsyncIterator[tuple[Tenant, Handle]]:
    """A tenant whose worker was killed in the middle of CREATE DATABASE; the server is still at it."""
    tenant = world.tenant(template)
    name = tenant.spec.physical_name
    handle = (await provisioner.provision(tenant.spec, {})).handle
    with creates_held_up(world):
        with subprocess.Popen([sys.executable, "-c", PROVISION_ONCE], stdin=subprocess.PIPE) as worker:
            assert worker.stdin is not None
            worker.stdin.write(pickle.dumps((world.settings(), world.host, tenant.spec, handle)))
            worker.stdin.close()
            await eventually(lambda: sessions(world, name) == 1)
            worker.send_signal(signal.SIGKILL)
        assert worker.returncode == -signal.SIGKILL
        assert sessions(world, name) == 1
        assert not world.exists(name)
        yield tenant, handle
    await deleted(provisioner, tenant.spec, handle)


async def test_a_create_waits_for_the_servers_own_end_of_a_killed_one(
    world: World, provisioner: PostgresqlProvisioner, killed: tuple[Tenant, Handle]
) -> None:
    tenant, handle = killed
    progress = await provisioner.provision(tenant.spec, handle)
    assert not progress.done
    assert progress.retry_after.total_seconds() > 0
    assert (await provisioner.observe(tenant.spec, handle)).presence is Presence.UNFINISHED
    assert sessions(world, tenant.spec.physical_name) == 1


async def test_a_delete_waits_for_the_servers_own_end_of_a_killed_create(
    world: World, provisioner: PostgresqlProvisioner, killed: tuple[Tenant, Handle]
) -> None:
    tenant, handle = killed
    for older in (handle, {}):
        assert not (await provisioner.delete(tenant.spec, older)).done
    assert world.remains(tenant.spec.physical_name) == [f"role {owner_of(tenant.spec.physical_name)}"]


@pytest.mark.parametrize("then", ["create", "delete"])
async def test_a_database_that_appears_after_its_clients_death_is_found(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef, then: str
) -> None:
    """As a race: the work goes on while the lock is released and the database appears."""
    tenant = world.tenant(template)
    name = tenant.spec.physical_name
    handle = (await provisioner.provision(tenant.spec, {})).handle
    with creates_held_up(world):
        with subprocess.Popen([sys.executable, "-c", PROVISION_ONCE], stdin=subprocess.PIPE) as worker:
            assert worker.stdin is not None
            worker.stdin.write(pickle.dumps((world.settings(), world.host, tenant.spec, handle)))
            worker.stdin.close()
            await eventually(lambda: sessions(world, name) == 1)
            worker.kill()
        call = provisioned if then == "create" else deleted
        work = asyncio.create_task(call(provisioner, tenant.spec, handle))
        await asyncio.sleep(0)
    await work
    if then == "create":
        handle = await provisioned(provisioner, tenant.spec, handle)
        assert (await provisioner.verify(tenant.spec, handle, tenant.password)).done
        await deleted(provisioner, tenant.spec, handle)
    assert world.remains(name) == []
    assert sessions(world, name) == 0


async def test_a_database_that_appears_while_its_owner_role_is_dropped_is_dropped_too(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> None:
    """The create runs in a session that cannot be recognised, so the delete starts on the wrong assumption."""
    tenant = world.tenant(template)
    name = tenant.spec.physical_name
    handle = (await provisioner.provision(tenant.spec, {})).handle
    statement = SQL("CREATE DATABASE {} OWNER {} ALLOW_CONNECTIONS false").format(
        Identifier(name), Identifier(owner_of(name))
    )

    async def create_unseen() -> None:
        async with await psycopg.AsyncConnection.connect(world.superuser, autocommit=True) as unseen:
            with contextlib.suppress(psycopg.Error):
                await unseen.execute(statement)

    with creates_held_up(world):
        late = asyncio.create_task(create_unseen())
        await asyncio.sleep(0.1)
        delete = asyncio.create_task(deleted(provisioner, tenant.spec, handle))
        await asyncio.sleep(0.1)
    await asyncio.gather(late, delete)
    await deleted(provisioner, tenant.spec, handle)
    assert world.remains(name) == []


async def test_a_long_create_is_reported_and_joined(world: World, template: TemplateRef) -> None:
    async with world.provisioner(patience=0.05) as hasty:
        tenant = world.tenant(template)
        handle = (await hasty.provision(tenant.spec, {})).handle
        with creates_held_up(world):
            assert not (await hasty.provision(tenant.spec, handle)).done
            await eventually(lambda: sessions(world, tenant.spec.physical_name) == 1)
            for _ in range(2):
                assert not (await hasty.provision(tenant.spec, handle)).done
            assert sessions(world, tenant.spec.physical_name) == 1
        handle = await provisioned(hasty, tenant.spec, handle)
        assert (await hasty.verify(tenant.spec, handle, tenant.password)).done
        await deleted(hasty, tenant.spec, handle)


async def test_a_cancelled_call_loses_nothing(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> None:
    tenant = world.tenant(template)
    handle = (await provisioner.provision(tenant.spec, {})).handle
    with creates_held_up(world):
        call = asyncio.create_task(provisioner.provision(tenant.spec, handle))
        await eventually(lambda: sessions(world, tenant.spec.physical_name) == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    handle = await provisioned(provisioner, tenant.spec, handle)
    assert (await provisioner.verify(tenant.spec, handle, tenant.password)).done
    await deleted(provisioner, tenant.spec, handle)


async def test_closing_takes_back_a_running_create(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> None:
    tenant = world.tenant(template)
    async with world.provisioner(patience=0.05) as leaving:
        handle = (await leaving.provision(tenant.spec, {})).handle
        with creates_held_up(world):
            await leaving.provision(tenant.spec, handle)
            await eventually(lambda: sessions(world, tenant.spec.physical_name) == 1)
            await leaving.close()
    await eventually(lambda: sessions(world, tenant.spec.physical_name) == 0)
    assert not world.exists(tenant.spec.physical_name)
    await deleted(provisioner, tenant.spec, handle)
    assert world.remains(tenant.spec.physical_name) == []


async def test_an_interrupted_drop_is_finished_by_the_next(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> None:
    tenant = world.tenant(template)
    name = tenant.spec.physical_name
    handle = await provisioned(provisioner, tenant.spec)
    world.sql("UPDATE pg_database SET datconnlimit = -2 WHERE datname = %s", name)
    assert (await provisioner.observe(tenant.spec, handle)).presence is Presence.UNFINISHED
    assert not (await provisioner.health(tenant.spec, handle, tenant.password)).available
    with pytest.raises(InvalidDatabaseError):
        await provisioner.provision(tenant.spec, handle)
    await deleted(provisioner, tenant.spec, handle)
    assert world.remains(name) == []


async def test_a_create_does_not_revive_what_a_delete_has_begun(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> None:
    tenant = world.tenant(template)
    name = tenant.spec.physical_name
    handle = await provisioned(provisioner, tenant.spec)
    world.sql(SQL("ALTER ROLE {} NOLOGIN").format(Identifier(name)))
    world.sql(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(Identifier(name)))
    with pytest.raises(InvalidDatabaseError, match="half deleted"):
        await provisioner.provision(tenant.spec, handle)
    await deleted(provisioner, tenant.spec, handle)
    assert world.remains(name) == []


async def test_a_template_in_use_delays_a_create(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> None:
    database = str(template.handle["database"])
    allow = SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    tenant = world.tenant(template)
    handle = (await provisioner.provision(tenant.spec, {})).handle
    world.sql(allow.format(Identifier(database), SQL("true")))
    with psycopg.connect(make_conninfo(world.superuser, dbname=database)) as straggler:
        world.sql(allow.format(Identifier(database), SQL("false")))
        straggler.execute("SELECT 1")
        said = ""
        async with asyncio.timeout(30):
            while said != "Waiting for another session.":
                progress = await provisioner.provision(tenant.spec, handle)
                assert not progress.done
                said = progress.message
    handle = await provisioned(provisioner, tenant.spec, handle)
    await deleted(provisioner, tenant.spec, handle)


async def test_a_stranger_inside_delays_a_delete(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> None:
    tenant = world.tenant(template)
    name = tenant.spec.physical_name
    handle = await provisioned(provisioner, tenant.spec)
    with psycopg.connect(make_conninfo(world.superuser, dbname=name)) as stranger:
        assert not (await provisioner.delete(tenant.spec, handle)).done
        stranger.execute("SELECT 1")
    await deleted(provisioner, tenant.spec, handle)
    assert world.remains(name) == []


async def test_twenty_creates_at_once_from_one_template_all_become_ready(world: World, template: TemplateRef) -> None:
    async with world.provisioner(creates_at_once=4) as busy:
        tenants = [world.tenant(template) for _ in range(20)]
        handles = await asyncio.gather(*(provisioned(busy, tenant.spec) for tenant in tenants))
        for tenant, handle in zip(tenants, handles, strict=True):
            assert (await busy.verify(tenant.spec, handle, tenant.password)).done
        await asyncio.gather(*(deleted(busy, tenant.spec) for tenant in tenants))
        for tenant in tenants:
            assert world.remains(tenant.spec.physical_name) == []
