"""Requests that meet: constraints and locks decide, and no credential outlives or lacks its row."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx2
import psycopg
import pytest
from sqlalchemy import text

from tests.api import bodies
from tests.api.problems import is_problem, is_unresolved
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

CONCURRENT = "Unable to process the request due to a concurrent modification. Retry the request."
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
async def api(service_url: str) -> AsyncIterator[Api]:
    """A service whose requests wait for locks as long as the slowest machine needs until they have met."""
    async with serving(service_url, DATABASE__LOCK_TIMEOUT_SECONDS="25") as api:
        yield api


def statuses(answers: list[httpx2.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def one(api: Api, query: str, *values: object) -> object:
    async with api.runtime.pool.connection() as connection:
        row = await (await connection.execute(query, values)).fetchone()
    assert row is not None
    return next(iter(row.values()))


async def keys_agree(api: Api) -> None:
    """Every API client has its credential at the provider, and there is no other."""
    ours = "SELECT coalesce(string_agg(client_id, ',' ORDER BY client_id), '') FROM "
    assert await one(api, f"{ours} api_clients") == await one(api, f"{ours} idp_clients WHERE managed")


async def until_waiting(api: Api, count: int) -> None:
    async with asyncio.timeout(20):
        while await one(api, WAITS) != count:
            await asyncio.sleep(0.01)


async def test_fifty_posts_of_one_company_make_one_vendor(api: Api) -> None:
    body = bodies.vendor()
    answers = await asyncio.gather(*(api.post("/v3/vendors", body) for _ in range(50)))
    assert statuses(answers) == {201: 1, 200: 49}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert [vendor["company"] for vendor in (await api.get("/v3/vendors")).json()] == [body["company"]]


async def test_twenty_posts_of_one_application_make_one(api: Api) -> None:
    body = bodies.application(await api.made("/v3/vendors", bodies.vendor()))
    answers = await asyncio.gather(*(api.post("/v3/applications", body) for _ in range(20)))
    assert statuses(answers) == {201: 1, 400: 19}
    assert len((await api.get("/v3/applications")).json()) == 1
    await keys_agree(api)


async def test_twenty_posts_of_one_tenant_make_one(fleet: Api) -> None:
    names = [name for pair in zip(["north"] * 10, ["NORTH"] * 10, strict=True) for name in pair]
    answers = await asyncio.gather(*(fleet.post("/v3/tenants", {"name": name}) for name in names))
    assert statuses(answers) == {201: 1, 400: 19}


async def test_whoever_waits_too_long_for_an_application_is_told_to_retry(service_url: str) -> None:
    async with serving(service_url, DATABASE__LOCK_TIMEOUT_SECONDS="0.2") as api:
        vendor_id = await api.made("/v3/vendors", bodies.vendor())
        store_id = await api.made("/v3/dataStores", bodies.data_store())
        body = bodies.application(vendor_id)
        application_id = await api.made("/v3/applications", body)
        [client] = (await api.get("/v3/apiClients")).json()
        wanted = bodies.api_client(application_id, [store_id], id=client["id"])
        with psycopg.connect(service_url) as holder:
            holder.execute("SELECT 1 FROM applications WHERE id = %s FOR UPDATE", (application_id,))
            answers = await asyncio.gather(
                api.put(f"/v3/applications/{application_id}", {**body, "id": application_id}),
                api.delete(f"/v3/applications/{application_id}"),
                api.put(f"/v3/apiClients/{client['id']}", wanted),
                api.put(f"/v3/apiClients/{client['id']}/reset-credential"),
                api.delete(f"/v3/apiClients/{client['id']}"),
                api.post("/v3/apiClients", wanted),
                api.delete(f"/v3/vendors/{vendor_id}"),
            )
            assert (await api.get(f"/v3/applications/{application_id}")).status_code == 200
        for answer in answers:
            is_problem(answer, 409, "conflict", CONCURRENT)
        answer = await api.put(f"/v3/applications/{application_id}", {**body, "id": application_id})
        assert answer.status_code == 204
        await keys_agree(api)


async def test_a_request_waits_five_seconds_for_a_lock(service_url: str) -> None:
    async with serving(service_url) as api, api.runtime.sessions() as opened:
        shown = await opened.scalar(text("SHOW lock_timeout"))
    assert shown == "5s"


async def test_a_client_that_comes_after_the_end_of_its_application_is_not_made(api: Api, service_url: str) -> None:
    application_id = await api.made(
        "/v3/applications", bodies.application(await api.made("/v3/vendors", bodies.vendor()))
    )
    store_id = await api.made("/v3/dataStores", bodies.data_store())
    with psycopg.connect(service_url) as holder:
        holder.execute("DELETE FROM idp_clients WHERE managed")
        holder.execute("DELETE FROM applications")
        late = asyncio.create_task(api.post("/v3/apiClients", bodies.api_client(application_id, [store_id])))
        await until_waiting(api, 1)
        holder.commit()
        is_unresolved(await late, f"Application with ID {application_id} not found.")
    await keys_agree(api)


async def test_an_application_that_comes_after_the_end_of_its_vendor_is_not_made(api: Api, service_url: str) -> None:
    vendor_id = await api.made("/v3/vendors", bodies.vendor())
    store_id = await api.made("/v3/dataStores", bodies.data_store())
    with psycopg.connect(service_url) as holder:
        holder.execute("DELETE FROM vendors")
        holder.execute("DELETE FROM data_stores")
        late = asyncio.create_task(api.post("/v3/applications", bodies.application(vendor_id, dataStoreIds=[store_id])))
        await until_waiting(api, 1)
        holder.commit()
        is_unresolved(await late, "Reference 'VendorId' does not exist.")
    await keys_agree(api)


@pytest.mark.parametrize("target", ["vendors", "applications"])
async def test_deletes_leave_no_credential_behind(api: Api, target: str) -> None:
    store_id = await api.made("/v3/dataStores", bodies.data_store())
    for _ in range(5):
        vendor_id = await api.made("/v3/vendors", bodies.vendor())
        application_id = await api.made("/v3/applications", bodies.application(vendor_id))
        doomed = {"vendors": vendor_id, "applications": application_id}[target]
        answers = await asyncio.gather(
            *(api.post("/v3/apiClients", bodies.api_client(application_id, [store_id])) for _ in range(3)),
            api.post("/v3/applications", bodies.application(vendor_id)),
            api.delete(f"/v3/{target}/{doomed}"),
            *(api.post("/v3/apiClients", bodies.api_client(application_id, [store_id])) for _ in range(3)),
        )
        assert set(statuses(answers)) <= {201, 204, 409}
        await keys_agree(api)


async def test_clients_that_change_places_do_not_block_each_other(api: Api) -> None:
    vendor_id = await api.made("/v3/vendors", bodies.vendor())
    store_id = await api.made("/v3/dataStores", bodies.data_store())
    homes = [await api.made("/v3/applications", bodies.application(vendor_id)) for _ in range(2)]
    clients = [await api.made("/v3/apiClients", bodies.api_client(home, [store_id])) for home in homes]
    for _ in range(10):
        homes.reverse()
        answers = await asyncio.gather(
            *(
                api.put(f"/v3/apiClients/{client}", bodies.api_client(home, [store_id], id=client))
                for client, home in zip(clients, homes, strict=True)
            )
        )
        assert statuses(answers) == {204: 2}


async def test_a_put_that_meets_a_delete_ends_in_one_of_both(api: Api) -> None:
    for path, body in [("/v3/vendors", bodies.vendor), ("/v3/dataStores", bodies.data_store)]:
        for _ in range(5):
            made = await api.made(path, body())
            put, again, deleted = await asyncio.gather(
                api.put(f"{path}/{made}", body(id=made)),
                api.put(f"{path}/{made}", body(id=made)),
                api.delete(f"{path}/{made}"),
            )
            assert {put.status_code, again.status_code} <= {204, 404}
            assert deleted.status_code == 204
            assert (await api.get(f"{path}/{made}")).status_code == 404


async def test_two_deletes_of_one_thing_are_one(api: Api) -> None:
    vendor_id = await api.made("/v3/vendors", bodies.vendor())
    application_id = await api.made("/v3/applications", bodies.application(vendor_id))
    for path in (f"/v3/applications/{application_id}", f"/v3/vendors/{vendor_id}"):
        answers = await asyncio.gather(*(api.delete(path) for _ in range(5)))
        assert statuses(answers) == {204: 1, 404: 4}
    await keys_agree(api)


async def test_a_data_store_that_ends_while_clients_change_never_fails_a_request(api: Api) -> None:
    vendor_id = await api.made("/v3/vendors", bodies.vendor())
    for _ in range(3):
        stores = [await api.made("/v3/dataStores", bodies.data_store()) for _ in range(4)]
        bodies_of = [bodies.application(vendor_id, dataStoreIds=stores[:2]) for _ in range(3)]
        made = [await api.made("/v3/applications", body) for body in bodies_of]
        answers = await asyncio.gather(
            *(
                api.put(f"/v3/applications/{id}", {**body, "id": id, "dataStoreIds": stores[2:]})
                for id, body in zip(made, bodies_of, strict=True)
            ),
            *(api.delete(f"/v3/dataStores/{store_id}") for store_id in stores),
        )
        assert set(statuses(answers)) <= {204, 409}
        assert statuses(answers[3:]) == {204: 4}


@pytest.mark.parametrize("path", ["/v3/dataStoreContexts", "/v3/dataStoreDerivatives"])
async def test_what_changes_below_a_data_store_is_in_nobody_s_way_who_deletes_it(api: Api, path: str) -> None:
    body = {"/v3/dataStoreContexts": bodies.context, "/v3/dataStoreDerivatives": bodies.derivative}[path]
    for _ in range(10):
        store = await api.made("/v3/dataStores", bodies.data_store())
        below = await api.made(path, body(store))
        put, again, deleted = await asyncio.gather(
            api.put(f"{path}/{below}", body(store, id=below)),
            api.put(f"{path}/{below}", body(store, id=below)),
            api.delete(f"/v3/dataStores/{store}"),
        )
        assert {put.status_code, again.status_code} <= {204, 404, 409}
        assert deleted.status_code == 204, deleted.text
        assert (await api.get(f"{path}/{below}")).status_code == 404


async def test_of_several_renewals_of_one_context_the_last_one_counts(api: Api, service_url: str) -> None:
    """Each has read the row before any of them may write it."""
    store = await api.made("/v3/dataStores", bodies.data_store())
    context = await api.made("/v3/dataStoreContexts", bodies.context(store, contextValue="0"))
    with psycopg.connect(service_url) as holder:
        holder.execute("UPDATE data_store_contexts SET context_value = '1' WHERE id = %s", (context,))
        late = asyncio.create_task(
            api.put(f"/v3/dataStoreContexts/{context}", bodies.context(store, id=context, contextValue="0"))
        )
        await until_waiting(api, 1)
        holder.commit()
        assert (await late).status_code == 204
    assert (await api.get(f"/v3/dataStoreContexts/{context}")).json()["contextValue"] == "0"
