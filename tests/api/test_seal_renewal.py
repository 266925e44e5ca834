"""A sealing key leaves the ring once everything is sealed by its successor."""

import pytest

from tenant_api.kernel.connection_strings import decode
from tenant_api.kernel.keys import generate_keys
from tenant_api.service.renewal import renew_seals
from tests.api.service import environment, serving

pytestmark = pytest.mark.anyio


async def test_an_old_sealing_key_can_leave_after_maintenance(service_url: str) -> None:
    old = environment(service_url)["TENANT_API_KEYS__SEALING"]
    new = generate_keys()["sealing"].replace("k1:", "k2:", 1)
    store = {"dataStoreType": "Production", "name": "Year 2026", "connectionString": "host=db;password=hunter2"}
    async with serving(service_url) as api:
        created = [(await api.post("/v3/dataStores", {**store, "name": str(year)})).json()["id"] for year in range(3)]
    async with serving(service_url, KEYS__SEALING=f"{new},{old}") as api:
        assert await renew_seals(api.runtime) == len(created)
        assert await renew_seals(api.runtime) == 0
        await api.runtime.idp.maintain()
    async with serving(service_url, KEYS__SEALING=new) as api:
        for data_store_id in created:
            shown = (await api.get(f"/v3/dataStores/{data_store_id}")).json()
            assert decode(shown["connectionString"], api.runtime.keys.connection_strings) == store["connectionString"]


async def test_what_no_key_opens_is_left_alone(service_url: str) -> None:
    new = generate_keys()["sealing"].replace("k1:", "k2:", 1)
    old = environment(service_url)["TENANT_API_KEYS__SEALING"]
    store = {"dataStoreType": "Production", "name": "Year 2026", "connectionString": "host=db"}
    async with serving(service_url) as api:
        await api.post("/v3/dataStores", store)
        async with api.runtime.pool.connection() as connection:
            await connection.execute(
                "UPDATE data_stores SET connection_string_sealed = replace(connection_string_sealed, 'v1.k1', 'v1.k0')"
            )
        await api.post("/v3/dataStores", store)
    async with serving(service_url, KEYS__SEALING=f"{new},{old}") as api:
        assert await renew_seals(api.runtime) == 1
