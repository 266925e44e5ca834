"""What is no HTTP is refused in the contract's form all the same (sections 1.1 and 1.4)."""

import asyncio
import json

import pytest
from litestar.types import Receive, Scope, Send

from tenant_api.service.listener import bind
from tenant_api.service.web_server import answer_requests
from tenant_api.settings.tree import HttpSettings
from tests.api.problems import is_problem
from tests.api.service import Api
from tests.parts.ports import kept_port

pytestmark = pytest.mark.anyio


async def answered(sent: bytes) -> bytes:
    """What the HTTP server says before it hangs up."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("nobody should be asked")

    ready, stop = asyncio.Event(), asyncio.Event()
    with kept_port() as port, bind(http := HttpSettings(port=port)) as listener:
        server = asyncio.create_task(answer_requests(app, http, listener, ready=ready.set, stop=stop))
        async with asyncio.timeout(60):
            await ready.wait()
            reader, writer = await asyncio.open_connection("127.0.0.1", http.port)
            writer.write(sent)
            answer = await reader.read()
            writer.close()
        stop.set()
        await server
    return answer


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["words", "no-colon", "no-length", "no-method"],
)
async def test_what_is_no_http_is_answered_by_a_problem(sent: bytes) -> None:
    head, _, content = (await answered(sent)).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    body = json.loads(content)
    assert status.startswith("HTTP/1.1 400 ")
    assert headers["content-type"] == "application/problem+json"
    assert int(headers["content-length"]) == len(content)
    assert headers["connection"] == "close"
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert headers["x-request-id"] == body["correlationId"]
    assert body == {
        "detail": "The request could not be processed. See 'errors' for details.",
        "type": "urn:ed-fi:api:bad-request",
        "title": "Bad Request",
        "status": 400,
        "correlationId": body["correlationId"],
        "validationErrors": {},
        "errors": ["The request is not well-formed HTTP."],
    }


@pytest.mark.parametrize("path", ["/health", "/v3/vendors", "/connect/token", "/nowhere"])
@pytest.mark.parametrize(
    "hosts", [[b"a b"], [b"a/b"], ["é.example".encode()], [b"a?b"], [b"a#b"], [b"a", b"b"]], ids=str
)
async def test_a_host_that_is_none_is_no_http(shared: Api, path: str, hosts: list[bytes]) -> None:
    answer = await shared.http.request("GET", path, headers=[(b"host", host) for host in hosts])
    body = is_problem(answer, 400, "bad-request", "The request could not be processed. See 'errors' for details.")
    assert (body["validationErrors"], body["errors"]) == ({}, ["The request is not well-formed HTTP."])


@pytest.mark.parametrize("host", [b"", b"x", b"x:80", b"[::1]:80", b"under_score.example", b"a~b"])
async def test_every_other_host_is_served(shared: Api, host: bytes) -> None:
    assert (await shared.http.request("GET", "/health", headers=[(b"host", host)])).status_code == 200
