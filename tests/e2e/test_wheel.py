"""What is installed from the wheel, without the checkout, migrates and serves."""

import json
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import uv

from tests.cli.command import external
from tests.e2e.service import ROOT, clean_environment, execute
from tests.parts.ports import kept_port

pytestmark = pytest.mark.xdist_group("wheel")
OURS = ("tenant_api", "idp_providers", "db_provisioners")
CLIENT = {
    "id": "operator",
    "secret": "ValidClientSecret1234567890!Abcd",
    "display_name": "Operator",
    "scopes": ["edfi_admin_api/full_access"],
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment with our wheel; its dependencies are those of this one."""
    place = tmp_path_factory.mktemp("wheel")
    build(place)
    venv.create(place / "venv", with_pip=False)
    programs = place / "venv" / "bin"
    (wheel,) = place.glob("*.whl")
    install = ("pip", "install", "--offline", "--no-deps", "--python", str(programs / "python"), str(wheel))
    subprocess.run([uv.find_uv_bin(), *install], check=True, capture_output=True)
    (packages,) = (place / "venv" / "lib").glob("python*/site-packages")
    # Only a path: what the checkout's own environment adds by its .pth files stays out.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return programs


def build(place: Path) -> None:
    """Build from a copy, so that nothing that lies about in the checkout can help."""
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True).splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            copy = place / "source" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy)
    command = [uv.find_uv_bin(), "build", "--wheel", "--out-dir", str(place), str(place / "source")]
    # The build backend is in the cache of the installation, unless somebody cleared it.
    offline = subprocess.run([*command, "--offline"], check=False, capture_output=True)
    if offline.returncode:
        subprocess.run(command, check=True, capture_output=True)


def test_nothing_of_ours_comes_from_the_checkout(programs: Path) -> None:
    code = f"import {', '.join(OURS)}; print(*(module.__file__ for module in ({', '.join(OURS)})), sep='\\n')"
    ran = execute(str(programs / "python"), "-c", code, environment=clean_environment())
    places = ran.stdout.split()
    assert len(places) == len(OURS)
    assert all(place.startswith(str(programs.parent)) for place in places)


@pytest.fixture
def port() -> Iterator[int]:
    with kept_port() as port:
        yield port


def test_it_migrates_and_serves(programs: Path, empty_database_url: str, tmp_path: Path, port: int) -> None:
    settings = external(empty_database_url, TENANT_API_HTTP__PORT=str(port))
    environment = clean_environment(**settings, TENANT_API_IDENTITY__CLIENTS=json.dumps([CLIENT]))
    program = str(programs / "tenant-api")
    migrated = execute(program, "migrate", "--json", environment=environment)
    assert (migrated.returncode, json.loads(migrated.stdout)["before"]) == (0, None)
    with (tmp_path / "log").open("wb") as log:
        service = subprocess.Popen([program, "serve", "--json"], env=environment, stdout=-1, stderr=log, cwd="/")
    try:
        assert service.stdout is not None
        ready = b"".join(iter(service.stdout.readline, b"}\n"))
        assert json.loads(ready + b"}")["url"] == f"http://127.0.0.1:{port}", (tmp_path / "log").read_text()
        assert httpx2.get(f"http://127.0.0.1:{port}/health/ready", timeout=30).status_code == 200
    finally:
        service.terminate()
        assert service.wait(30) == 0
        assert service.stdout is not None
        service.stdout.close()
