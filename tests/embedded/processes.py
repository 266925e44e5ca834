"""What the process table tells: for waiting with a deadline, and for looking for secrets."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from tenant_api.embedded.postmaster import command_line


def wait_until(fact: Callable[[], bool], *, seconds: float = 30, pause: float = 0.005) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(pause)


def is_gone(pid: int) -> bool:
    return not command_line(pid)


def mentioning(text: str) -> list[int]:
    """The processes with this text in their arguments, without ourselves."""
    pids = (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
    return [pid for pid in pids if pid != os.getpid() and text in command_line(pid)]


def arguments_and_environments() -> bytes:
    """Those of every process that we may look into."""
    found = b""
    for entry in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                found += (entry / name).read_bytes()
            except OSError:
                continue
    return found
