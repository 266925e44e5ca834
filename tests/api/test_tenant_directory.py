"""Requests find their tenant without a query each, and what becomes of a tenant holds in every process at once."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import cast

import pytest
from psycopg import AsyncConnection
from psycopg.rows import DictRow

from tenant_api.web.directory import FRESH_SECONDS, TenantDirectory
from tenant_api.web.state import Pool
from tests.api import bodies
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def two(service_url: str) -> AsyncIterator[tuple[Api, Api]]:
    """Two processes of one installation, as far as they can tell: nothing but the database is shared."""
    async with serving(service_url, multi_tenancy=True) as one, serving(service_url, multi_tenancy=True) as other:
        yield one, other


async def statuses(*apis: Api, tenant: str) -> list[int]:
    return [(await api.get("/v3/vendors", tenant=tenant)).status_code for api in apis]


async def test_a_change_of_a_tenant_holds_in_every_process_once_it_is_answered(two: tuple[Api, Api]) -> None:
    one, other = two
    for _ in range(3):
        tenant_id = await one.made("/v3/tenants", {"name": "North"})
        assert await statuses(one, other, tenant="North") == [200, 200]
        await one.post(f"/v3/tenants/{tenant_id}/suspend")
        assert await statuses(other, one, tenant="North") == [400, 400]
        await one.post(f"/v3/tenants/{tenant_id}/resume")
        assert await statuses(other, one, tenant="North") == [200, 200]
        await one.put(f"/v3/tenants/{tenant_id}", {"id": tenant_id, "name": "Norden"})
        assert await statuses(other, one, tenant="North") == [400, 400]
        assert await statuses(other, one, tenant="Norden") == [200, 200]
        await one.delete(f"/v3/tenants/{tenant_id}")
        assert await statuses(other, one, tenant="Norden") == [400, 400]


async def test_a_name_that_moves_to_another_tenant_leads_there_in_every_process(two: tuple[Api, Api]) -> None:
    one, other = two
    old = await one.made("/v3/tenants", {"name": "North"})
    await one.made("/v3/vendors", bodies.vendor(), tenant="North")
    assert len((await other.get("/v3/vendors", tenant="North")).json()) == 1
    await one.put(f"/v3/tenants/{old}", {"id": old, "name": "Old"})
    await one.made("/v3/tenants", {"name": "North"})
    assert (await other.get("/v3/vendors", tenant="North")).json() == []


class Counted:
    """A pool that counts how often somebody takes a connection."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.taken = 0

    def connection(self) -> AbstractAsyncContextManager[AsyncConnection[DictRow]]:
        self.taken += 1
        return self._pool.connection()


@pytest.fixture
def pool(fleet: Api) -> Counted:
    return Counted(fleet.runtime.pool)


@pytest.fixture
def directory(pool: Counted) -> TenantDirectory:
    return TenantDirectory(cast("Pool", pool))


async def test_a_busy_tenant_costs_no_query_per_request(fleet: Api, pool: Counted, directory: TenantDirectory) -> None:
    tenant_id = await fleet.made("/v3/tenants", {"name": "North"})
    started = time.monotonic()
    for name in ("North", "NORTH", "north") * 1000:
        found = await directory.find(name)
        assert (found and found.id, found and found.name) == (tenant_id, "North")
    assert pool.taken <= 1 + (time.monotonic() - started) / FRESH_SECONDS


async def test_a_flood_of_unknown_names_shares_its_queries(
    fleet: Api, pool: Counted, directory: TenantDirectory
) -> None:
    await fleet.made("/v3/tenants", {"name": "North"})
    names = [f"unknown-{number}" for number in range(2000)]
    found = await asyncio.gather(*(directory.find(name) for name in [*names, "North"]))
    assert [tenant.name for tenant in found if tenant] == ["North"]
    assert pool.taken <= 2


@pytest.mark.parametrize("name", ["", "a b", "x" * 257, "a'; DROP TABLE tenants--", "ä", "(other)", "a\n"])
async def test_a_text_that_cannot_be_a_name_costs_no_query(
    pool: Counted, directory: TenantDirectory, name: str
) -> None:
    assert await directory.find(name) is None
    assert pool.taken == 0


async def test_a_flood_does_not_keep_a_tenant_from_being_served(fleet: Api) -> None:
    await fleet.made("/v3/tenants", {"name": "North"})
    calls = [fleet.get("/v3/vendors", tenant=f"unknown-{number}", caller=None) for number in range(300)]
    flood = asyncio.gather(*calls)
    served = await fleet.get("/v3/vendors", tenant="North")
    assert served.status_code == 200
    assert {answer.status_code for answer in await flood} == {400}
