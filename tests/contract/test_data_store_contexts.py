"""Contexts of data stores, word for word (contract section 1.14)."""

import pytest

from tests.api import bodies
from tests.api.problems import breaks_rules, is_missing, is_unresolved
from tests.api.service import Api

pytestmark = pytest.mark.anyio

PATH = "/v3/dataStoreContexts"


@pytest.fixture
async def store(shared: Api) -> int:
    return await shared.made("/v3/dataStores", bodies.data_store())


async def test_a_new_context_is_announced_and_read(shared: Api, store: int) -> None:
    answer = await shared.post(PATH, bodies.context(store))
    context = answer.json()["id"]
    assert (answer.status_code, answer.json()) == (201, {"id": context})
    assert answer.headers["location"] == f"http://tenant-api.test/v3/dataStoreContexts/{context}"
    shown = (await shared.get(f"{PATH}/{context}")).json()
    members = [("id", context), ("dataStoreId", store), ("contextKey", "schoolYear"), ("contextValue", "2026")]
    assert list(shown.items()) == members
    answer = await shared.put(f"{PATH}/{context}", {**shown, "contextValue": "2027"})
    assert (answer.status_code, answer.content) == (204, b"")
    answer = await shared.delete(f"{PATH}/{context}")
    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_context_that_is_not_there(shared: Api) -> None:
    is_missing(await shared.get(f"{PATH}/999999"), "Data store context not found")
    body = bodies.context(999_999, id=999_999)
    is_missing(await shared.put(f"{PATH}/999999", body), "Data store context not found")
    is_missing(await shared.delete(f"{PATH}/999999"), "Data store context not found")


async def test_a_data_store_that_is_not_there(shared: Api, store: int) -> None:
    is_unresolved(await shared.post(PATH, bodies.context(999_999)), "Reference 'DataStoreId' does not exist.")
    context = await shared.made(PATH, bodies.context(store))
    answer = await shared.put(f"{PATH}/{context}", bodies.context(999_999, id=context))
    is_unresolved(answer, "Reference 'DataStoreId' does not exist.")


async def test_a_key_that_its_data_store_has(shared: Api, store: int) -> None:
    await shared.made(PATH, bodies.context(store))
    taken = f"Data store context with DataStoreId '{store}' and ContextKey 'schoolYear' already exists."
    breaks_rules(await shared.post(PATH, bodies.context(store)), {"ContextKey": [taken]})
    other = await shared.made(PATH, bodies.context(store, contextKey="district"))
    breaks_rules(await shared.put(f"{PATH}/{other}", bodies.context(store, id=other)), {"ContextKey": [taken]})


@pytest.mark.parametrize(
    ("change", "member", "message"),
    [
        ({"dataStoreId": 0}, "DataStoreId", "'Data Store Id' must be greater than '0'."),
        ({"contextKey": ""}, "ContextKey", "'Context Key' must not be empty."),
        (
            {"contextKey": "x" * 257},
            "ContextKey",
            "The length of 'Context Key' must be 256 characters or fewer. You entered 257 characters.",
        ),
        ({"contextValue": ""}, "ContextValue", "'Context Value' must not be empty."),
        (
            {"contextValue": "x" * 257},
            "ContextValue",
            "The length of 'Context Value' must be 256 characters or fewer. You entered 257 characters.",
        ),
    ],
)
async def test_every_rule_of_a_member(shared: Api, change: bodies.Body, member: str, message: str) -> None:
    breaks_rules(await shared.post(PATH, bodies.context(7, **change)), {member: [message]})
    breaks_rules(await shared.put(f"{PATH}/7", bodies.context(7, id=7, **change)), {member: [message]})
