"""Contexts of data stores speak the contract (section 1.14)."""

import asyncio

import psycopg
import pytest

from tests.api import bodies
from tests.api.managed_row import insert_managed
from tests.api.problems import breaks_rules, is_bad_parameter, is_missing, is_unresolved
from tests.api.service import Api

pytestmark = pytest.mark.anyio

PATH = "/v3/dataStoreContexts"
MISSING = "Data store context not found"
NO_STORE = "Reference 'DataStoreId' does not exist."
LONG = "The length of '{}' must be 256 characters or fewer. You entered 257 characters."


def taken(store_id: int, key: str) -> dict[str, list[str]]:
    sentence = f"Data store context with DataStoreId '{store_id}' and ContextKey '{key}' already exists."
    return {"ContextKey": [sentence]}


@pytest.fixture
async def store(shared: Api) -> int:
    return await shared.made("/v3/dataStores", bodies.data_store())


async def test_a_new_context_says_its_id_and_where(shared: Api, store: int) -> None:
    answer = await shared.post(PATH, bodies.context(store))
    assert answer.status_code == 201
    created = answer.json()
    assert list(created) == ["id"]
    assert answer.headers["location"] == f"http://tenant-api.test{PATH}/{created['id']}"
    shown = {"id": created["id"], "dataStoreId": store, "contextKey": "schoolYear", "contextValue": "2026"}
    assert (await shared.get(answer.headers["location"])).json() == shown
    assert shown in (await shared.get(PATH)).json()


async def test_a_data_store_shows_its_contexts_by_key(shared: Api, store: int) -> None:
    made = {key: await shared.made(PATH, bodies.context(store, contextKey=key)) for key in ("year", "area", "zone")}
    shown = (await shared.get(f"/v3/dataStores/{store}")).json()["dataStoreContexts"]
    assert shown == [
        {"id": made[key], "dataStoreId": store, "contextKey": key, "contextValue": "2026"}
        for key in ("area", "year", "zone")
    ]
    listed = (await shared.get(f"/v3/dataStores?id={store}")).json()
    assert listed[0]["dataStoreContexts"] == shown


async def test_a_key_is_unique_within_its_data_store(shared: Api, store: int) -> None:
    other = await shared.made("/v3/dataStores", bodies.data_store())
    await shared.made(PATH, bodies.context(store))
    breaks_rules(await shared.post(PATH, bodies.context(store, contextValue="2027")), taken(store, "schoolYear"))
    await shared.made(PATH, bodies.context(other))
    second = await shared.made(PATH, bodies.context(store, contextKey="SCHOOLYEAR"))
    answer = await shared.put(f"{PATH}/{second}", bodies.context(store, id=second))
    breaks_rules(answer, taken(store, "schoolYear"))


async def test_one_of_two_simultaneous_twins_is_refused(shared: Api, store: int) -> None:
    answers = await asyncio.gather(*(shared.post(PATH, bodies.context(store)) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400, 400]


async def test_a_replaced_context_shows_its_new_state_and_may_move(shared: Api, store: int) -> None:
    other = await shared.made("/v3/dataStores", bodies.data_store())
    context = await shared.made(PATH, bodies.context(store))
    wanted = {"id": context, "dataStoreId": other, "contextKey": "k", "contextValue": "v"}
    answer = await shared.put(f"{PATH}/{context}", wanted)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await shared.get(f"{PATH}/{context}")).json() == wanted
    assert (await shared.get(f"/v3/dataStores/{store}")).json()["dataStoreContexts"] == []


async def test_a_context_dies_alone_or_with_its_data_store(shared: Api, store: int) -> None:
    first, second = [await shared.made(PATH, bodies.context(store, contextKey=key)) for key in "ab"]
    answer = await shared.delete(f"{PATH}/{first}")
    assert (answer.status_code, answer.content) == (204, b"")
    is_missing(await shared.get(f"{PATH}/{first}"), MISSING)
    assert (await shared.delete(f"/v3/dataStores/{store}")).status_code == 204
    is_missing(await shared.get(f"{PATH}/{second}"), MISSING)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_context_is_missing(shared: Api, method: str) -> None:
    body = bodies.context(999_999, id=999_999) if method == "PUT" else None
    is_missing(await shared.call(method, f"{PATH}/999999", body), MISSING)


