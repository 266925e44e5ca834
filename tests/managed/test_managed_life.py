"""A managed data store from its acceptance to its tombstone, as callers see it."""

import asyncio
import re

import psycopg
import pytest

from tests.api.service import Api, serving
from tests.crash.environment import Environment
from tests.managed.stores import MANAGE, Stores, as_data_plane, at_work, on_server, parts_of

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("managed")]

HOST = "http://tenant-api.test"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*")


async def test_a_create_is_accepted_with_the_addresses_of_the_store_and_its_job(api: Api, stores: Stores) -> None:
    answer = await api.post(MANAGE, {"name": "Year 2026", "databaseTemplate": "Tiny"})
    accepted = answer.json()
    assert answer.status_code == 202
    assert accepted == {"id": 1, "jobId": accepted["jobId"]}
    assert answer.headers["location"] == f"{HOST}{MANAGE}/1"
    assert answer.headers["operation-location"] == f"{HOST}/v3/jobs/{accepted['jobId']}"

    job = (await api.get(answer.headers["operation-location"])).json()
    assert job == {
        "id": accepted["jobId"],
        "kind": "createDataStore",
        "status": "Pending",
        "createdAt": job["createdAt"],
        "startedAt": None,
        "finishedAt": None,
        "deadline": job["deadline"],
        "target": f"{MANAGE}/1",
        "steps": [],
        "message": None,
        "fraction": None,
        "error": None,
        "errorMessage": None,
    }
    shown = (await api.get(answer.headers["location"])).json()
    assert shown == {
        "id": 1,
        "name": "Year 2026",
        "dataStoreId": None,
        "dataStoreName": None,
        "status": "PendingCreate",
        "why": None,
        "databaseTemplate": "Tiny",
        "databaseName": shown["databaseName"],
        "serverVersion": None,
        "sizeBytes": None,
        "jobId": accepted["jobId"],
        "deadline": job["deadline"],
        "allowedActions": ["cancel"],
        "lastRefreshed": None,
        "lastModifiedDate": shown["lastModifiedDate"],
    }
    assert re.fullmatch(r"ta_default_year_2026_[a-z2-7]{10}", shown["databaseName"])
    await api.post(f"/v3/jobs/{accepted['jobId']}/cancel")


