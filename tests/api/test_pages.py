"""Lists count, link and stream (beyond contract section 1.5, which knows pages by offset only)."""

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.pool import QueuePool

from tenant_api.operations.schemas import JobRead
from tests.api import bodies
from tests.api.managed_row import insert_managed
from tests.api.problems import is_bad_parameter
from tests.api.service import Api

pytestmark = pytest.mark.anyio

WRONG_CURSOR = "'after' does not belong to this list in this order."
ORDERS = [
    "",
    "orderBy=contactName",
    "orderBy=contactName&direction=desc",
    "orderBy=id&direction=desc",
    "orderBy=company",
]


def links(answer: httpx2.Response) -> dict[str, str]:
    return {name: url for url, name in re.findall(r'<([^>]+)>; rel="(\w+)"', answer.headers["link"])}


@pytest.fixture(scope="module")
async def crowd(shared: Api) -> Api:
    """Vendors with equal and without any contact names."""
    for number in range(17):
        contact = [None, "Ada", "Bob", "ada"][number % 4]
        await shared.made("/v3/vendors", bodies.vendor(contactName=contact or "x", company=f"c{number:02}"))
    async with shared.runtime.pool.connection() as connection:
        await connection.execute("UPDATE vendors SET contact_name = NULL WHERE contact_name = 'x'")
    return shared


async def test_a_list_says_how_much_there_is_only_when_asked(crowd: Api) -> None:
    for silent in ("", "?limit=3", "?totalCount=false", "?totalCount=1"):
        answer = await crowd.get(f"/v3/vendors{silent}")
        assert {"total-count", "link"}.isdisjoint(answer.headers)
    for asked in ("?totalCount=true", "?TOTALCOUNT=True&limit=3", "?totalCount=true&offset=20"):
        answer = await crowd.get(f"/v3/vendors{asked}")
        assert answer.headers["total-count"] == "17"
    filtered = await crowd.get("/v3/vendors?totalCount=true&limit=1&contactName=Ada")
    assert (filtered.headers["total-count"], len(filtered.json())) == ("4", 1)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", [1, 5, 16, 17])
