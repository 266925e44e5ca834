"""A child process with a log of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import rich_click as click

POLL_SECONDS = 0.02
GRACE_SECONDS = 30


class Process:
    """One `tenant-api` command in the background. Ctrl-C in the terminal does not reach it."""

    def __init__(self, command: str, environment: Mapping[str, str], log: Path) -> None:
        self.command = command
        self.log = log
        arguments = [sys.executable, "-P", "-m", "tenant_api", command]
        with log.open("wb") as file:
            self._child = subprocess.Popen(
                arguments,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """click.ClickException with the end of the log if that takes too long or the process ends."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self._child.poll() is not None:
                raise click.ClickException(f"`tenant-api {self.command}` ended by itself.\n{self._last_lines()}")
            if time.monotonic() > deadline:
                raise click.ClickException(f"`tenant-api {self.command}` is not ready.\n{self._last_lines()}")
            time.sleep(POLL_SECONDS)

    def freeze(self) -> None:
        """Stop it where it stands, until `thaw` or `kill`."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it without a chance to clean up."""
        self._child.kill()
        self._child.wait()

    def stop(self) -> None:
        """End it in good order, or by force after a while. A process that has ended is fine."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGCONT)
            self._child.terminate()
            try:
                self._child.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def exit_code(self) -> int:
        """Of a process that is ending or has ended."""
        return self._child.wait(GRACE_SECONDS)

    def _last_lines(self, count: int = 15) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])
