"""Connections of the hot paths: what the server keeps of the statements that ask for it."""

import pytest

from tenant_api.runtime import open_pool
from tests.api import bodies
from tests.api.service import serving

pytestmark = pytest.mark.anyio

KEPT = "SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements ORDER BY statement"
OFTEN = 20


@pytest.mark.parametrize(
    ("keeping", "kept"),
    [
        (True, [{"statement": "SELECT id FROM tenants WHERE id = ANY($1)", "generic_plans": OFTEN, "custom_plans": 0}]),
        (False, []),
    ],
)
async def test_plans_are_kept_of_statements_that_ask_for_it(
    service_url: str, keeping: bool, kept: list[dict[str, object]]
) -> None:
    async with open_pool(service_url, 1, prepared=keeping) as pool, pool.connection() as connection:
        for _ in range(OFTEN):
            await connection.execute("SELECT id FROM tenants WHERE id = ANY(%s)", [[1]], prepare=True)
            await connection.execute("SELECT name FROM tenants WHERE id = %s", [1])
        assert await (await connection.execute(KEPT)).fetchall() == kept


async def test_with_kept_plans_a_change_is_in_the_next_token_all_the_same(service_url: str) -> None:
    async with serving(service_url, DATABASE__PREPARED_STATEMENTS=True, DATABASE__POOL_SIZE="1") as api:
        body = bodies.vendor()
        vendor_id = await api.made("/v3/vendors", body)
        credential = (await api.post("/v3/applications", bodies.application(vendor_id))).json()
        for number in range(OFTEN):
            prefix = f"uri://number-{number}.org"
            answer = await api.put(f"/v3/vendors/{vendor_id}", {**body, "id": vendor_id, "namespacePrefixes": prefix})
            assert answer.status_code == 204
            assert (await api.claims(credential))["namespacePrefixes"] == prefix
        async with api.runtime.pool.connection() as connection:
            rows = await (await connection.execute(KEPT)).fetchall()
        for table in ("api_clients", "idp_clients", "idp_revoked_tokens"):
            assert [row for row in rows if table in row["statement"]], table