async def test_links_lead_through_the_whole_list_in_its_order(crowd: Api, order: str, limit: int) -> None:
    whole = (await crowd.get(f"/v3/vendors?{order}")).json()
    found: list[object] = []
    url: str | None = f"/v3/vendors?{order}&limit={limit}&totalCount=true"
    counts = []
    while url is not None:
        answer = await crowd.get(url)
        counts.append(answer.headers.get("total-count"))
        assert links(answer)["first"].endswith(f"limit={limit}&totalCount=true")
        assert 0 < len(answer.json()) <= limit
        found += answer.json()
        url = links(answer).get("next")
    assert found == whole
    assert counts == ["17", *[None] * (-(-17 // limit) - 1)]


async def test_a_linked_page_counts_only_if_that_is_asked(crowd: Api) -> None:
    following = links(await crowd.get("/v3/vendors?limit=5&totalCount=true"))["next"]
    assert "totalcount" not in following.lower()
    asked = await crowd.get(f"{following}&totalCount=true")
    assert (asked.headers["total-count"], asked.json()) == ("17", (await crowd.get(following)).json())


@pytest.mark.parametrize("path", ["/v3/vendors", "/v3/claimSets"])
async def test_a_linked_page_costs_no_count(crowd: Api, path: str) -> None:
    following = links(await crowd.get(f"{path}?limit=2&totalCount=true"))["next"]
    sent: list[str] = []

    def note(*given: Any) -> None:
        sent.append(given[2])

    event.listen(crowd.runtime.engine.sync_engine, "before_cursor_execute", note)
    try:
        answer = await crowd.get(following)
    finally:
        event.remove(crowd.runtime.engine.sync_engine, "before_cursor_execute", note)
    assert links(answer)["next"]
    assert [statement for statement in sent if "count(" in statement.lower()] == []


async def test_links_keep_what_was_asked_for(crowd: Api) -> None:
    asked = "orderBy=company&direction=desc&limit=2&totalCount=true&contactEmailAddress=ada%40acme.org&other=%3C%3E"
    answer = await crowd.get(f"/v3/vendors/?{asked}&offset=3")
    found = links(answer)
    assert found["first"].startswith("http://tenant-api.test/v3/vendors?")
    assert parse_qsl(urlsplit(found["first"]).query) == parse_qsl(asked)
    following = dict(parse_qsl(urlsplit(found["next"]).query))
    assert following.pop("after")
    assert {**following, "totalCount": "true"} == dict(parse_qsl(asked))
    companies = [vendor["company"] for vendor in (await crowd.get(found["next"])).json()]
    assert companies == ["c11", "c10"]


@pytest.mark.parametrize("silent", ["totalCount=false", "totalcount=1&totalCount=false"])
async def test_the_first_page_is_linked_with_one_wish_for_a_count(crowd: Api, silent: str) -> None:
    following = links(await crowd.get("/v3/vendors?limit=1&totalCount=true"))["next"]
    answer = await crowd.get(f"{following}&{silent}")
    assert "total-count" not in answer.headers
    assert parse_qsl(urlsplit(links(answer)["first"]).query) == [("limit", "1"), ("totalCount", "true")]


async def test_a_deleted_or_new_row_moves_no_page(crowd: Api) -> None:
    vendor = await crowd.made("/v3/vendors", bodies.vendor(company="c02b"))
    try:
        answer = await crowd.get("/v3/vendors?orderBy=company&limit=4&totalCount=true")
        await crowd.delete(f"/v3/vendors/{vendor}")
        vendor = await crowd.made("/v3/vendors", bodies.vendor(company="c00b"))
        following = (await crowd.get(links(answer)["next"])).json()
        assert [item["company"] for item in following] == ["c03", "c04", "c05", "c06"]
    finally:
        await crowd.delete(f"/v3/vendors/{vendor}")


async def test_a_cursor_belongs_to_its_list_and_order(crowd: Api) -> None:
    answer = await crowd.get("/v3/vendors?orderBy=company&limit=1&totalCount=true")
    cursor = dict(parse_qsl(urlsplit(links(answer)["next"]).query))["after"]
    for path in ("/v3/vendors?", "/v3/vendors?orderBy=id&", "/v3/vendors?orderBy=company&direction=desc&"):
        is_bad_parameter(await crowd.get(f"{path}after={cursor}"), WRONG_CURSOR)
    is_bad_parameter(await crowd.get(f"/v3/profiles?after={cursor}"), WRONG_CURSOR)


NO_CURSORS: list[Any] = [
    [],
    {"order_by": "id", "descending": False, "value": "text", "key": 1},
    {"order_by": "id", "descending": False, "value": 2**70, "key": 1},
    {"order_by": "id", "descending": False, "value": 1, "key": 2**63},
    {"order_by": "id", "descending": False, "value": 1, "key": "1"},
    {"order_by": "id", "descending": False, "value": True, "key": 1},
    {"order_by": "id", "descending": "no", "value": 1, "key": 1},
]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "%00",
        "é",
        "AAAA",
        "e30",
        "x" * 5000,
        *(base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=") for content in NO_CURSORS),
    ],
)
async def test_a_text_that_is_no_cursor_is_refused(crowd: Api, cursor: str) -> None:
    is_bad_parameter(await crowd.get(f"/v3/vendors?after={cursor}"), WRONG_CURSOR)


async def test_every_value_that_a_cursor_can_hold_is_a_place(crowd: Api) -> None:
    from tenant_api.db.listing import Cursor
    from tenant_api.web.cursors import written

    for value, key in [(2**63 - 1, 1), (-(2**63), -(2**63)), (1, 2**63 - 1), (None, 1)]:
        cursor = written(Cursor(order_by="id", descending=False, value=value, key=key))
        assert (await crowd.get(f"/v3/vendors?after={cursor}")).status_code == 200
    for text in ("\ud7ff🦉", "'; DROP TABLE vendors", ""):
        cursor = written(Cursor(order_by="company", descending=False, value=text, key=1))
        assert (await crowd.get(f"/v3/vendors?orderBy=company&after={cursor}")).status_code == 200
    injected = {"order_by": "company", "descending": False, "value": "a\x00", "key": 1}
    text = base64.urlsafe_b64encode(json.dumps(injected).encode()).decode()
    is_bad_parameter(await crowd.get(f"/v3/vendors?orderBy=company&after={text}"), WRONG_CURSOR)


async def test_wrong_pages_are_refused_before_anything_is_sent(crowd: Api) -> None:
    is_bad_parameter(await crowd.get("/v3/vendors?limit=0&totalCount=true"), "'limit' must be greater than 0.")


@pytest.fixture(scope="module")
async def multitude(shared: Api) -> int:
    """A vendor with more applications than one batch holds, and as many data stores."""
    vendor = await shared.made("/v3/vendors", bodies.vendor())
    async with shared.runtime.pool.connection() as connection:
        await connection.execute(
            "INSERT INTO applications (vendor_id, application_name, claim_set_name, created_by) "
            "SELECT %s, 'a' || (n * 7919) %% 2503, 'x', 'test' FROM generate_series(1, 2500) n",
            (vendor,),
        )
        await connection.execute(
            "INSERT INTO data_stores (tenant_id, name, data_store_type, created_by) "
            "SELECT 0, 'n' || n, 'x', 'test' FROM generate_series(1, 2000) n"
        )
    return vendor


async def test_a_long_list_comes_whole_and_in_order(shared: Api, multitude: int) -> None:
    answer = await shared.get("/v3/applications")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert "content-length" not in answer.headers
    names = [item["applicationName"] for item in answer.json()]
    async with shared.runtime.pool.connection() as connection:
        rows = await (await connection.execute("SELECT application_name FROM applications ORDER BY 1, id")).fetchall()
    assert names == [row["application_name"] for row in rows]
    flipped = (await shared.get("/v3/applications?direction=desc&offset=100&limit=1700")).json()
    assert [item["applicationName"] for item in flipped] == names[::-1][100:1800]
    counted = await shared.get("/v3/applications?limit=1200&totalCount=true")
    assert (counted.headers["total-count"], len(counted.json())) == (str(len(names)), 1200)
    following = await shared.get(links(counted)["next"])
    assert [item["applicationName"] for item in [*counted.json(), *following.json()]] == names[:2400]
    assert len((await shared.get(links(following)["next"])).json()) == len(names) - 2400


@pytest.mark.parametrize("order", ["", "orderBy=id&direction=desc", "orderBy=claimSetName", "orderBy=vendorId"])
@pytest.mark.parametrize("limit", [1001, 2499, 2500, 2501, 2**31 - 1])
async def test_a_page_of_any_size_is_read_in_batches_and_links_on(
    shared: Api, multitude: int, order: str, limit: int
) -> None:
    whole = [item["id"] for item in (await shared.get(f"/v3/applications?{order}")).json()]
    found: list[int] = []
    url: str | None = f"/v3/applications?{order}&limit={limit}&totalCount=true"
    while url is not None:
        answer = await shared.get(url)
        assert ("content-length" in answer.headers) == (len(answer.json()) <= 1000)
        found += [item["id"] for item in answer.json()]
        url = links(answer).get("next")
    assert found == whole


async def test_the_applications_of_a_vendor_are_read_in_batches_too(shared: Api, multitude: int) -> None:
    answer = await shared.get(f"/v3/vendors/{multitude}/applications")
    assert "content-length" not in answer.headers
    async with shared.runtime.pool.connection() as connection:
        query = "SELECT application_name FROM applications WHERE vendor_id = %s ORDER BY 1, id"
        rows = await (await connection.execute(query, (multitude,))).fetchall()
    assert [item["applicationName"] for item in answer.json()] == [row["application_name"] for row in rows]
    assert {item["vendorId"] for item in answer.json()} == {multitude}


@pytest.mark.parametrize(("size", "streams"), [(999, False), (1000, False), (1001, True), (2000, True)])
async def test_only_what_is_longer_than_a_batch_is_streamed(
    shared: Api, multitude: int, size: int, *, streams: bool
) -> None:
    answer = await shared.get(f"/v3/dataStores?limit={size}&dataStoreType=x")
    assert len(answer.json()) == size
    assert len({item["id"] for item in answer.json()}) == size
    assert ("content-length" not in answer.headers) == streams


async def test_a_stream_says_the_same_as_an_answer_at_once(shared: Api, multitude: int) -> None:
    streamed = (await shared.get("/v3/applications?limit=1001")).json()[0]
    assert list(streamed.items()) == list((await shared.get("/v3/applications?limit=1")).json()[0].items())


async def test_a_stream_holds_no_connection_while_nobody_reads(shared: Api, multitude: int) -> None:
    pool = shared.runtime.engine.pool
    assert isinstance(pool, QueuePool)
    headers = {"Authorization": f"Bearer {await shared.token('admin')}"}
    async with shared.http.stream("GET", "/v3/applications", headers=headers) as answer:
        assert answer.status_code == 200
        assert pool.checkedout() == 0


async def test_jobs_are_paged_like_everything_else(service_url: str, api: Api) -> None:
    with psycopg.connect(service_url, autocommit=True) as connection:
        for _ in range(3):
            insert_managed(connection, None)
    whole = (await api.get("/v3/jobs")).json()
    assert len(whole) == 3
    first = await api.get("/v3/jobs?limit=2&totalCount=true")
    assert (first.headers["total-count"], first.json()) == ("3", whole[:2])
    assert (await api.get(links(first)["next"])).json() == whole[2:]
    streamed = [JobRead.model_validate(job).model_dump_json(by_alias=True) for job in whole]
    assert [json.loads(job) for job in streamed] == whole
