"""A moto server: an imitation of AWS, started on a free port of loopback and stopped by its own process id."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx2

from tests.parts.missing import missing
from tests.parts.ports import kept_port

START_SECONDS = 60


@contextmanager
def moto_server(folder: Path) -> Iterator[str]:
    """Its address. Whatever it holds ends with it; its log stays in `folder`."""
    if find_spec("moto") is None or find_spec("flask") is None:
        missing("No moto: install moto[server].")
    with kept_port() as port, _running(port, folder / "moto.log"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(port: int, log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(f"http://127.0.0.1:{port}"):
            assert process.poll() is None, log.read_text(errors="replace")[-3000:]
            assert time.monotonic() < deadline, log.read_text(errors="replace")[-3000:]
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/moto-api/", timeout=5, verify=False).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False
