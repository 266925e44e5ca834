"""A line to PostgreSQL that a test can refuse, cut or freeze."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from urllib.parse import urlsplit


class Line(Enum):
    """What happens to what is said. CUT ends the connection after the request arrived, before any answer."""

    FINE = "fine"
    REFUSED = "refused"
    CUT = "cut"
    FROZEN = "frozen"


class Proxy:
    """Passes bytes both ways. What `state` says holds at once, also for connections that are open."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self.url = url
        self.state = Line.FINE
        self._writers: set[asyncio.StreamWriter] = set()

    def set(self, state: Line) -> None:
        """REFUSED breaks also what is open."""
        self.state = state
        if state is Line.REFUSED:
            for writer in list(self._writers):
                writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the service."""
        if self.state is Line.REFUSED:
            writer.transport.abort()
            return
        upstream, to_upstream = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        pair = {writer, to_upstream}
        self._writers |= pair
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(reader, to_upstream, answers=False))
                both.create_task(self._pass(upstream, writer, answers=True))
        except* OSError:
            pass
        finally:
            self._writers -= pair
            for end in pair:
                end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        while data := await reader.read(65536):
            if answers and self.state is Line.CUT:
                break
            while answers and self.state is Line.FROZEN:
                await asyncio.sleep(0.05)
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError  # ends the other direction too


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Proxy]:
    """A proxy before the server of this URL; `proxy.url` leads through it."""
    proxy = Proxy(url)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    parts = urlsplit(url)
    port = server.sockets[0].getsockname()[1]
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    proxy.url = parts._replace(netloc=f"{login}127.0.0.1:{port}").geturl()
    try:
        yield proxy
    finally:
        proxy.set(Line.REFUSED)
        server.close()
