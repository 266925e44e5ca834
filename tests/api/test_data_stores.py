"""Data stores speak the contract (sections 1.13 and 2.4)."""

import base64

import psycopg
import pytest

from tenant_api.kernel.connection_strings import decode
from tests.api import bodies
from tests.api.managed_row import insert_managed
from tests.api.problems import breaks_rules, is_bad_parameter, is_missing, is_problem
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio


def plain(api: Api, encrypted: str) -> str:
    return decode(encrypted, api.runtime.keys.connection_strings)


async def test_a_new_data_store_says_so_and_where(shared: Api) -> None:
    body = bodies.data_store(name="Year 2026", dataStoreType="Anything")
    answer = await shared.post("/v3/dataStores", body)
    created = answer.json()
    assert answer.status_code == 201
    assert created == {
        "id": created["id"],
        "status": 201,
        "title": "New DataStore Year 2026 has been created successfully.",
    }
    assert answer.headers["location"] == f"http://tenant-api.test/v3/dataStores/{created['id']}"
    shown = (await shared.get(answer.headers["location"])).json()
    assert shown == {
        "id": created["id"],
        "dataStoreType": "Anything",
        "name": "Year 2026",
        "connectionString": shown["connectionString"],
        "dataStoreContexts": [],
        "dataStoreDerivatives": [],
        "tenantId": None,
    }
    assert plain(shared, shown["connectionString"]) == body["connectionString"]
    assert len(base64.b64decode(shown["connectionString"])) % 16 == 0


@pytest.mark.parametrize(
    "text",
    [
        "host=db;port=5432;username=u;password='a;b';database=edfi;",
        "postgresql://user:pass@host/db?sslmode=require",
        "Server=.;Database=EdFi;Trusted_Connection=True",
        "not a connection string at all, with ünïcödé 🦉",
        " ",
        "x" * 1000,
    ],
)
async def test_a_connection_string_is_opaque_and_sealed_at_rest(shared: Api, text: str) -> None:
    store_id = await shared.made("/v3/dataStores", bodies.data_store(connectionString=text))
    shown = (await shared.get(f"/v3/dataStores/{store_id}")).json()
    assert plain(shared, shown["connectionString"]) == text
    async with shared.runtime.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT to_json(d)::text AS row FROM data_stores d WHERE id = %s", (store_id,)
        )
        row = await cursor.fetchone()
    assert row is not None
    assert text == " " or text not in row["row"]


async def test_a_sealed_connection_string_opens_only_in_its_own_row(shared: Api) -> None:
    first, second = [await shared.made("/v3/dataStores", bodies.data_store()) for _ in range(2)]
    async with shared.runtime.pool.connection() as connection:
        await connection.execute(
            "UPDATE data_stores SET connection_string_sealed = "
            "(SELECT connection_string_sealed FROM data_stores WHERE id = %s) WHERE id = %s",
            (first, second),
        )
    assert (await shared.get(f"/v3/dataStores/{second}")).status_code == 500
    assert (await shared.delete(f"/v3/dataStores/{second}")).status_code == 204


@pytest.mark.parametrize("nothing", ["", None])
async def test_no_connection_string_stays_none(shared: Api, nothing: str | None) -> None:
    for body in (bodies.data_store(connectionString=nothing), bodies.without(bodies.data_store(), "connectionString")):
        store_id = await shared.made("/v3/dataStores", body)
        assert (await shared.get(f"/v3/dataStores/{store_id}")).json()["connectionString"] is None


async def test_a_replaced_data_store_shows_its_new_state(shared: Api) -> None:
    store_id = await shared.made("/v3/dataStores", bodies.data_store())
    wanted = {"id": store_id, "dataStoreType": "Test", "name": "New", "connectionString": "new"}
    answer = await shared.put(f"/v3/dataStores/{store_id}", wanted)
    assert (answer.status_code, answer.content) == (204, b"")
    shown = (await shared.get(f"/v3/dataStores/{store_id}")).json()
    assert (shown["dataStoreType"], shown["name"]) == ("Test", "New")
    assert plain(shared, shown["connectionString"]) == "new"
    await shared.put(f"/v3/dataStores/{store_id}", bodies.without(wanted, "connectionString"))
    assert (await shared.get(f"/v3/dataStores/{store_id}")).json()["connectionString"] is None


async def test_names_need_not_be_unique(shared: Api) -> None:
    body = bodies.data_store()
    assert await shared.made("/v3/dataStores", body) != await shared.made("/v3/dataStores", body)


