"""Connections of the hot paths: what the server keeps of repeated statements."""

import pytest

from tenant_api.runtime import REPEATED, open_pool
from tests.api import bodies
from tests.api.service import serving

pytestmark = pytest.mark.anyio

PREPARED = "SELECT statement FROM pg_prepared_statements"
REPEATED_ONE = "SELECT name FROM tenants WHERE id = %s"


@pytest.mark.parametrize(("keeping", "kept"), [(True, ["SELECT name FROM tenants WHERE id = $1"]), (False, [])])
async def test_plans_are_kept_where_the_settings_allow_it(service_url: str, keeping: bool, kept: list[str]) -> None:
    async with open_pool(service_url, 1, prepared=keeping) as pool, pool.connection() as connection:
        for _ in range(REPEATED + 1):
            await connection.execute(REPEATED_ONE, [1])
        rows = await (await connection.execute(PREPARED)).fetchall()
    assert [row["statement"] for row in rows] == kept


async def test_with_kept_plans_a_change_is_in_the_next_token_all_the_same(service_url: str) -> None:
    async with serving(service_url, DATABASE__PREPARED_STATEMENTS=True, DATABASE__POOL_SIZE="1") as api:
        body = bodies.vendor()
        vendor_id = await api.made("/v3/vendors", body)
        credential = (await api.post("/v3/applications", bodies.application(vendor_id))).json()
        for number in range(2 * REPEATED):
            prefix = f"uri://number-{number}.org"
            answer = await api.put(f"/v3/vendors/{vendor_id}", {**body, "id": vendor_id, "namespacePrefixes": prefix})
            assert answer.status_code == 204
            assert (await api.claims(credential))["namespacePrefixes"] == prefix
        async with api.runtime.pool.connection() as connection:
            assert await (await connection.execute(PREPARED)).fetchall()
