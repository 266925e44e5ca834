"""A database that is away is a reason to try again; a defect of ours is none, however the driver calls it."""

import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from psycopg import AsyncConnection
from sqlalchemy import event
from sqlmodel import col, select

from tenant_api.db.session import create_engine, driver_connection, session_factory
from tenant_api.db.tables import Vendor
from tenant_api.vendors.repository import VendorRepository
from tenant_api.web.bindings import ClientBindings
from tenant_api.web.directory import TenantDirectory
from tests.api.problems import is_problem
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

Act = Callable[[AsyncConnection[Any]], Awaitable[object]]
Way = Callable[[pytest.MonkeyPatch, Act], None]
TOO_MANY = 70_000
"""More parameters than the protocol can count: the driver refuses them as it reports a broken connection."""
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


def cut(connection: AsyncConnection[Any]) -> None:
    """End the connection beneath the driver, as a network does."""
    with socket.socket(fileno=os.dup(connection.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)


async def ask_cut(connection: AsyncConnection[Any]) -> None:
    cut(connection)
    await connection.execute("SELECT 1")


async def ask_ended(connection: AsyncConnection[Any]) -> None:
    await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


async def ask_too_much(connection: AsyncConnection[Any]) -> None:
    await connection.execute(f"SELECT {'+'.join(['%s::int'] * TOO_MANY)}".encode(), [1] * TOO_MANY)


async def ask_wrongly(connection: AsyncConnection[Any]) -> None:
    await connection.execute("SELECT nothing FROM nowhere")


@pytest.fixture
async def bound(service_url: str) -> AsyncIterator[Api]:
    """A service that looks its callers' tenants up with the pool, beside the session of the request."""
    async with serving(service_url, multi_tenancy=True, IDENTITY__TENANT_BOUND_CLIENTS="true") as api:
        yield api


async def asked(api: Api, method: str = "GET") -> Any:
    """What a request about a vendor that is not there is answered."""
    return await api.call(method, "/v3/vendors/1", tenant="(default)")


def is_away(answer: Any) -> None:
    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1"), answer.text


def is_defect(answer: Any) -> None:
    is_problem(answer, 500, "internal-server-error", "")
    assert "retry-after" not in answer.headers


def in_the_session(monkeypatch: pytest.MonkeyPatch, act: Act) -> None:
    """Let a request use its session's connection like that, as hot paths and plugins do."""

    async def find(self: Any, _vendor_id: int) -> None:
        await act(await driver_connection(self._session))

    for name in ("find", "lock"):
        monkeypatch.setattr(VendorRepository, name, find)


def in_the_pool(monkeypatch: pytest.MonkeyPatch, act: Act) -> None:
    """Let the look-up of a caller's tenant use its connection of the pool like that."""

    async def of(self: Any, _client_id: str) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            await act(connection)

    monkeypatch.setattr(ClientBindings, "of", of)


def in_the_directory(monkeypatch: pytest.MonkeyPatch, act: Act) -> None:
    """Let the look-up of the addressed tenant use its connection of the pool like that."""

    async def find(self: Any, _name: str) -> None:
        async with self._pool.connection() as connection:
            await act(connection)

    monkeypatch.setattr(TenantDirectory, "find", find)


WAYS = pytest.mark.parametrize("way", [in_the_session, in_the_pool, in_the_directory])


@WAYS
@pytest.mark.parametrize("act", [ask_cut, ask_ended])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_connection_that_ends_is_a_reason_to_try_again(
    bound: Api, monkeypatch: pytest.MonkeyPatch, way: Way, act: Act, method: str
) -> None:
    with monkeypatch.context() as patched:
        way(patched, act)
        is_away(await asked(bound, method))
    assert (await asked(bound, method)).status_code == 404


@WAYS
@pytest.mark.parametrize("act", [ask_too_much, ask_wrongly])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_statement_that_the_driver_or_the_server_refuses_is_a_defect(
    bound: Api, monkeypatch: pytest.MonkeyPatch, way: Way, act: Act, method: str
) -> None:
    with monkeypatch.context() as patched:
        way(patched, act)
        is_defect(await asked(bound, method))
    assert (await asked(bound, method)).status_code == 404


async def test_an_orm_statement_on_a_cut_connection_is_a_reason_to_try_again(bound: Api) -> None:
    def end(connection: Any, *_more: object) -> None:
        cut(connection.connection.driver_connection)

    engine = bound.runtime.engine.sync_engine
    event.listen(engine, "before_cursor_execute", end)
    try:
        is_away(await asked(bound))
    finally:
        event.remove(engine, "before_cursor_execute", end)
    assert (await asked(bound)).status_code == 404


async def test_an_orm_statement_with_too_many_parameters_is_a_defect(
    bound: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def find(self: Any, _vendor_id: int) -> None:
        await self._session.exec(select(col(Vendor.id)).where(col(Vendor.id).in_(range(TOO_MANY))))

    monkeypatch.setattr(VendorRepository, "find", find)
    is_defect(await asked(bound))


async def test_idle_connections_of_the_pool_that_were_cut_are_a_reason_to_try_again_once(bound: Api) -> None:
    await bound.token("admin")
    pool = bound.runtime.pool
    for _ in range(pool.get_stats()["pool_size"]):
        async with pool.connection() as connection:
            cut(connection)
    answers = [await asked(bound) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {503, 404}
    assert answers[-1].status_code == 404


@pytest.mark.parametrize(
    ("path", "tenant", "status"),
    [("/v3/vendors", "Nowhere", 400), ("/v3/apiClients/00000000-0000-4000-8000-000000000000", None, 401)],
    ids=["by-header", "by-key"],
)
async def test_a_tenant_whose_look_up_was_cut_off_may_be_asked_for_again(
    service_url: str, path: str, tenant: str | None, status: int
) -> None:
    async with serving(service_url, multi_tenancy=True, API__TENANT_BY_KEY="true") as api:
        assert (await api.get(path, tenant=tenant, caller=None)).status_code == status
        pool = api.runtime.pool
        for _ in range(pool.get_stats()["pool_size"]):
            async with pool.connection() as connection:
                cut(connection)
        is_away(await api.get(path, tenant=tenant, caller=None))


async def test_a_server_that_is_not_there_is_a_reason_to_try_again(bound: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def find(_self: Any, _vendor_id: int) -> None:
        elsewhere = create_engine(NOWHERE, pool_size=1, statement_timeout_seconds=1, lock_timeout_seconds=1)
        async with session_factory(elsewhere).reading() as session:
            await session.connection()

    monkeypatch.setattr(VendorRepository, "find", find)
    is_away(await asked(bound))
