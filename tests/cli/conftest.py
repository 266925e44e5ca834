"""Commands on a data folder of the test's own."""

import socket
from pathlib import Path

import pytest

from tests.cli.command import Cli


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Runs a command in this process, without a service."""
    return Cli(monkeypatch, capsys, {"TENANT_API_EMBEDDED__FOLDER": str(tmp_path / "data")})


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
