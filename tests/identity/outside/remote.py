"""A fake of a provider on another machine: its clients live in the test's process and outlive whoever calls it.

It stands in for a real one only where processes are killed: calls travel over TCP, so that the caller can die before
its call has an effect, or after it and before the answer.
"""

import asyncio
import pickle
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from idp_providers.contract import API_VERSION, Capabilities
from idp_providers.errors import IdpUnavailableError
from idp_providers.memory import MemoryProvider
from tests.crash.proxy import Moment

HOST = "127.0.0.1"
CALLS = (
    "check",
    "create_client",
    "update_client",
    "replace_secret",
    "delete_clients",
    "find_client",
    "token",
    "verify",
    "revoke",
    "keys",
    "maintain",
)
ENTRY_POINT = "[tenant_api.idp_providers]\nremote = tests.identity.outside.remote:RemoteProvider\n"


class RemoteSettings(BaseModel):
    door: int


class RemoteProvider:
    """The service's side: every call is one connection."""

    name = "remote"
    api_version = API_VERSION
    settings_model = RemoteSettings
    capabilities = Capabilities(issues_tokens=True)
    issuer = "http://localhost:8081"

    def __init__(self, settings: RemoteSettings) -> None:
        self._settings = settings

    @classmethod
    async def open(cls, settings: RemoteSettings, host: Any) -> "RemoteProvider":
        return cls(settings)

    async def close(self) -> None:
        """Nothing is open."""

    async def _call(self, method: str, *arguments: Any) -> Any:
        try:
            reader, writer = await asyncio.open_connection(HOST, self._settings.door)
            writer.write(pickle.dumps((method, arguments)))
            writer.write_eof()
            answer = pickle.loads(await reader.read())
            writer.close()
        except (OSError, EOFError) as error:
            raise IdpUnavailableError("The connection broke.") from error
        if isinstance(answer, Exception):
            raise answer
        return answer


def _method(name: str) -> Any:
    async def call(self: RemoteProvider, *arguments: Any) -> Any:
        return await self._call(name, *arguments)

    return call


for _name in CALLS:
    setattr(RemoteProvider, _name, _method(_name))


def _bound() -> socket.socket:
    place = socket.socket()
    place.bind((HOST, 0))
    return place


@dataclass
class Door:
    """One caller's way to the shared clients. The caller dies at its call number `at`, counted from 0."""

    provider: MemoryProvider
    at: int | None = None
    moment: Moment = Moment.BEFORE
    kill: Callable[[], None] = lambda: None
    counting: bool = False
    calls: list[str] = field(default_factory=list)
    struck: asyncio.Event = field(default_factory=asyncio.Event)
    place: socket.socket = field(default_factory=_bound)

    @property
    def port(self) -> int:
        """Nobody else's from the start; calls are refused until the door is opened."""
        return int(self.place.getsockname()[1])

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.read()
        if not said:  # the caller died before it had said anything
            writer.close()
            return
        method, arguments = pickle.loads(said)
        strikes = False
        if self.counting and method not in {"verify", "check", "maintain"}:
            strikes = len(self.calls) == self.at
            self.calls.append(method)
        if strikes and self.moment is Moment.BEFORE:
            self._strike(writer)
            return
        try:
            outcome = await getattr(self.provider, method)(*arguments)
        except Exception as error:  # noqa: BLE001 - the caller is told, whatever it is
            outcome = error
        if strikes:
            self._strike(writer)
            return
        writer.write(pickle.dumps(outcome))
        writer.close()

    def _strike(self, writer: asyncio.StreamWriter) -> None:
        self.kill()
        self.struck.set()
        writer.transport.abort()


@asynccontextmanager
async def opened(door: Door) -> AsyncIterator[Door]:
    """The door lets callers in."""
    listener = await asyncio.start_server(door.answer, sock=door.place)
    try:
        yield door
    finally:
        listener.close()


def install(folder: Path) -> None:
    """Make the fake a plugin like any other, for processes that look for packages there."""
    information = folder / "remote_fake-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: remote-fake\nVersion: 1\n")
    (information / "entry_points.txt").write_text(ENTRY_POINT)
