"""Linked pages of any size share no row and leave none out, whatever is changed while they are read."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from tenant_api.db.pages import BATCH
from tests.api import bodies
from tests.api.problems import is_problem
from tests.api.service import Api, serving
from tests.api.test_pages import links

pytestmark = pytest.mark.anyio

ROWS = 3200
LIMIT = 1100
INSERT = (
    "INSERT INTO applications (vendor_id, application_name, claim_set_name, created_by) "
    "SELECT vendor_id, %s, claim_set_name, created_by FROM applications LIMIT 1"
)
ORDERS = {
    "by-name": "",
    "by-name-downwards": "direction=desc",
    "by-id-downwards": "orderBy=id&direction=desc",
    "by-a-value-of-all": "orderBy=claimSetName",
}


@asynccontextmanager
async def crowded(url: str) -> AsyncIterator[Api]:
    """A service with applications whose ids and names run alike."""
    async with serving(url) as api:
        vendor = await api.made("/v3/vendors", bodies.vendor())
        async with api.runtime.pool.connection() as connection:
            await connection.execute(
                "INSERT INTO applications (vendor_id, application_name, claim_set_name, created_by) "
                "SELECT %s, 'a' || to_char(n, 'FM00000'), 'x', 'test' FROM generate_series(1, %s) n ORDER BY n",
                (vendor, ROWS),
            )
        yield api


@contextmanager
def before_statements(api: Api, act: Any) -> Iterator[None]:
    """Call before every statement about applications except the first of a page: with its number, from 1."""
    seen = 0

    def note(*given: Any) -> None:
        nonlocal seen
        if "count(" in given[2]:
            seen = 0
        elif "FROM applications" in given[2]:
            seen += 1
            if seen > 1:
                act(seen - 1)

    engine = api.runtime.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def pages(api: Api, order: str) -> AsyncIterator[list[str]]:
    """The names of each page."""
    url: str | None = f"/v3/applications?{order}&limit={LIMIT}"
    while url is not None:
        answer = await api.get(f"{url}&totalCount=true")
        yield [item["applicationName"] for item in answer.json()]
        url = links(answer).get("next")


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
async def test_rows_that_come_meanwhile_push_none_off_a_page(service_url: str, order: str) -> None:
    async with crowded(service_url) as api:
        before = [item["applicationName"] for item in (await api.get(f"/v3/applications?{order}")).json()]
        with psycopg.connect(service_url, autocommit=True) as other:
            added: list[str] = []

            def add(_number: int) -> None:
                added.extend(f"a{place:05}-{len(added)}" for place in (1, 1050, 1099, 2150, 3199))
                for name in added[-5:]:
                    other.execute(INSERT, (name,))

            with before_statements(api, add):
                found = [page async for page in pages(api, order)]
    assert added
    everything = [name for page in found for name in page]
    assert max(map(len, found)) <= LIMIT
    assert len(everything) == len(set(everything))
    assert [name for name in everything if name in set(before)] == before


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
async def test_rows_that_go_meanwhile_pull_none_onto_two_pages(service_url: str, order: str) -> None:
    async with crowded(service_url) as api:
        before = [item["applicationName"] for item in (await api.get(f"/v3/applications?{order}")).json()]
        with psycopg.connect(service_url, autocommit=True) as other:
            removed: list[str] = []

            def remove(_number: int) -> None:
                places = [place + len(removed) for place in (0, 1000, 1090, 2100, 3100)]
                removed.extend(before[place] for place in places)
                other.execute("DELETE FROM applications WHERE application_name = ANY(%s)", (removed,))

            with before_statements(api, remove):
                found = [page async for page in pages(api, order)]
    assert removed
    everything = [name for page in found for name in page]
    assert len(everything) == len(set(everything))
    assert [name for name in everything if name not in removed] == [name for name in before if name not in removed]


async def test_a_row_that_moves_meanwhile_is_shown_once_on_its_page(service_url: str) -> None:
    async with crowded(service_url) as api:
        with psycopg.connect(service_url, autocommit=True) as other:

            def move(number: int) -> None:
                if number > 1:  # after the link was made
                    other.execute("UPDATE applications SET application_name = 'z' WHERE application_name = 'a01050'")

            with before_statements(api, move):
                url = f"/v3/applications?limit={LIMIT}&totalCount=true"
                page = [item["applicationName"] for item in (await api.get(url)).json()]
    assert page == [f"a{number:05}" if number != 1050 else "z" for number in range(1, LIMIT + 1)]


async def test_an_ordinary_page_is_one_statement_and_a_long_one_adds_one_for_its_keys(service_url: str) -> None:
    async with crowded(service_url) as api:
        sent: list[int] = []
        with before_statements(api, sent.append):
            for limit in (1, 1000):
                url = links(await api.get(f"/v3/applications?limit={limit}&totalCount=true"))["next"]
                await api.get(f"{url}&totalCount=true")
            assert sent == []
            await api.get("/v3/applications?limit=3000&totalCount=true")
            assert sent == [1, 2, 3]  # the keys, and two batches more
            sent.clear()
            await api.get("/v3/applications?limit=1000000&totalCount=true&ids=1,2,3")
            assert sent == []


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
async def test_no_statement_brings_more_rows_than_a_batch(service_url: str, order: str) -> None:
    """More of them would hold up all other requests while the driver reads them."""
    async with crowded(service_url) as api:
        brought: list[int] = []

        def note(*given: Any) -> None:
            if "FROM applications" in given[2]:
                brought.append(given[1].rowcount)

        engine = api.runtime.engine.sync_engine
        event.listen(engine, "after_cursor_execute", note)
        try:
            answer = await api.get(f"/v3/applications?{order}&limit=3000&totalCount=true")
        finally:
            event.remove(engine, "after_cursor_execute", note)
        everything = (await api.get(f"/v3/applications?{order}")).json()
        assert answer.json() == everything[:3000]
        assert (await api.get(links(answer)["next"])).json() == everything[3000:]
        assert max(brought) <= BATCH + 1


@pytest.mark.parametrize("rows", [1, 1201])
async def test_what_cannot_be_shown_is_a_problem_however_long_the_list_is(service_url: str, rows: int) -> None:
    async with serving(service_url) as api:
        store = await api.made("/v3/dataStores", bodies.data_store())
        async with api.runtime.pool.connection() as connection:
            await connection.execute("UPDATE data_stores SET connection_string_sealed = 'x' WHERE id = %s", (store,))
            await connection.execute(
                "INSERT INTO data_stores (tenant_id, name, data_store_type, created_by) "
                "SELECT 0, 'n' || n, 'x', 'test' FROM generate_series(2, %s) n",
                (rows,),
            )
        is_problem(await api.get("/v3/dataStores"), 500, "internal-server-error", "")
