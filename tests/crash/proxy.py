"""A proxy between one process and PostgreSQL that counts its statements, and kills the process at a chosen one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from enum import StrEnum

from tenant_api.operations.queue import CLAIM

HOST = "127.0.0.1"
_PROTOCOL_3 = 196608
_CANCEL = 80877102
_ENCRYPTION = {80877103, 80877104}
_READY = b"Z"
_TERMINATE = b"X"
_LAST_OF_STATEMENT = {b"Q", b"S"}
_CHUNK = 65536
_TIMED = {"tenant-api heartbeat", "tenant-api listener"}
"""Sessions whose statements come with time, not with the work."""

FIRST_WORDS_OF_CLAIM = CLAIM.partition("%(")[0]


class Moment(StrEnum):
    """When the process dies: with its statement not yet at the server, under way, or answered and not heard."""

    BEFORE = "before"
    INSIDE = "inside"
    AFTER = "after"


@dataclass(frozen=True)
class KillPoint:
    """`number` counts statements from 0, beginning with the first one that `Proxy` is told to count."""

    number: int
    moment: Moment


@dataclass(frozen=True)
class Statement:
    user: str
    application: str
    text: str


@dataclass(eq=False)
class Proxy:
    """`begins` recognises the first statement that counts; None counts once `counting` is set by hand.

    `begun`: the first statement has been answered. `struck`: the process is dead.
    """

    server_port: int
    begins: str | None = FIRST_WORDS_OF_CLAIM
    point: KillPoint | None = None
    kill: Callable[[], None] = lambda: None
    counting: bool = False
    statements: list[Statement] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    struck: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    _sessions: set["asyncio.Task[None]"] = field(default_factory=set)

    def count(self, user: str, application: str, text: str) -> Moment | None:
        """Note a statement; the moment at which to strike if it is the one."""
        if self.begins and text.startswith(self.begins):
            self.counting = True
        if not self.counting or application in _TIMED or self.struck.is_set():
            return None
        self.statements.append(Statement(user, application, text))
        if len(self.statements) == 2:
            self.begun.set()
        chosen = self.point and self.point.number == len(self.statements) - 1
        return self.point.moment if self.point and chosen else None

    def strike(self) -> None:
        self.kill()
        self.begun.set()
        self.struck.set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection of the client."""
        session = asyncio.create_task(self._serve(reader, writer))
        self._sessions.add(session)
        session.add_done_callback(self._sessions.discard)

    async def close(self) -> None:
        sessions = list(self._sessions)
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError), closing(writer):
            server_reader, server_writer = await asyncio.open_connection(HOST, self.server_port)
            with closing(server_writer):
                await _Session(self, reader, writer, server_reader, server_writer).run()


@asynccontextmanager
async def listening(proxy: Proxy) -> AsyncIterator[Proxy]:
    """The proxy with a port."""
    listener = await asyncio.start_server(proxy.accept, HOST, 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listener.close()
        await proxy.close()


class _Session:
    def __init__(
        self,
        proxy: Proxy,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server_reader: asyncio.StreamReader,
        server_writer: asyncio.StreamWriter,
    ) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer
        self._server_reader = server_reader
        self._server_writer = server_writer
        self._parameters: dict[str, str] = {}
        self._logged_in = False
        self._inside = False
        self._moment: Moment | None = None
        self._withhold = False

    async def run(self) -> None:
        """Until either side ends; then neither has anybody to talk to."""
        await self._start()
        pumps = {asyncio.create_task(self._upwards()), asyncio.create_task(self._downwards())}
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)  # an end of the stream is how they end

    async def _start(self) -> None:
        while True:
            length = await self._reader.readexactly(4)
            body = await self._reader.readexactly(int.from_bytes(length) - 4)
            code = int.from_bytes(body[:4])
            if code in _ENCRYPTION:
                self._writer.write(b"N")
                continue
            self._server_writer.write(length + body)
            if code == _PROTOCOL_3:
                texts = [text.decode() for text in body[4:].split(b"\0")]
                self._parameters = dict(zip(texts[::2], texts[1::2], strict=False))
            else:
                assert code == _CANCEL
            return

    async def _upwards(self) -> None:
        messages = _Messages()
        while data := await self._reader.read(_CHUNK):
            passed = b""
            for kind, message in messages.complete(data):
                if self._logged_in and not self._inside and kind != _TERMINATE:
                    self._inside = True
                    self._moment = self._count(kind, message)
                    if self._moment is Moment.BEFORE:
                        self._proxy.strike()
                        return
                    self._withhold = self._moment is Moment.AFTER
                passed += message
                if kind in _LAST_OF_STATEMENT:
                    self._inside = False
            self._server_writer.write(passed)
            if self._moment is Moment.INSIDE and not self._inside:
                self._proxy.strike()
                return

    async def _downwards(self) -> None:
        messages = _Messages()
        while data := await self._server_reader.read(_CHUNK):
            if not self._withhold:
                self._logged_in = self._logged_in or any(kind == _READY for kind, _ in messages.complete(data))
                self._writer.write(data)
            elif any(kind == _READY for kind, _ in messages.complete(data)):
                self._proxy.strike()
                return

    def _count(self, kind: bytes, message: bytes) -> Moment | None:
        user, application = self._parameters.get("user", ""), self._parameters.get("application_name", "")
        texts = message[5:].split(b"\0")
        text = texts[0] if kind == b"Q" else texts[1]
        return self._proxy.count(user, application, text.decode())


class _Messages:
    """Cuts a stream into the messages of the protocol, those of start-up excepted."""

    def __init__(self) -> None:
        self._rest = b""

    def complete(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """The messages that end with these bytes: the kind of each, and all its bytes."""
        found = []
        self._rest += data
        while len(self._rest) >= 5:
            end = 1 + int.from_bytes(self._rest[1:5])
            if len(self._rest) < end:
                break
            found.append((self._rest[:1], self._rest[:end]))
            self._rest = self._rest[end:]
        return found