async def test_a_finished_create_is_offered_to_data_planes_under_its_own_login(api: Api, stores: Stores) -> None:
    async with at_work(api):
        created = await stores.created("Year 2026")
    name = created["databaseName"]
    assert (created["why"], created["allowedActions"], created["deadline"]) == (None, ["delete"], None)
    assert created["dataStoreName"] == "Year 2026"
    assert created["sizeBytes"] > 1_000_000
    assert re.match(r"\d\d\.\d", created["serverVersion"])
    assert MOMENT.match(created["lastRefreshed"])

    job = await stores.job(created["jobId"])
    assert (job["status"], job["error"], job["message"]) == ("Completed", None, "The database is ready.")
    assert [(step["name"], step["attempt"]) for step in job["steps"]] == [
        ("provision", 1),
        ("verify", 1),
        ("register", 1),
    ]
    assert all(MOMENT.match(step["startedAt"]) and MOMENT.match(step["finishedAt"]) for step in job["steps"])

    (offered,) = (await api.get("/v3/dataStores")).json()
    assert (offered["id"], offered["name"], offered["dataStoreType"]) == (created["dataStoreId"], "Year 2026", "Tiny")
    with as_data_plane(api, offered) as connection:
        assert connection.execute("SELECT current_user::text, current_database()::text").fetchone() == (name, name)
        connection.execute("INSERT INTO edfi.student (firstname) VALUES ('Katherine')")
        assert connection.execute("SELECT count(*) FROM edfi.student").fetchone() == (3,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE edfi.mine ()")


async def test_health_is_measured_now(api: Api, stores: Stores) -> None:
    async with at_work(api):
        created = await stores.created("Healthy")
    answer = await api.get(f"{MANAGE}/{created['id']}/health", caller="reader")
    health = answer.json()
    assert answer.status_code == 200
    assert (health["available"], health["estimated"], health["detail"]) == (True, [], "")
    assert health["counts"] == {"educationOrganizations": 1, "students": 2}
    assert health["serverVersion"] == created["serverVersion"]
    assert 0 < health["latencyMs"] < 5000
    assert health["uptimeSeconds"] >= 0
    assert MOMENT.match(health["checkedAt"])
    (offered,) = (await api.get("/v3/dataStores")).json()
    with as_data_plane(api, offered) as connection:
        connection.execute("DELETE FROM edfi.student")
    assert (await api.get(f"{MANAGE}/{created['id']}/health")).json()["counts"]["students"] == 0


async def test_health_of_an_unreachable_database_is_an_answer(
    environment: Environment, api: Api, stores: Stores
) -> None:
    async with at_work(api):
        created = await stores.created("Closed")
    with psycopg.connect(environment.superuser.url(), autocommit=True) as connection:
        connection.execute(f'ALTER ROLE "{created["databaseName"]}" NOLOGIN')
        health = (await api.get(f"{MANAGE}/{created['id']}/health")).json()
        connection.execute(f'ALTER ROLE "{created["databaseName"]}" LOGIN')
    assert (health["available"], health["counts"]) == (False, {})
    assert health["detail"]


async def test_a_delete_removes_everything_and_leaves_a_tombstone(
    environment: Environment, api: Api, stores: Stores
) -> None:
    async with at_work(api):
        created = await stores.created("Short lived")
    assert on_server(environment.superuser.url(), created["databaseName"]) == parts_of(created["databaseName"])
    answer = await api.delete(f"{MANAGE}/{created['id']}")
    accepted = answer.json()
    assert (answer.status_code, accepted) == (202, {"id": created["id"], "jobId": accepted["jobId"]})
    assert answer.headers["location"] == f"{HOST}{MANAGE}/{created['id']}"
    assert answer.headers["operation-location"] == f"{HOST}/v3/jobs/{accepted['jobId']}"
    pending = await stores.shown(created["id"])
    assert (pending["status"], pending["allowedActions"]) == ("PendingDelete", ["cancel"])
    async with at_work(api):
        gone = await stores.reaches(created["id"], "Deleted")
    assert (gone["allowedActions"], gone["dataStoreId"], gone["why"]) == ([], None, None)
    assert [step["name"] for step in (await stores.job(accepted["jobId"]))["steps"]] == ["withdraw", "drop", "forget"]
    assert on_server(environment.superuser.url(), created["databaseName"]) == []
    assert (await api.get("/v3/dataStores")).json() == []
    assert (await api.get(f"/v3/dataStores/{created['dataStoreId']}")).status_code == 404
    assert (await api.delete(f"{MANAGE}/{created['id']}")).status_code == 404
    assert [row["status"] for row in (await api.get(MANAGE)).json()] == ["Deleted"]


async def test_the_name_of_a_deleted_one_is_free_again(api: Api, stores: Stores) -> None:
    async with at_work(api):
        first = await stores.created("Again")
        await stores.delete_all()
        second = await stores.created("Again")
    assert first["databaseName"] != second["databaseName"]
    rows = (await api.get(f"{MANAGE}?name=Again")).json()
    assert [(row["id"], row["status"]) for row in rows] == [(first["id"], "Deleted"), (second["id"], "Created")]


async def test_twenty_created_at_once_all_become_ready(environment: Environment, api: Api, stores: Stores) -> None:
    async with at_work(api):
        accepted = [await stores.accepted(f"Store {number}") for number in range(20)]
        ready = [await stores.reaches(one["id"], "Created") for one in accepted]
    assert len({row["databaseName"] for row in ready}) == len({row["dataStoreId"] for row in ready}) == 20
    assert len((await api.get("/v3/dataStores")).json()) == 20
    assert len(on_server(environment.superuser.url(), "ta_default_store_")) == 20 * 3


async def test_health_checks_at_once_do_not_use_up_the_connections(environment: Environment) -> None:
    async with environment.service_database() as database:
        url = environment.superuser.url(database)
        async with serving(url, **{**environment.provisioner(), "DATABASE__POOL_SIZE": "2"}) as api:
            stores = Stores(api)
            async with at_work(api):
                managed = await stores.created("Year 2026")
            answers = await asyncio.gather(*(api.get(f"{MANAGE}/{managed['id']}/health") for _ in range(12)))
            assert [answer.status_code for answer in answers] == [200] * 12
            async with at_work(api):
                await stores.delete_all()
