"""Drops that wait for one another, for locks, or for a turn: each judges anew what stands there by then."""

import asyncio
import contextlib
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from db_provisioners.contract import TemplateRef
from db_provisioners.errors import ForeignDatabaseError
from db_provisioners.names import owner_of
from db_provisioners.postgresql.long_statements import session_name
from db_provisioners.postgresql.provisioner import PostgresqlProvisioner
from db_provisioners.trial import deleted, provisioned
from tests.provisioners.world import World, eventually

pytestmark = pytest.mark.anyio


@contextlib.contextmanager
def drop_held_up(world: World, name: str) -> Iterator[None]:
    """The DROP DATABASE of that name waits inside for a lock, and others wait for their turn."""
    with psycopg.connect(world.superuser) as holder:
        holder.execute(SQL("COMMENT ON DATABASE {} IS 'held'").format(Identifier(name)))
        yield
        holder.rollback()


def is_on_its_way(name: str) -> bool:
    return any(task.get_name() == session_name("drop", name) for task in asyncio.all_tasks())


def calls_awaiting_drops(world: World) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' AND query LIKE '%pg_terminate_backend%'"
    return int(world.sql(query)[0][0])


def closings_that_wait(world: World, name: str) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query = %s"
    return int(world.sql(query, SQL("ALTER ROLE {} NOLOGIN").format(Identifier(name)).as_string())[0][0])


async def test_a_queued_drop_spares_the_database_that_took_the_place_of_ours(
    world: World, template: TemplateRef
) -> None:
    async with world.provisioner(creates_at_once=1, patience=0.05) as narrow:
        tenants = first, second, last = [world.tenant(template) for _ in range(3)]
        handles = [await provisioned(narrow, tenant.spec) for tenant in tenants]
        name = second.spec.physical_name
        with drop_held_up(world, first.spec.physical_name):
            for tenant, handle in zip(tenants, handles, strict=True):
                assert not (await narrow.delete(tenant.spec, handle)).done
            assert is_on_its_way(name)
            world.sql(SQL("DROP DATABASE {}").format(Identifier(name)))
            world.sql(SQL("CREATE DATABASE {} OWNER {}").format(Identifier(name), Identifier(owner_of(name))))
        await deleted(narrow, first.spec)
        await deleted(narrow, last.spec)  # its turn comes last
        assert world.exists(name)
        with pytest.raises(ForeignDatabaseError):
            await narrow.delete(second.spec, handles[1])
        world.sql(SQL("DROP DATABASE {}").format(Identifier(name)))
        await deleted(narrow, second.spec, handles[1])
        assert world.remains(name) == []


@pytest.mark.parametrize("others", [0, 1])
async def test_a_cancelled_call_takes_its_queued_drop_back_unless_another_waits(
    world: World, template: TemplateRef, others: int
) -> None:
    async with world.provisioner(creates_at_once=1) as narrow:
        first, second, last = [world.tenant(template) for _ in range(3)]
        for tenant in (first, second, last):
            await provisioned(narrow, tenant.spec)
        name = second.spec.physical_name
        with drop_held_up(world, first.spec.physical_name):
            ahead = asyncio.create_task(deleted(narrow, first.spec))
            await eventually(lambda: is_on_its_way(first.spec.physical_name))
            call = asyncio.create_task(narrow.delete(second.spec, {}))
            await eventually(lambda: is_on_its_way(name))
            waiting = [asyncio.create_task(narrow.delete(second.spec, {})) for _ in range(others)]
            await eventually(lambda: calls_awaiting_drops(world) == 2 + others)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        await ahead
        await deleted(narrow, last.spec)
        assert [(await other).done for other in waiting] == [True] * others
        assert world.exists(name) is not bool(others)
        await deleted(narrow, second.spec)


async def test_a_delete_that_meets_a_drop_that_has_just_begun_looks_again(
    world: World, provisioner: PostgresqlProvisioner, template: TemplateRef
) -> None:
    tenant = world.tenant(template)
    name = tenant.spec.physical_name
    handle = await provisioned(provisioner, tenant.spec)
    with psycopg.connect(world.superuser) as holder:
        holder.execute("SELECT FROM pg_authid WHERE rolname = %s FOR UPDATE", [name])
        call = asyncio.create_task(provisioner.delete(tenant.spec, handle))
        await eventually(lambda: closings_that_wait(world, name) == 1)
        # What a DROP DATABASE does first, once it cannot turn back.
        world.sql("UPDATE pg_database SET datconnlimit = -2 WHERE datname = %s", name)
    assert not (await call).done
    await deleted(provisioner, tenant.spec, handle)
    assert world.remains(name) == []
