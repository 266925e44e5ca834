"""The HTTP server ends in good order."""

import asyncio
import socket

import httpx2
import pytest
from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, Receive, Scope, Send

from tenant_api.service.errors import ServiceError
from tenant_api.service.listener import bind, local_url
from tenant_api.service.web_server import answer_requests
from tenant_api.settings.tree import HttpSettings

pytestmark = pytest.mark.anyio


async def test_a_request_under_way_is_finished_and_no_other_is_accepted(unused_port: int) -> None:
    http = HttpSettings(port=unused_port)
    ready, entered, leave, stop = (asyncio.Event() for _ in range(4))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        entered.set()
        await leave.wait()
        await send(HTTPResponseStartEvent(type="http.response.start", status=204, headers=[]))
        await send(HTTPResponseBodyEvent(type="http.response.body", body=b"", more_body=False))

    with bind(http) as listener:
        server = asyncio.create_task(answer_requests(app, http, listener, ready=ready.set, stop=stop))
        await ready.wait()
        async with httpx2.AsyncClient() as client:
            slow = asyncio.create_task(client.get(local_url(http)))
            await entered.wait()
            stop.set()
            while listener.fileno() != -1:
                await asyncio.sleep(0.01)
            with pytest.raises(httpx2.ConnectError):
                await client.get(local_url(http))
            leave.set()
            answer = await slow
        assert answer.status_code == 204
        assert "server" not in answer.headers
        await server


async def test_grace_ends(unused_port: int) -> None:
    http = HttpSettings(port=unused_port, shutdown_grace_seconds=0)
    entered, stop = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        entered.set()
        await asyncio.Event().wait()

    with bind(http) as listener:
        ready = asyncio.Event()
        server = asyncio.create_task(answer_requests(app, http, listener, ready=ready.set, stop=stop))
        await ready.wait()
        async with httpx2.AsyncClient() as client:
            endless = asyncio.create_task(client.get(local_url(http)))
            await entered.wait()
            stop.set()
            await asyncio.wait_for(server, 10)
            with pytest.raises(httpx2.HTTPError):
                (await endless).raise_for_status()


async def test_a_port_taken_by_another_service_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=f"Port {port} of 127.0.0.1 is in use"):
            bind(HttpSettings(port=port))


async def test_a_host_that_is_not_this_machine_is_refused() -> None:
    with pytest.raises(ServiceError, match=r"cannot listen on 192\.0\.2\.1"):
        bind(HttpSettings(host="192.0.2.1", port=1))


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (HttpSettings(), "http://127.0.0.1:8081"),
        (HttpSettings(host="0.0.0.0", path_base="/config"), "http://127.0.0.1:8081/config"),
        (HttpSettings(host="::1", port=80), "http://[::1]:80"),
        (HttpSettings(host="::"), "http://[::1]:8081"),
    ],
)
async def test_the_local_address_is_one_that_can_be_called(settings: HttpSettings, url: str) -> None:
    assert local_url(settings) == url
