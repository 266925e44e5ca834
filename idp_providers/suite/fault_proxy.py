"""An HTTP server between a provider and the system that it drives, which breaks answers when told to.

A fault injector for tests: loopback only, plain HTTP, one request at a time per connection.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Self

import h11
import httpx2

HOP_BY_HOP = {"connection", "content-length", "content-encoding", "transfer-encoding", "keep-alive", "accept-encoding"}
CHUNK = 65536


class Fault(Enum):
    """What becomes of a request. Only after `LOST_REPLY` has it had its effect."""

    REFUSED = "connection closed before the request was passed on"
    LOST_REPLY = "passed on, connection closed instead of an answer"
    HANGING = "no answer, connection open"
    TRUNCATED = "the answer ends in the middle"
    BAD_REQUEST = HTTPStatus.BAD_REQUEST
    UNAUTHORIZED = HTTPStatus.UNAUTHORIZED
    FORBIDDEN = HTTPStatus.FORBIDDEN
    NOT_FOUND = HTTPStatus.NOT_FOUND
    CONFLICT = HTTPStatus.CONFLICT
    THROTTLED = HTTPStatus.TOO_MANY_REQUESTS
    SERVER_ERROR = HTTPStatus.INTERNAL_SERVER_ERROR
    BAD_GATEWAY = HTTPStatus.BAD_GATEWAY
    UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE
    GATEWAY_TIMEOUT = HTTPStatus.GATEWAY_TIMEOUT
    LOGIN_PAGE = "200 with a page for people, as a captive proxy answers"
    EMPTY = "200 with nothing in it"
    SHAPELESS = "200 with JSON of another shape"

    def __str__(self) -> str:
        return self.name.lower()


CANNED = {
    Fault.LOGIN_PAGE: (200, "text/html", b"<html><body>Please log in.</body></html>"),
    Fault.EMPTY: (200, "application/json", b""),
    Fault.SHAPELESS: (200, "application/json", b'"?"'),
}


@dataclass(frozen=True)
class Request:
    """A request as it came in."""

    method: str
    target: str
    headers: httpx2.Headers
    body: bytes

    @property
    def is_form(self) -> bool:
        """Whether it posts a form, as OAuth 2 asks for tokens."""
        return str(self.headers.get("content-type", "")).startswith("application/x-www-form-urlencoded")


Matching = Callable[[Request], bool]


@dataclass
class _Plan:
    fault: Fault
    matching: Matching
    times: int | None


class FaultProxy:
    """Passes requests on to `upstream` unless a fault is planned. `requests` remembers them in order.

    It listens on any free port, or on the one that is given; outside of its context nobody does.
    """

    def __init__(self, upstream: str, *, port: int = 0) -> None:
        self._port = port
        self._upstream = upstream.rstrip("/")
        self._plans: list[_Plan] = []
        self._served: set[asyncio.Task[None]] = set()
        self._client = httpx2.AsyncClient(timeout=30, verify=False)
        self.requests: list[Request] = []

    @property
    def url(self) -> str:
        """Where the provider shall be pointed to."""
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    def plan(self, fault: Fault, *, matching: Matching = lambda _request: True, times: int | None = None) -> None:
        """Break the next `times` requests that match; all of them until `heal` without a number."""
        self._plans.append(_Plan(fault, matching, times))

    def heal(self) -> None:
        """No more faults."""
        self._plans.clear()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._served:
            task.cancel()
        await asyncio.gather(*self._served, return_exceptions=True)
        await self._client.aclose()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._served.add(task)
        task.add_done_callback(self._served.discard)
        with suppress(asyncio.CancelledError):
            await task

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            while (request := await _read(connection, reader)) is not None:
                self.requests.append(request)
                answer = await self._answer(request, reader)
                if answer is None:
                    break
                status, kind, body, headers = answer
                writer.write(_written(connection, status, kind, body, headers))
                await writer.drain()
                if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                    break
                connection.start_next_cycle()
        except (ConnectionError, h11.ProtocolError):
            pass
        finally:
            writer.transport.abort()

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader
    ) -> tuple[int, str, bytes, list[tuple[str, str]]] | None:
        """Status, content type, body and further headers; None to close the connection without any."""
        match fault := self._fault_of(request):
            case None:
                return await self._passed_on(request)
            case Fault.LOST_REPLY:
                await self._passed_on(request)
                return None
            case Fault.HANGING:
                await reader.read()
                return None
            case Fault.REFUSED:
                return None
            case Fault.TRUNCATED:
                return 200, "application/json", b'{"cut', [("content-length", "4096")]
            case Fault.LOGIN_PAGE | Fault.EMPTY | Fault.SHAPELESS:
                return *CANNED[fault], []
            case _:
                return int(fault.value), "application/json", b'{"error": "injected"}', []

    def _fault_of(self, request: Request) -> Fault | None:
        for plan in self._plans:
            if plan.times != 0 and plan.matching(request):
                plan.times = plan.times and plan.times - 1
                return plan.fault
        return None

    async def _passed_on(self, request: Request) -> tuple[int, str, bytes, list[tuple[str, str]]]:
        """The Host header stays, so that addresses in answers lead here again."""
        headers = [(name, value) for name, value in request.headers.multi_items() if name not in HOP_BY_HOP]
        headers.append(("accept-encoding", "identity"))
        address = self._upstream + request.target
        answer = await self._client.request(request.method, address, headers=headers, content=request.body)
        kept = [
            (name, value)
            for name, value in answer.headers.multi_items()
            if name not in HOP_BY_HOP and name != "content-type"
        ]
        return answer.status_code, answer.headers.get("content-type", ""), answer.content, kept


async def _read(connection: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(CHUNK))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None, "the protocol's order"
            headers = httpx2.Headers([(name.decode(), value.decode("latin-1")) for name, value in head.headers])
            return Request(head.method.decode(), head.target.decode(), headers, bytes(body))
        else:
            return None


def _written(connection: h11.Connection, status: int, kind: str, body: bytes, headers: list[tuple[str, str]]) -> bytes:
    if not any(name == "content-length" for name, _ in headers) and status != HTTPStatus.NO_CONTENT:
        headers = [*headers, ("content-length", str(len(body)))]
    if kind:
        headers = [*headers, ("content-type", kind)]
    parts = [connection.send(h11.Response(status_code=status, headers=headers)), connection.send(h11.Data(data=body))]
    with suppress(h11.LocalProtocolError):  # a truncated answer says less than it announced
        parts.append(connection.send(h11.EndOfMessage()))
    return b"".join(part or b"" for part in parts)