async def test_a_deleted_data_store_is_gone_from_its_clients(shared: Api) -> None:
    stores = [await shared.made("/v3/dataStores", bodies.data_store()) for _ in range(2)]
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    body = bodies.application(vendor_id, dataStoreIds=stores)
    credential = (await shared.post("/v3/applications", body)).json()
    answer = await shared.delete(f"/v3/dataStores/{stores[0]}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await shared.get(f"/v3/applications/{credential['id']}")).json()["dataStoreIds"] == stores[1:]
    assert (await shared.claims(credential))["dataStoreIds"] == str(stores[1])


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_data_store_is_missing(shared: Api, method: str) -> None:
    body = bodies.data_store(id=999_999) if method == "PUT" else None
    detail = "DataStore 999999 not found. It may have been recently deleted."
    is_missing(await shared.call(method, "/v3/dataStores/999999", body), detail)
    is_missing(await shared.get("/v3/dataStores/999999/applications"), detail)


@pytest.mark.parametrize(
    ("change", "failures"),
    [
        ({"dataStoreType": ""}, {"DataStoreType": ["'Data Store Type' must not be empty."]}),
        (
            {"dataStoreType": "x" * 51},
            {
                "DataStoreType": [
                    "The length of 'Data Store Type' must be 50 characters or fewer. You entered 51 characters."
                ]
            },
        ),
        ({"name": ""}, {"Name": ["'Name' must not be empty."]}),
        (
            {"name": "x" * 257},
            {"Name": ["The length of 'Name' must be 256 characters or fewer. You entered 257 characters."]},
        ),
        (
            {"connectionString": "x" * 1010},
            {
                "ConnectionString": [
                    "The length of 'Connection String' must be 1000 characters or fewer. You entered 1010 characters."
                ]
            },
        ),
    ],
)
async def test_a_member_that_breaks_its_rules_is_refused(
    shared: Api, change: bodies.Body, failures: dict[str, list[str]]
) -> None:
    breaks_rules(await shared.post("/v3/dataStores", bodies.data_store(**change)), failures)
    breaks_rules(await shared.put("/v3/dataStores/7", bodies.data_store(id=7, **change)), failures)


async def test_its_applications_come_by_id_and_count_only_its_clients(shared: Api) -> None:
    here, there = [await shared.made("/v3/dataStores", bodies.data_store()) for _ in range(2)]
    assert (await shared.get(f"/v3/dataStores/{here}/applications")).json() == []
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    made = [
        await shared.made("/v3/applications", bodies.application(vendor_id, applicationName=name, dataStoreIds=[here]))
        for name in "cab"
    ]
    unrelated = bodies.api_client(made[0], [there], isApproved=False)
    await shared.made("/v3/apiClients", unrelated)
    listed = (await shared.get(f"/v3/dataStores/{here}/applications")).json()
    assert [application["id"] for application in listed] == made
    assert [application["enabled"] for application in listed] == [True, True, True]
    assert listed[0]["dataStoreIds"] == [here, there]
    [elsewhere] = (await shared.get(f"/v3/dataStores/{there}/applications")).json()
    assert (elsewhere["id"], elsewhere["enabled"]) == (made[0], False)
    page = (await shared.get(f"/v3/dataStores/{here}/applications?offset=1&limit=1&orderBy=whatever")).json()
    assert [application["id"] for application in page] == made[1:2]


async def test_its_list_of_applications_refuses_a_negative_page(shared: Api) -> None:
    store_id = await shared.made("/v3/dataStores", bodies.data_store())
    is_bad_parameter(
        await shared.get(f"/v3/dataStores/{store_id}/applications?offset=-1&limit=0"),
        "'offset' must be greater than or equal to 0.",
        "'limit' must be greater than 0.",
    )


async def test_the_data_store_of_a_managed_one_is_left_to_it(service_url: str, api: Api) -> None:
    store_id = await api.made("/v3/dataStores", bodies.data_store())
    before = (await api.get(f"/v3/dataStores/{store_id}")).json()
    with psycopg.connect(service_url, autocommit=True) as connection:
        managed_id = insert_managed(connection, store_id)
    for answer in (
        await api.put(f"/v3/dataStores/{store_id}", bodies.data_store(id=store_id)),
        await api.delete(f"/v3/dataStores/{store_id}"),
    ):
        is_problem(
            answer,
            409,
            "conflict",
            f"DataStore {store_id} belongs to a managed data store. Use /v3/dataStores/manage/{managed_id}.",
        )
    after = (await api.get(f"/v3/dataStores/{store_id}")).json()
    assert {**after, "connectionString": ""} == {**before, "connectionString": ""}
    breaks_rules(
        await api.put(f"/v3/dataStores/{store_id}", bodies.data_store(id=store_id, name="")),
        {"Name": ["'Name' must not be empty."]},
    )


async def test_a_provider_is_shown_only_if_the_settings_name_one(service_url: str) -> None:
    async with serving(service_url, API__DATA_STORE_PROVIDER="postgresql") as api:
        store_id = await api.made("/v3/dataStores", bodies.data_store())
        assert (await api.get(f"/v3/dataStores/{store_id}")).json()["provider"] == "postgresql"
        assert (await api.get("/v3/dataStores")).json()[0]["provider"] == "postgresql"
    async with serving(service_url) as api:
        assert "provider" not in (await api.get(f"/v3/dataStores/{store_id}")).json()
