"""Cancels, retries and foreign databases: nobody is stuck, and nothing is taken that is not ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest

from tests.api.service import Api
from tests.crash.environment import Environment
from tests.managed.stores import MANAGE, Stores, at_work, foreign_database, on_server, parts_of

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("managed")]


@asynccontextmanager
async def databases_stand_still(environment: Environment) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """CREATE and DROP DATABASE wait in the server until the yielded function is called."""
    async with await psycopg.AsyncConnection.connect(environment.superuser.url()) as connection:
        await connection.execute("LOCK TABLE pg_database IN SHARE MODE")
        yield connection.commit


async def waits_in_the_server(environment: Environment, statement: str) -> None:
    query = "SELECT FROM pg_stat_activity WHERE query LIKE %s AND wait_event_type = 'Lock'"
    async with (
        asyncio.timeout(30),
        await psycopg.AsyncConnection.connect(environment.superuser.url(), autocommit=True) as connection,
    ):
        while not (await connection.execute(query, (f"{statement}%",))).rowcount:
            await asyncio.sleep(0.02)


async def test_a_queued_create_that_is_cancelled_leaves_nothing(
    environment: Environment, api: Api, stores: Stores
) -> None:
    accepted = await stores.accepted("Changed my mind")
    answer = await api.post(f"/v3/jobs/{accepted['jobId']}/cancel")
    assert (answer.status_code, answer.json()["id"]) == (202, accepted["jobId"])
    async with at_work(api):
        cancelled = await stores.reaches(accepted["id"], "CreateError")
    assert cancelled["allowedActions"] == ["retry", "delete"]
    assert cancelled["why"] == "The job was cancelled; everything that it had made was removed."
    assert (await stores.job(accepted["jobId"]))["status"] == "Cancelled"
    assert on_server(environment.superuser.url(), cancelled["databaseName"]) == []


async def test_a_create_cancelled_in_the_middle_leaves_nothing_and_can_be_retried(
    environment: Environment, api: Api, stores: Stores
) -> None:
    accepted = await stores.accepted("Half way")
    async with at_work(api):
        async with databases_stand_still(environment) as go_on:
            await waits_in_the_server(environment, "CREATE DATABASE")
            assert (await stores.shown(accepted["id"]))["status"] == "CreateInProgress"
            assert (await api.post(f"/v3/jobs/{accepted['jobId']}/cancel")).status_code == 202
            await go_on()
        cancelled = await stores.reaches(accepted["id"], "CreateError")
        assert on_server(environment.superuser.url(), cancelled["databaseName"]) == []
        assert (await api.get("/v3/dataStores")).json() == []
        assert (await stores.job(accepted["jobId"]))["steps"] == []
        answer = await api.post(f"/v3/jobs/{accepted['jobId']}/retry")
        retried = answer.json()
        assert (answer.status_code, retried["status"], retried["finishedAt"]) == (202, "Pending", None)
        assert (retried["message"], retried["fraction"], retried["error"]) == (None, None, None)
        created = await stores.reaches(accepted["id"], "Created")
    assert created["databaseName"] == cancelled["databaseName"]
    assert on_server(environment.superuser.url(), created["databaseName"]) == parts_of(created["databaseName"])


async def test_a_cancelled_create_can_be_deleted(environment: Environment, api: Api, stores: Stores) -> None:
    accepted = await stores.accepted("Not wanted")
    await api.post(f"/v3/jobs/{accepted['jobId']}/cancel")
    async with at_work(api):
        await stores.reaches(accepted["id"], "CreateError")
        assert (await api.delete(f"{MANAGE}/{accepted['id']}")).status_code == 202
        await stores.reaches(accepted["id"], "Deleted")
        assert (await api.post(f"/v3/jobs/{accepted['jobId']}/retry")).status_code == 409
        await stores.created("Not wanted")


async def test_a_delete_that_has_begun_cannot_be_cancelled(environment: Environment, api: Api, stores: Stores) -> None:
    async with at_work(api):
        created = await stores.created("Too late")
        async with databases_stand_still(environment) as go_on:
            accepted = (await api.delete(f"{MANAGE}/{created['id']}")).json()
            await waits_in_the_server(environment, "ALTER DATABASE")
            shown = await stores.shown(created["id"])
            assert (shown["status"], shown["allowedActions"]) == ("DeleteInProgress", [])
            refused = await api.post(f"/v3/jobs/{accepted['jobId']}/cancel")
            assert (refused.status_code, refused.json()["type"]) == (409, "urn:ed-fi:api:conflict")
            await go_on()
        await stores.reaches(created["id"], "Deleted")


async def test_a_queued_delete_that_is_cancelled_never_happened(
    environment: Environment, api: Api, stores: Stores
) -> None:
    async with at_work(api):
        created = await stores.created("Kept")
    for _ in range(2):
        accepted = (await api.delete(f"{MANAGE}/{created['id']}")).json()
        assert (await api.post(f"/v3/jobs/{accepted['jobId']}/cancel")).status_code == 202
        async with at_work(api):
            kept = await stores.reaches(created["id"], "Created")
        assert (kept["jobId"], kept["allowedActions"]) == (created["jobId"], ["delete"])
        assert (await stores.job(accepted["jobId"]))["status"] == "Cancelled"
        refused = await api.post(f"/v3/jobs/{accepted['jobId']}/retry")
        assert refused.status_code == 409
    assert (await api.get(f"{MANAGE}/{created['id']}/health")).json()["available"]


async def test_a_foreign_database_of_the_physical_name_is_neither_taken_nor_deleted(
    environment: Environment, api: Api, stores: Stores
) -> None:
    accepted = await stores.accepted("Taken")
    name = (await stores.shown(accepted["id"]))["databaseName"]
    with foreign_database(environment.superuser.url(), name):
        async with at_work(api):
            refused = await stores.reaches(accepted["id"], "CreateError")
            job = await stores.job(accepted["jobId"])
            assert (job["status"], job["error"]["code"], job["error"]["retryable"]) == (
                "Error",
                "foreign-database",
                False,
            )
            assert job["errorMessage"] == refused["why"] == job["error"]["message"]
            deletion = (await api.delete(f"{MANAGE}/{accepted['id']}")).json()
            await stores.reaches(accepted["id"], "DeleteError")
            job = await stores.job(deletion["jobId"])
            assert (job["status"], job["error"]["code"]) == ("Error", "foreign-database")
        assert on_server(environment.superuser.url(), name) == [f"database {name}"]
        assert (await api.get("/v3/dataStores")).json() == []
    async with at_work(api):
        assert (await api.post(f"/v3/jobs/{deletion['jobId']}/retry")).status_code == 202
        await stores.reaches(accepted["id"], "Deleted")


async def test_a_database_that_was_replaced_by_a_foreign_one_is_not_deleted(
    environment: Environment, api: Api, stores: Stores
) -> None:
    async with at_work(api):
        created = await stores.created("Replaced")
        name = created["databaseName"]
        with psycopg.connect(environment.superuser.url(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        with foreign_database(environment.superuser.url(), name):
            deletion = (await api.delete(f"{MANAGE}/{created['id']}")).json()
            await stores.reaches(created["id"], "DeleteError")
            assert (await stores.job(deletion["jobId"]))["error"]["code"] == "foreign-database"
            assert f"database {name}" in on_server(environment.superuser.url(), name)
        await stores.delete_all()
        assert (await stores.shown(created["id"]))["status"] == "Deleted"
    assert on_server(environment.superuser.url(), name) == []
