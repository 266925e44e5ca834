"""Commands on a data folder of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Cli
from tests.parts.ports import kept_port

TERMINAL = ("COLUMNS", "FORCE_COLOR", "GITHUB_ACTIONS", "LINES", "PY_COLORS", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
"""By these the caller's environment would decide whether and how wide a terminal output takes itself to have."""


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output goes to no terminal, whatever pytest runs in."""
    for name in TERMINAL:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Runs a command in this process, without a service."""
    return Cli(monkeypatch, capsys, {"TENANT_API_EMBEDDED__FOLDER": str(tmp_path / "data")})


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port on which nobody listens but the test, if it wants to."""
    with kept_port() as port:
        yield port
