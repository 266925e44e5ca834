"""A service on temporary data and a free port: one process for the API, one for each worker."""

import os
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import rich_click as click

from tenant_api.cli.access import Access
from tenant_api.cli.demo.process import Process
from tenant_api.embedded import EmbeddedServer, home
from tenant_api.kernel.keys import load_or_create_keys
from tenant_api.service import administrator, presence

HOST = "127.0.0.1"
START_SECONDS = 90
PROBES = 100
OURS = ("TENANT_API_", "TA_")
IDP = "TENANT_API_IDP__"


class TemporaryService:
    """Starts processes, hands out what is needed to speak to them, and leaves nothing unless told to `keep`.

    `idp` is how another identity provider than the built-in one is set.
    """

    def __init__(self, *, keep: bool, idp: Mapping[str, str] | None = None) -> None:
        self._keep = keep
        self._idp = idp
        self._processes: list[Process] = []
        # No folder in between: root opens exactly this one to the account of the database server.
        self.folder = Path(tempfile.mkdtemp(prefix="tenant-api-demo-")).resolve()
        self.url = f"http://{HOST}:{_free_port()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # A second Ctrl-C must not leave half of it behind; every wait in here is bounded.
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self._end()
        finally:
            signal.signal(signal.SIGINT, previous)

    def start_api(self) -> Process:
        """The API without workers, on an embedded PostgreSQL."""
        process = self._start("serve")
        process.wait_until(lambda: presence.running(self.folder) is not None, START_SECONDS)
        return process

    def start_worker(self) -> Process:
        """A worker of its own."""
        process = self._start("work")
        process.wait_until(lambda: "is ready" in process.log.read_text(encoding="utf-8"), START_SECONDS)
        return process

    def access(self, tenant: str) -> Access:
        """As the administrator, for this tenant."""
        own = administrator.read(self.folder / administrator.FILE)
        if own is None:
            raise click.ClickException("The service made no administrator.")
        return Access(url=own.url, client_id=own.client_id, client_secret=own.client_secret, tenant=tenant)

    def connection_string_key(self) -> str:
        """The key that the service shares with data planes."""
        return load_or_create_keys(self.folder / "keys").connection_strings

    def _start(self, command: str) -> Process:
        log = self.folder / f"{command}-{len(self._processes) + 1}.log"
        with _interruption_put_off():
            process = Process(command, self._environment(), log)
            self._processes.append(process)
        return process

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        idp = {f"{IDP}SETTINGS__ISSUER": self.url} if self._idp is None else self._idp
        return {
            **inherited,
            **idp,
            "TENANT_API_EMBEDDED__FOLDER": str(self.folder),
            "TENANT_API_HTTP__HOST": HOST,
            "TENANT_API_HTTP__PORT": self.url.rpartition(":")[2],
            "TENANT_API_MULTI_TENANCY": "true",
            "TENANT_API_WORKERS__ENABLED": "false",
        }

    def _end(self) -> None:
        for process in reversed(self._processes):
            process.stop()
        EmbeddedServer(self.folder).stop()
        if self._keep:
            return
        if cluster := home.existing(self.folder):
            shutil.rmtree(cluster, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def _interruption_put_off() -> Iterator[None]:
    """A Ctrl-C in here counts at its end: in between it would leave a process that nobody stops."""
    came: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if came:
        raise KeyboardInterrupt


def settings_of_idp(environment: Mapping[str, str]) -> dict[str, str]:
    """The identity provider that is set there; click.UsageError if none is."""
    found = {name: value for name, value in environment.items() if name.startswith(IDP)}
    if f"{IDP}NAME" not in found:
        raise click.UsageError(f"No identity provider is configured: set {IDP}NAME and its settings.")
    return found


def _free_port() -> int:
    """Below those that systems usually give away themselves, lest another has it by the time the service takes it."""
    for _ in range(PROBES):
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise click.ClickException(f"No port of {HOST} is free.")
