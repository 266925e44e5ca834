"""The live server process of a data folder, told apart from whatever else may carry its old number."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

POLL_SECONDS = 0.02
FAST_DEADLINE_SECONDS = 60
IMMEDIATE_DEADLINE_SECONDS = 30
HALF_WRITTEN_SECONDS = 1
PID_FILE = "postmaster.pid"


@dataclass(frozen=True, slots=True)
class Postmaster:
    data: Path
    pid: int
    port: int
    ready: bool
    command: str

    @classmethod
    def of(cls, data: Path) -> Self | None:
        """Return the process that serves this data folder now, ready or not; None when there is none."""
        lines = _pid_file_lines(data)
        if lines is None or not _is_complete(lines):
            return None
        pid, port = int(lines[0]), int(lines[3])
        command = command_line(pid)
        if f" -D {data} " not in f"{command} ":
            return None
        return cls(data, pid, port, ready=lines[7:8] == ["ready"], command=command)

    def stop(self) -> None:
        """Stop in fast mode; what has not ended in a minute is stopped as a crash would, which loses no commit."""
        for number, patience in ((signal.SIGINT, FAST_DEADLINE_SECONDS), (signal.SIGQUIT, IMMEDIATE_DEADLINE_SECONDS)):
            if not self._alive():
                return
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
            deadline = time.monotonic() + patience
            while self._alive() and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)

    def _alive(self) -> bool:
        return command_line(self.pid) == self.command


def remove_stale_pid_file(data: Path) -> None:
    """Clear away a pid file that would keep a server from starting although no server runs here.

    PostgreSQL removes the file of a dead process itself, but takes any live process of that number for a server, and
    never touches a file that a kill left half written. Should we err, its shared memory still refuses a second server.
    """
    deadline = time.monotonic() + HALF_WRITTEN_SECONDS
    while (lines := _pid_file_lines(data)) is not None and not _is_complete(lines):
        if time.monotonic() >= deadline:
            break
        time.sleep(POLL_SECONDS)
    if lines is not None and Postmaster.of(data) is None:
        (data / PID_FILE).unlink(missing_ok=True)


def end_survivors(data: Path) -> None:
    """End the sessions of a server that was killed: a busy one does not notice, and keeps the next server out."""
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        try:
            at_home = entry.readlink() == data
        except OSError:
            continue
        pid = int(entry.parent.name)
        if at_home and Path(command_line(pid).partition(" ")[0]).name in {"postgres", "postgres:"}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)


def command_line(pid: int) -> str:
    """Return the arguments of a process with blanks between them; empty for one that is gone or a zombie."""
    process = Path("/proc") / str(pid)
    if not Path("/proc/self").exists():
        shown = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
        return shown.stdout.decode(errors="replace").strip()
    try:
        content = (process / "cmdline").read_bytes()
    except OSError:
        return ""
    return content.replace(b"\0", b" ").decode(errors="replace").strip()


def _pid_file_lines(data: Path) -> list[str] | None:
    try:
        text = (data / PID_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return [line.strip() for line in text.splitlines()]


def _is_complete(lines: list[str]) -> bool:
    return len(lines) >= 4 and lines[0].isdigit() and lines[3].isdigit()
