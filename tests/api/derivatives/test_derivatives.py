"""Derivatives of data stores speak the contract (sections 1.15 and 6.6)."""

import asyncio

import psycopg
import pytest

from tenant_api.kernel.connection_strings import decode
from tests.api import bodies
from tests.api.managed_row import insert_managed
from tests.api.problems import breaks_rules, is_bad_parameter, is_missing, is_problem, is_unresolved
from tests.api.service import Api

pytestmark = pytest.mark.anyio

PATH = "/v3/dataStoreDerivatives"
NO_STORE = "The specified DataStore does not exist."
TYPES = "DerivativeType must be either 'ReadReplica' or 'Snapshot'."


def missing(derivative_id: int) -> str:
    return f"DataStoreDerivative {derivative_id} not found. It may have been recently deleted."


def plain(api: Api, encrypted: str) -> str:
    return decode(encrypted, api.runtime.keys.connection_strings)


@pytest.fixture
async def store(shared: Api) -> int:
    return await shared.made("/v3/dataStores", bodies.data_store())


async def test_a_new_derivative_says_so_and_where(shared: Api, store: int) -> None:
    body = bodies.derivative(store)
    answer = await shared.post(PATH, body)
    created = answer.json()
    assert answer.status_code == 201
    assert created == {
        "id": created["id"],
        "status": 201,
        "title": "New DataStoreDerivative of type ReadReplica has been created successfully.",
    }
    assert answer.headers["location"] == f"http://tenant-api.test{PATH}/{created['id']}"
    shown = (await shared.get(answer.headers["location"])).json()
    assert shown == {
        "id": created["id"],
        "dataStoreId": store,
        "derivativeType": "ReadReplica",
        "connectionString": shown["connectionString"],
    }
    assert plain(shared, shown["connectionString"]) == body["connectionString"]


async def test_a_data_store_shows_its_derivatives_by_id(shared: Api, store: int) -> None:
    made = [
        await shared.made(PATH, bodies.derivative(store, derivativeType=kind, connectionString=kind))
        for kind in ("Snapshot", "ReadReplica")
    ]
    [store_shown] = (await shared.get(f"/v3/dataStores?id={store}")).json()
    shown = store_shown["dataStoreDerivatives"]
    assert [list(item) for item in shown] == [["id", "dataStoreId", "derivativeType", "connectionString"]] * 2
    assert [(item["id"], item["derivativeType"]) for item in shown] == list(
        zip(made, ["Snapshot", "ReadReplica"], strict=True)
    )
    assert [plain(shared, item["connectionString"]) for item in shown] == ["Snapshot", "ReadReplica"]


async def test_connection_strings_of_derivatives_are_sealed_and_bound_to_their_rows(shared: Api, store: int) -> None:
    made = [
        await shared.made(PATH, bodies.derivative(store, derivativeType=kind)) for kind in ("Snapshot", "ReadReplica")
    ]
    async with shared.runtime.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT to_json(d)::text AS row FROM data_store_derivatives d WHERE id = %s", (made[0],)
        )
        row = await cursor.fetchone()
        await connection.execute(
            "UPDATE data_store_derivatives SET connection_string_sealed = "
            "(SELECT connection_string_sealed FROM data_store_derivatives WHERE id = %s) WHERE id = %s",
            made,
        )
    assert row is not None
    assert "replica" not in row["row"]
    assert (await shared.get(f"{PATH}/{made[1]}")).status_code == 500
    assert (await shared.delete(f"{PATH}/{made[1]}")).status_code == 204


async def test_there_is_one_derivative_of_each_type(shared: Api, store: int) -> None:
    other = await shared.made("/v3/dataStores", bodies.data_store())
    await shared.made(PATH, bodies.derivative(store))
    snapshot = await shared.made(PATH, bodies.derivative(store, derivativeType="Snapshot"))
    elsewhere = await shared.made(PATH, bodies.derivative(other))
    for answer in (
        await shared.post(PATH, bodies.derivative(store)),
        await shared.put(f"{PATH}/{snapshot}", bodies.derivative(store, id=snapshot)),
        await shared.put(f"{PATH}/{elsewhere}", bodies.derivative(store, id=elsewhere)),
    ):
        is_problem(answer, 409, "conflict", f"DataStore {store} already has a derivative of type ReadReplica.")


