"""`down` without anything to stop. What it stops is told in tests/e2e."""

import json
import os
from pathlib import Path

from tenant_api.embedded.postmaster import command_line
from tenant_api.service import presence
from tests.cli.command import Cli, external


def announced(folder: Path, pid: int, command: str) -> Path:
    folder.mkdir()
    file = folder / presence.NAME
    file.write_text(json.dumps({"pid": pid, "url": "http://127.0.0.1:1", "command": command}))
    return file


def test_nothing_to_stop_is_fine(cli: Cli) -> None:
    ran = cli("down", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["stopped"] is None


def test_the_file_of_a_killed_service_is_cleared_away(cli: Cli, tmp_path: Path) -> None:
    file = announced(tmp_path / "data", 2**22 - 1, "tenant-api serve")
    assert cli("down").code == 0
    assert not file.exists()


def test_another_program_under_the_old_number_is_not_touched(cli: Cli, tmp_path: Path) -> None:
    file = announced(tmp_path / "data", os.getpid(), "tenant-api serve")
    ran = cli("down")
    assert ran.code == 0
    assert "No service runs" in ran.out
    assert not file.exists()
    assert command_line(os.getpid())


def test_a_service_on_an_external_database_is_not_guessed_at(cli: Cli) -> None:
    ran = cli("down", **external("postgresql://a:b@127.0.0.1/c"))
    assert ran.code == 1
    assert "external database" in ran.err