async def test_a_context_needs_a_data_store(shared: Api, store: int) -> None:
    is_unresolved(await shared.post(PATH, bodies.context(999_999)), NO_STORE)
    context = await shared.made(PATH, bodies.context(store))
    is_unresolved(await shared.put(f"{PATH}/{context}", bodies.context(999_999, id=context)), NO_STORE)


@pytest.mark.parametrize(
    ("change", "failures"),
    [
        ({"dataStoreId": 0}, {"DataStoreId": ["'Data Store Id' must be greater than '0'."]}),
        ({"contextKey": ""}, {"ContextKey": ["'Context Key' must not be empty."]}),
        ({"contextValue": " "}, {"ContextValue": ["'Context Value' must not be empty."]}),
        ({"contextKey": "x" * 257}, {"ContextKey": [LONG.format("Context Key")]}),
        ({"contextValue": "x" * 257}, {"ContextValue": [LONG.format("Context Value")]}),
        (
            {"dataStoreId": -1, "contextKey": None, "contextValue": None},
            {
                "DataStoreId": ["'Data Store Id' must be greater than '0'."],
                "ContextKey": ["'Context Key' must not be empty."],
                "ContextValue": ["'Context Value' must not be empty."],
            },
        ),
    ],
)
async def test_a_member_that_breaks_its_rules_is_refused(
    shared: Api, change: bodies.Body, failures: dict[str, list[str]]
) -> None:
    breaks_rules(await shared.post(PATH, bodies.context(7, **change)), failures)
    breaks_rules(await shared.put(f"{PATH}/7", bodies.context(7, id=7, **change)), failures)


async def test_its_lists_page_and_sort(shared: Api, store: int) -> None:
    made = [await shared.made(PATH, bodies.context(store, contextKey=key)) for key in "ca"]
    mine = [item["id"] for item in (await shared.get(f"{PATH}?orderBy=contextkey&direction=DESC")).json()]
    assert [context for context in mine if context in made] == made
    assert [item["id"] for item in (await shared.get(PATH)).json() if item["id"] in made] == made
    flipped_alone = [item["id"] for item in (await shared.get(f"{PATH}?direction=desc")).json()]
    assert flipped_alone == sorted(flipped_alone)
    fields = "id, dataStoreId, contextKey, contextValue"
    is_bad_parameter(await shared.get(f"{PATH}?orderBy=x"), f"'orderBy' is not a valid field. Allowed values: {fields}")


async def test_contexts_are_for_callers_of_their_scopes(shared: Api, store: int) -> None:
    context = await shared.made(PATH, bodies.context(store))
    for caller in ("reader", "metadata"):
        assert (await shared.get(PATH, caller=caller)).status_code == 200
        assert (await shared.get(f"{PATH}/{context}", caller=caller)).status_code == 200
        assert (await shared.post(PATH, bodies.context(store), caller=caller)).status_code == 403
        assert (await shared.delete(f"{PATH}/{context}", caller=caller)).status_code == 403
    assert (await shared.get(PATH, caller=None)).status_code == 401


async def test_contexts_of_another_tenant_are_not_there(fleet: Api) -> None:
    for name in ("North", "South"):
        await fleet.made("/v3/tenants", {"name": name})
    store = await fleet.made("/v3/dataStores", bodies.data_store(), tenant="North")
    other = await fleet.made("/v3/dataStores", bodies.data_store(), tenant="South")
    context = await fleet.made(PATH, bodies.context(store), tenant="North")
    own = await fleet.made(PATH, bodies.context(other), tenant="South")
    for method, body in [("GET", None), ("PUT", bodies.context(other, id=context)), ("DELETE", None)]:
        is_missing(await fleet.call(method, f"{PATH}/{context}", body, tenant="South"), MISSING)
    is_unresolved(await fleet.post(PATH, bodies.context(store), tenant="South"), NO_STORE)
    is_unresolved(await fleet.put(f"{PATH}/{own}", bodies.context(store, id=own), tenant="South"), NO_STORE)
    assert [item["id"] for item in (await fleet.get(PATH, tenant="South")).json()] == [own]


async def test_the_data_store_of_a_managed_one_takes_contexts(service_url: str, api: Api) -> None:
    store = await api.made("/v3/dataStores", bodies.data_store())
    with psycopg.connect(service_url, autocommit=True) as connection:
        insert_managed(connection, store)
    context = await api.made(PATH, bodies.context(store))
    assert (await api.delete(f"{PATH}/{context}")).status_code == 204