async def test_one_of_two_simultaneous_twins_is_refused(shared: Api, store: int) -> None:
    answers = await asyncio.gather(*(shared.post(PATH, bodies.derivative(store)) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


async def test_a_replaced_derivative_shows_its_new_state(shared: Api, store: int) -> None:
    derivative = await shared.made(PATH, bodies.derivative(store))
    wanted = bodies.derivative(store, id=derivative, derivativeType="Snapshot", connectionString="new")
    answer = await shared.put(f"{PATH}/{derivative}", wanted)
    assert (answer.status_code, answer.content) == (204, b"")
    shown = (await shared.get(f"{PATH}/{derivative}")).json()
    assert shown["derivativeType"] == "Snapshot"
    assert plain(shared, shown["connectionString"]) == "new"
    await shared.put(f"{PATH}/{derivative}", bodies.without(wanted, "connectionString"))
    assert (await shared.get(f"{PATH}/{derivative}")).json()["connectionString"] is None


async def test_a_derivative_dies_alone_or_with_its_data_store(shared: Api, store: int) -> None:
    first = await shared.made(PATH, bodies.derivative(store))
    second = await shared.made(PATH, bodies.derivative(store, derivativeType="Snapshot"))
    answer = await shared.delete(f"{PATH}/{first}")
    assert (answer.status_code, answer.content) == (204, b"")
    is_missing(await shared.get(f"{PATH}/{first}"), missing(first))
    assert (await shared.delete(f"/v3/dataStores/{store}")).status_code == 204
    is_missing(await shared.get(f"{PATH}/{second}"), missing(second))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_derivative_is_missing(shared: Api, method: str) -> None:
    body = bodies.derivative(999_999, id=999_999) if method == "PUT" else None
    is_missing(await shared.call(method, f"{PATH}/999999", body), missing(999_999))


async def test_a_derivative_needs_a_data_store(shared: Api, store: int) -> None:
    is_unresolved(await shared.post(PATH, bodies.derivative(999_999)), NO_STORE)
    derivative = await shared.made(PATH, bodies.derivative(store))
    is_unresolved(await shared.put(f"{PATH}/{derivative}", bodies.derivative(999_999, id=derivative)), NO_STORE)


@pytest.mark.parametrize(
    ("change", "failures"),
    [
        ({"dataStoreId": 0}, {"DataStoreId": ["DataStoreId must be greater than 0."]}),
        ({"derivativeType": ""}, {"DerivativeType": ["DerivativeType is required.", TYPES]}),
        ({"derivativeType": "readreplica"}, {"DerivativeType": [TYPES]}),
        ({"derivativeType": "Snapshot "}, {"DerivativeType": [TYPES]}),
        (
            {"derivativeType": "x" * 51},
            {"DerivativeType": ["DerivativeType must be 50 characters or fewer.", TYPES]},
        ),
        (
            {"connectionString": "x" * 1001},
            {"ConnectionString": ["ConnectionString must be 1000 characters or fewer."]},
        ),
    ],
)
async def test_a_member_that_breaks_its_rules_is_refused(
    shared: Api, change: bodies.Body, failures: dict[str, list[str]]
) -> None:
    breaks_rules(await shared.post(PATH, bodies.derivative(7, **change)), failures)
    breaks_rules(await shared.put(f"{PATH}/7", bodies.derivative(7, id=7, **change)), failures)


async def test_the_id_of_a_replaced_derivative_is_above_zero(shared: Api) -> None:
    for body in (bodies.derivative(7), bodies.derivative(7, id=0)):
        breaks_rules(await shared.put(f"{PATH}/0", body), {"Id": ["Id must be greater than 0."]})


async def test_its_lists_page_and_sort(shared: Api, store: int) -> None:
    made = [
        await shared.made(PATH, bodies.derivative(store, derivativeType=kind)) for kind in ("Snapshot", "ReadReplica")
    ]
    by_type = [item["id"] for item in (await shared.get(f"{PATH}?orderBy=derivativeType")).json()]
    assert [derivative for derivative in by_type if derivative in made] == made[::-1]
    flipped_alone = [item["id"] for item in (await shared.get(f"{PATH}?direction=desc")).json()]
    assert flipped_alone == sorted(flipped_alone)
    is_bad_parameter(
        await shared.get(f"{PATH}?orderBy=x"),
        "'orderBy' is not a valid field. Allowed values: id, dataStoreId, derivativeType",
    )


async def test_derivatives_are_for_callers_of_their_scopes(shared: Api, store: int) -> None:
    derivative = await shared.made(PATH, bodies.derivative(store))
    for caller in ("reader", "metadata"):
        assert (await shared.get(PATH, caller=caller)).status_code == 200
        assert (await shared.get(f"{PATH}/{derivative}", caller=caller)).status_code == 200
        assert (await shared.post(PATH, bodies.derivative(store), caller=caller)).status_code == 403
        assert (await shared.delete(f"{PATH}/{derivative}", caller=caller)).status_code == 403
    assert (await shared.get(PATH, caller=None)).status_code == 401


async def test_derivatives_of_another_tenant_are_not_there(fleet: Api) -> None:
    for name in ("North", "South"):
        await fleet.made("/v3/tenants", {"name": name})
    store = await fleet.made("/v3/dataStores", bodies.data_store(), tenant="North")
    other = await fleet.made("/v3/dataStores", bodies.data_store(), tenant="South")
    derivative = await fleet.made(PATH, bodies.derivative(store), tenant="North")
    own = await fleet.made(PATH, bodies.derivative(other), tenant="South")
    for method, body in [("GET", None), ("PUT", bodies.derivative(other, id=derivative)), ("DELETE", None)]:
        is_missing(await fleet.call(method, f"{PATH}/{derivative}", body, tenant="South"), missing(derivative))
    is_unresolved(await fleet.post(PATH, bodies.derivative(store), tenant="South"), NO_STORE)
    is_unresolved(await fleet.put(f"{PATH}/{own}", bodies.derivative(store, id=own), tenant="South"), NO_STORE)
    assert [item["id"] for item in (await fleet.get(PATH, tenant="South")).json()] == [own]


async def test_a_managed_data_store_with_derivatives_is_not_deleted(service_url: str, api: Api) -> None:
    store = await api.made("/v3/dataStores", bodies.data_store())
    with psycopg.connect(service_url, autocommit=True) as connection:
        managed = insert_managed(connection, store)
    derivative = await api.made(PATH, bodies.derivative(store, derivativeType="Snapshot"))
    name = (await api.get(f"/v3/dataStores/manage/{managed}")).json()["name"]
    sentence = f"DataStoreManage '{name}' is still used by derivative 'Snapshot'. Remove these references first."
    answer = await api.delete(f"/v3/dataStores/manage/{managed}")
    is_problem(answer, 409, "conflict:dependent-item-exists", sentence)
    await api.delete(f"{PATH}/{derivative}")
    assert (await api.delete(f"/v3/dataStores/manage/{managed}")).status_code == 202
