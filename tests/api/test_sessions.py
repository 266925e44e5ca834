"""Sessions of requests: broken connections are replaced unseen, reads hold no transaction."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from tenant_api.db.session import create_engine, session_factory
from tenant_api.embedded import ServerAddress
from tests.api import bodies
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

PID = text("SELECT pg_backend_pid()")
WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
async def engine(service_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(service_url, pool_size=3, statement_timeout_seconds=30, lock_timeout_seconds=5)
    yield engine
    await engine.dispose()


@pytest.fixture
def server_url(server: ServerAddress) -> str:
    return server.url()


@pytest.mark.parametrize("kind", ["reading", "begin"])
async def test_a_connection_that_the_server_has_ended_is_replaced_before_use(
    engine: AsyncEngine, service_url: str, kind: str
) -> None:
    sessions = session_factory(engine)
    open_session = getattr(sessions, kind)
    async with open_session() as session:
        first = (await (await session.connection()).execute(PID)).scalar_one()
    async with open_session() as session:
        assert (await (await session.connection()).execute(PID)).scalar_one() == first
    with psycopg.connect(service_url, autocommit=True) as other:
        # Answers once the backend is gone.
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [first]).fetchone() == (True,)
    async with open_session() as session:
        assert (await (await session.connection()).execute(PID)).scalar_one() != first


async def test_a_read_holds_no_transaction_and_sees_what_was_committed_meanwhile(
    engine: AsyncEngine, service_url: str
) -> None:
    with psycopg.connect(service_url, autocommit=True) as other:
        async with session_factory(engine).reading() as session:
            connection = await session.connection()
            pid = (await connection.execute(PID)).scalar_one()
            state = other.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone()
            assert state == ("idle",)
            other.execute("CREATE TABLE seen (id int)")
            assert (await connection.execute(text("SELECT count(*) FROM seen"))).scalar_one() == 0


async def test_a_connection_that_served_reads_serves_transactions_next(engine: AsyncEngine) -> None:
    sessions = session_factory(engine)
    async with sessions.reading() as session:
        pid = (await (await session.connection()).execute(PID)).scalar_one()
    async with sessions() as session:
        connection = await session.connection()
        assert (await connection.execute(PID)).scalar_one() == pid
        await connection.execute(text("CREATE TABLE gone (id int)"))
        await session.rollback()
    async with sessions.reading() as session:
        found = await (await session.connection()).execute(text("SELECT to_regclass('gone')"))
        assert found.scalar_one() is None


async def test_a_change_that_was_answered_is_in_the_next_read(shared: Api) -> None:
    for number in range(5):
        body = {
            "company": f"c{number}",
            "contactName": "x",
            "contactEmailAddress": "x@y",
            "namespacePrefixes": "uri://x",
        }
        vendor_id = await shared.made("/v3/vendors", body)
        assert (await shared.get(f"/v3/vendors/{vendor_id}")).json()["company"] == f"c{number}"


@pytest.mark.parametrize("ended_by", ["pg_terminate_backend", "pg_cancel_backend"])
async def test_a_change_that_the_server_cut_off_may_be_sent_again(service_url: str, ended_by: str) -> None:
    async with serving(service_url, DATABASE__LOCK_TIMEOUT_SECONDS="25") as api:
        before = bodies.vendor()
        vendor_id = await api.made("/v3/vendors", before)
        path, wanted = f"/v3/vendors/{vendor_id}", {"id": vendor_id, **before, "contactName": "Grace"}
        with psycopg.connect(service_url) as holder, psycopg.connect(service_url, autocommit=True) as operator:
            holder.execute("SELECT FROM vendors WHERE id = %s FOR UPDATE", [vendor_id])
            change = asyncio.create_task(api.put(path, wanted))
            async with asyncio.timeout(20):
                while (waiting := operator.execute(WAITING).fetchone()) is None:
                    await asyncio.sleep(0.01)
            operator.execute(f"SELECT {ended_by}(%s)".encode(), [waiting[0]])
            answer = await change
        assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1")
        assert (await api.get(path)).json()["contactName"] == before["contactName"]
        assert (await api.put(path, wanted)).status_code == 204


async def test_a_statement_that_overruns_may_be_sent_again(service_url: str) -> None:
    limits = {"DATABASE__STATEMENT_TIMEOUT_SECONDS": "1", "DATABASE__LOCK_TIMEOUT_SECONDS": "60"}
    async with serving(service_url, **limits) as api:
        vendor_id = await api.made("/v3/vendors", bodies.vendor())
        with psycopg.connect(service_url) as holder:
            holder.execute("LOCK TABLE vendors")
            answer = await api.get(f"/v3/vendors/{vendor_id}")
        assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1")
        assert (await api.get(f"/v3/vendors/{vendor_id}")).status_code == 200


async def test_a_database_that_takes_no_connection_is_a_reason_to_try_again(api: Api, server_url: str) -> None:
    headers = {"Authorization": f"Bearer {await api.token('admin')}"}
    name = api.runtime.engine.url.database
    await api.runtime.engine.dispose()
    with psycopg.connect(server_url, autocommit=True) as operator:
        operator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        answer = await api.get("/v3/vendors", caller=None, headers=headers)
        operator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1")
    assert (await api.get("/v3/vendors", caller=None, headers=headers)).status_code == 200


async def test_a_server_that_ends_every_connection_at_once_is_away(engine: AsyncEngine, service_url: str) -> None:
    """Not a misuse of ours: who does the work tries it again."""

    @event.listens_for(engine.sync_engine, "connect")
    def _end(connection: DBAPIConnection, _record: object) -> None:
        with psycopg.connect(service_url, autocommit=True) as other:
            pid = connection.driver_connection.info.backend_pid
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    with pytest.raises((OperationalError, psycopg.OperationalError)):
        async with session_factory(engine).begin() as session:
            await (await session.connection()).execute(PID)
