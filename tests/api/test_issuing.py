"""A credential at the provider exists exactly if its row does, whatever goes wrong and when."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.api import bodies
from tests.api.problems import is_problem
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

UNEXPECTED = "The identity provider returned an unexpected response."


@contextmanager
def failing(url: str, table: str, event: str, *, at_commit: bool = False) -> Iterator[None]:
    """Let every such change of a table fail, at once or when it is committed."""
    timing = SQL("DEFERRABLE INITIALLY DEFERRED" if at_commit else "NOT DEFERRABLE")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'wanted by a test'; END $$"
        )
        connection.execute(
            SQL("CREATE CONSTRAINT TRIGGER fail AFTER {} ON {} {} FOR EACH ROW EXECUTE FUNCTION fail()").format(
                SQL(event), Identifier(table), timing
            )
        )
        try:
            yield
        finally:
            connection.execute(SQL("DROP TRIGGER fail ON {}").format(Identifier(table)))


def count(url: str, table: str, where: str = "true") -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        statement = SQL("SELECT count(*) FROM {} WHERE ").format(Identifier(table)) + SQL(where)
        row = connection.execute(statement).fetchone()
    assert row is not None
    number: int = row[0]
    return number


def everything(url: str) -> tuple[int, ...]:
    return (
        count(url, "applications"),
        count(url, "api_clients"),
        count(url, "api_client_data_stores"),
        count(url, "idp_clients", "managed"),
    )


@pytest.fixture
async def world(api: Api) -> dict[str, int]:
    vendor_id = await api.made("/v3/vendors", bodies.vendor())
    store_id = await api.made("/v3/dataStores", bodies.data_store())
    application_id = await api.made("/v3/applications", bodies.application(vendor_id, dataStoreIds=[store_id]))
    [client] = (await api.get("/v3/apiClients")).json()
    return {"vendor": vendor_id, "store": store_id, "application": application_id, "client": client["id"]}


@pytest.mark.parametrize("table", ["api_clients", "idp_clients"])
async def test_a_commit_that_fails_leaves_neither_row_nor_credential(
    api: Api, service_url: str, world: dict[str, int], table: str
) -> None:
    before = everything(service_url)
    with failing(service_url, table, "INSERT", at_commit=True):
        for path, body in [
            ("/v3/applications", bodies.application(world["vendor"], dataStoreIds=[world["store"]])),
            ("/v3/apiClients", bodies.api_client(world["application"], [world["store"]])),
        ]:
            answer = await api.post(path, body)
            is_problem(answer, 500, "internal-server-error", "")
            assert "secret" not in answer.text
            assert answer.headers["traceid"] == answer.headers["x-request-id"]
    assert everything(service_url) == before


async def test_a_provider_that_fails_leaves_no_row(api: Api, service_url: str, world: dict[str, int]) -> None:
    before = everything(service_url)
    with failing(service_url, "idp_clients", "INSERT"):
        for path, body in [
            ("/v3/applications", bodies.application(world["vendor"])),
            ("/v3/apiClients", bodies.api_client(world["application"], [world["store"]])),
        ]:
            answer = await api.post(path, body)
            problem = is_problem(
                answer, 502, "bad-gateway", "The request could not be processed. See 'errors' for details."
            )
            assert problem["errors"] == [UNEXPECTED]
    assert everything(service_url) == before


@pytest.mark.parametrize(
    ("at_commit", "said"),
    [(False, (502, "bad-gateway", [UNEXPECTED])), (True, (500, "internal-server-error", []))],
    ids=["at-once", "at-commit"],
)
async def test_a_delete_that_fails_leaves_everything(
    api: Api, service_url: str, world: dict[str, int], at_commit: bool, said: tuple[int, str, list[str]]
) -> None:
    status, code, errors = said
    before = everything(service_url)
    with failing(service_url, "idp_clients", "DELETE", at_commit=at_commit):
        for path in (
            f"/v3/apiClients/{world['client']}",
            f"/v3/applications/{world['application']}",
            f"/v3/vendors/{world['vendor']}",
        ):
            assert is_problem(await api.delete(path), status, code)["errors"] == errors
    assert everything(service_url) == before
    for path in (f"/v3/apiClients/{world['client']}", f"/v3/vendors/{world['vendor']}"):
        assert (await api.delete(path)).status_code == 204
    assert everything(service_url) == (0, 0, 0, 0)


async def test_a_reset_that_fails_leaves_the_old_secret(api: Api, service_url: str, world: dict[str, int]) -> None:
    old = (await api.post("/v3/apiClients", bodies.api_client(world["application"], [world["store"]]))).json()
    with failing(service_url, "idp_clients", "UPDATE", at_commit=True):
        assert (await api.put(f"/v3/apiClients/{old['id']}/reset-credential")).status_code == 500
    assert (await api.grant(old)).status_code == 200


async def test_no_secret_is_stored_or_logged(service_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with serving(service_url, LOG__LEVEL="DEBUG") as api:
        vendor_id = await api.made("/v3/vendors", bodies.vendor())
        store_id = await api.made("/v3/dataStores", bodies.data_store(connectionString="password=0pen-Sesame"))
        created = (await api.post("/v3/applications", bodies.application(vendor_id))).json()
        second = (await api.post("/v3/apiClients", bodies.api_client(created["id"], [store_id]))).json()
        renewed = (await api.put(f"/v3/apiClients/{second['id']}/reset-credential")).json()
        with failing(service_url, "api_clients", "INSERT", at_commit=True):
            assert (await api.post("/v3/applications", bodies.application(vendor_id))).status_code == 500
    logged = "".join(capsys.readouterr())
    assert "request.failed" in logged
    secrets = [created["secret"], second["secret"], renewed["secret"], "0pen-Sesame"]
    assert [secret for secret in secrets if secret in logged] == []
    with psycopg.connect(service_url, autocommit=True) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            rows = connection.execute(SQL("SELECT t::text FROM {} t").format(Identifier(table))).fetchall()
            assert [row for (row,) in rows for secret in secrets if secret in row] == [], table
