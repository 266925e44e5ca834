"""Brings up the server of a cluster: adopts a live one that suits, replaces one that does not, starts one otherwise."""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tenant_api.embedded import child
from tenant_api.embedded.account import Account
from tenant_api.embedded.cluster import Cluster
from tenant_api.embedded.errors import EmbeddedServerStartError
from tenant_api.embedded.postmaster import (
    POLL_SECONDS,
    Postmaster,
    command_line,
    end_survivors,
    remove_stale_pid_file,
)

HOST = "127.0.0.1"
START_DEADLINE_SECONDS = 300
ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.05
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "password_encryption": "scram-sha-256",
    # Statements and rows hold secrets; the log is to hold none.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(slots=True)
class Launcher:
    cluster: Cluster
    programs: Path
    account: Account
    log: Path
    durable: bool
    port: int | None
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _pid: int | None = field(default=None, init=False)

    def bring_up(self) -> Postmaster:
        """Return the server once it accepts connections."""
        deadline = time.monotonic() + START_DEADLINE_SECONDS
        attempts = 0
        while time.monotonic() < deadline:
            running = Postmaster.of(self.cluster.data)
            if running and running.ready and self._suits(running):
                self.cluster.remember_port(running.port)
                return running
            if running and running.ready:
                running.stop()
            elif not running and not self._is_starting():
                if attempts == ATTEMPTS:
                    raise EmbeddedServerStartError(f"PostgreSQL did not start and said: {child.last_words(self.log)}")
                self._launch(patience_seconds=FIRST_PAUSE_SECONDS * 2**attempts if attempts else 0)
                attempts += 1
            time.sleep(POLL_SECONDS)
        raise EmbeddedServerStartError(f"PostgreSQL was not ready in {START_DEADLINE_SECONDS} s; see {self.log}.")

    def let_go(self) -> None:
        """Leave the server to itself: it is meant to outlive us, and is found again by its data folder."""
        if self._process:
            self._pid = self._process.pid
            # Otherwise Popen would complain at our end that its child still runs.
            self._process.returncode = 0
            self._process = None

    def reap(self) -> None:
        """Collect the end of a server that was ours to start."""
        if self._pid and not command_line(self._pid):
            with suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
            self._pid = None

    def abandon(self) -> None:
        """End what we started and nobody is going to use."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()

    def _is_starting(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _launch(self, *, patience_seconds: float) -> None:
        time.sleep(patience_seconds)
        remove_stale_pid_file(self.cluster.data)
        end_survivors(self.cluster.data)
        self._process = child.spawn(self.account, self._arguments(self.port or self._likely_port()), self.log)

    def _likely_port(self) -> int:
        last = self.cluster.last_port
        return last if last is not None and _is_free(last) else _free_port()

    def _arguments(self, port: int) -> list[str]:
        settings = {**SETTINGS, **({} if self.durable else NOT_DURABLE)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.programs / "postgres"), "-D", str(self.cluster.data), "-p", str(port), *options]

    def _suits(self, running: Postmaster) -> bool:
        return running.command == " ".join(self._arguments(self.port or running.port)).strip()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    # Somebody may take it before the server does; then the next attempt chooses another one.
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
