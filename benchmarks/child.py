"""A process under measurement, with a log and a sampler."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.load import HOST
from benchmarks.profiled import Profiler
from benchmarks.sampler import FILE_VARIABLE

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 120
STOP_SECONDS = 30
OURS = ("TENANT_API_", "TA_", "BENCHMARK_")


class ChildFailedError(Exception):
    """The message holds the end of the child's log."""


class Child:
    """`python -m module`, out of reach of Ctrl-C in the terminal: whoever started it also stops it."""

    def __init__(
        self, module: str, *arguments: str, environment: Mapping[str, str], folder: Path, settled: Callable[[], bool]
    ) -> None:
        name = module.rpartition(".")[2]
        profile = folder / f"{name}.profile.json"
        self._log = folder / f"{name}.log"
        inherited = _inherited()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env={**inherited, **environment, FILE_VARIABLE: str(profile)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.profiler = Profiler(self._process.pid, profile)
        try:
            self._wait_until(settled)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """In good order, or by force after a while."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _wait_until(self, settled: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not settled():
            if self._process.poll() is not None or time.monotonic() > deadline:
                lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
                raise ChildFailedError("\n".join(["A process did not start and said:", *lines[-15:]]))
            time.sleep(0.02)


def run_command(*arguments: str, environment: Mapping[str, str]) -> None:
    """`tenant-api` with these arguments; ChildFailedError with what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "tenant_api", *arguments],
        cwd=ROOT,
        env={**_inherited(), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
    )
    if done.returncode:
        raise ChildFailedError(f"tenant-api {arguments[0]} said:\n{done.stdout}{done.stderr}")


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
