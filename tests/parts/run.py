"""The servers that one pytest run shares, whichever of its processes needs them first; they end with the run.

They live in a folder named after the controlling process, so that a later run can clear up after a killed one.
"""

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from fasteners import InterProcessLock

from tenant_api.embedded import (
    EmbeddedServer,
    EmbeddedServerBusyError,
    EmbeddedServerNotRunningError,
    ServerAddress,
    attach,
)
from tenant_api.embedded.postmaster import command_line

PREFIX = f"tenant-api-tests-{os.geteuid()}-"
MEMORY = Path("/dev/shm")
ENOUGH = 8 * 2**30
"""Bytes. A run keeps far less at a time. What tests copy most are files of databases."""
_started: dict[Path, EmbeddedServer] = {}


def is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def parent() -> Path:
    """Where the folders of all runs lie: in memory, if that is large."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).total >= ENOUGH
    return MEMORY if roomy else Path(tempfile.gettempdir())


def folder() -> Path:
    # Not pytest's own temporary folder: that is closed to the account which the server runs as under root.
    controller = os.getppid() if is_worker() else os.getpid()
    place = parent() / f"{PREFIX}{controller}"
    place.mkdir(mode=0o711, exist_ok=True)
    return place


def lock(name: str) -> InterProcessLock:
    return InterProcessLock(folder() / f"{name}.lock")


def shared_server(name: str, programs: Path | None = None) -> ServerAddress:
    """Return this run's server of that name, started by the first who asks."""
    place = folder() / name
    with lock(name):
        try:
            return attach(place)
        except EmbeddedServerNotRunningError:
            _started[place] = EmbeddedServer(place, durable=False, programs=programs)
            return _started[place].start()


def clear_up_after_killed_runs() -> None:
    for place in parent().glob(f"{PREFIX}*"):
        controller = re.fullmatch(rf"{PREFIX}(\d+)", place.name)
        if controller and (controller[1] == str(os.getpid()) or not command_line(int(controller[1]))):
            # A process of that run that still holds a server will let go; another run then clears up.
            with suppress(EmbeddedServerBusyError):
                _end(place)


def end() -> None:
    if (place := parent() / f"{PREFIX}{os.getpid()}").exists():
        _end(place)


def _end(place: Path) -> None:
    for server in [entry for entry in place.iterdir() if entry.is_dir()]:
        (_started.pop(server, None) or EmbeddedServer(server, durable=False)).stop()
    shutil.rmtree(place, ignore_errors=True)
