"""Derivatives of data stores, word for word (contract sections 1.15 and 6.6)."""

import pytest

from tests.api import bodies
from tests.api.problems import breaks_rules, is_missing, is_problem, is_unresolved
from tests.api.service import Api

pytestmark = pytest.mark.anyio

PATH = "/v3/dataStoreDerivatives"
EITHER = "DerivativeType must be either 'ReadReplica' or 'Snapshot'."


@pytest.fixture
async def store(shared: Api) -> int:
    return await shared.made("/v3/dataStores", bodies.data_store())


async def test_a_new_derivative_is_announced(shared: Api, store: int) -> None:
    answer = await shared.post(PATH, bodies.derivative(store))
    derivative = answer.json()["id"]
    title = "New DataStoreDerivative of type ReadReplica has been created successfully."
    assert answer.status_code == 201
    assert list(answer.json().items()) == [("id", derivative), ("status", 201), ("title", title)]
    assert answer.headers["location"] == f"http://tenant-api.test/v3/dataStoreDerivatives/{derivative}"
    shown = (await shared.get(f"{PATH}/{derivative}")).json()
    assert list(shown) == ["id", "dataStoreId", "derivativeType", "connectionString"]
    answer = await shared.put(f"{PATH}/{derivative}", shown)
    assert (answer.status_code, answer.content) == (204, b"")
    answer = await shared.delete(f"{PATH}/{derivative}")
    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_derivative_that_is_not_there(shared: Api) -> None:
    gone = "DataStoreDerivative 999999 not found. It may have been recently deleted."
    is_missing(await shared.get(f"{PATH}/999999"), gone)
    is_missing(await shared.put(f"{PATH}/999999", bodies.derivative(999_999, id=999_999)), gone)
    is_missing(await shared.delete(f"{PATH}/999999"), gone)


async def test_a_data_store_that_is_not_there(shared: Api, store: int) -> None:
    is_unresolved(await shared.post(PATH, bodies.derivative(999_999)), "The specified DataStore does not exist.")
    derivative = await shared.made(PATH, bodies.derivative(store))
    answer = await shared.put(f"{PATH}/{derivative}", bodies.derivative(999_999, id=derivative))
    is_unresolved(answer, "The specified DataStore does not exist.")


async def test_a_second_derivative_of_one_type(shared: Api, store: int) -> None:
    await shared.made(PATH, bodies.derivative(store))
    other = await shared.made(PATH, bodies.derivative(store, derivativeType="Snapshot"))
    taken = f"DataStore {store} already has a derivative of type ReadReplica."
    is_problem(await shared.post(PATH, bodies.derivative(store)), 409, "conflict", taken)
    is_problem(await shared.put(f"{PATH}/{other}", bodies.derivative(store, id=other)), 409, "conflict", taken)


@pytest.mark.parametrize(
    ("change", "member", "messages"),
    [
        ({"dataStoreId": 0}, "DataStoreId", ["DataStoreId must be greater than 0."]),
        ({"derivativeType": ""}, "DerivativeType", ["DerivativeType is required.", EITHER]),
        ({"derivativeType": None}, "DerivativeType", ["DerivativeType is required."]),
        ({"derivativeType": "x" * 51}, "DerivativeType", ["DerivativeType must be 50 characters or fewer.", EITHER]),
        ({"derivativeType": "snapshot"}, "DerivativeType", [EITHER]),
        ({"connectionString": "x" * 1001}, "ConnectionString", ["ConnectionString must be 1000 characters or fewer."]),
    ],
)
async def test_every_rule_of_a_member(shared: Api, change: bodies.Body, member: str, messages: list[str]) -> None:
    breaks_rules(await shared.post(PATH, bodies.derivative(7, **change)), {member: messages})
    breaks_rules(await shared.put(f"{PATH}/7", bodies.derivative(7, id=7, **change)), {member: messages})


async def test_the_id_of_a_put(shared: Api) -> None:
    answer = await shared.put(f"{PATH}/0", bodies.derivative(7, id=0))
    breaks_rules(answer, {"Id": ["Id must be greater than 0."]})
