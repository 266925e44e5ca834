"""The demo tells its story to the end, and leaves nothing, however it ends."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenant_api.service import presence
from tests.e2e.conftest import Idp
from tests.e2e.service import PROGRAM, clean_environment, execute
from tests.parts import run

pytestmark = pytest.mark.xdist_group("demo")
FOLDERS = "tenant-api-demo-*"


@pytest.fixture
def place() -> Iterator[Path]:
    """Where the demo makes its folder; the account of the database server can pass through."""
    place = Path(tempfile.mkdtemp(prefix="demo-", dir=run.folder()))
    place.chmod(0o711)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Shells start what runs in their background with Ctrl-C ignored, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def demo(place: Path, interruptible: None) -> Iterator[subprocess.Popen[str]]:
    """A demo under way whose service answers."""
    environment = clean_environment(TMPDIR=str(place))
    command = (*PROGRAM, "demo", "--json")
    with subprocess.Popen(command, env=environment, text=True, stdout=-1, stderr=-1, cwd="/") as process:
        try:
            deadline = time.monotonic() + 60
            while not any(presence.running(folder) for folder in place.glob(FOLDERS)):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


def processes_below(place: Path) -> list[str]:
    """Command lines and environments that name the place, this process's own children included."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(place).encode() in told:
            found.append(told.replace(b"\0", b" ").decode(errors="replace"))
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("provider", ["self_hosted", "keycloak"])
def test_it_ends_well_within_its_time_and_leaves_nothing(
    place: Path, provider: str, request: pytest.FixtureRequest
) -> None:
    idp: Idp = request.getfixturevalue("keycloak") if provider == "keycloak" else Idp()
    command = (*PROGRAM, "demo", *(["--configured-idp"] if idp.settings else []))
    ran = execute(*command, environment=clean_environment(TMPDIR=str(place), **idp.environment), timeout=90)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr
    assert f'"iss": "{idp.issuer}' in ran.stdout
    for said in ("kill -9", "provision (attempt 2)", "Dependent Item Exists", '"status": "Deleted"', "What to do next"):
        assert said in ran.stdout
    assert list(place.iterdir()) == []
    assert processes_below(place) == []


def test_ctrl_c_leaves_nothing(place: Path, demo: subprocess.Popen[str]) -> None:
    demo.send_signal(signal.SIGINT)
    out, err = demo.communicate(timeout=60)
    assert (demo.returncode, out, err.strip()) == (130, "", "")
    assert list(place.iterdir()) == []
    assert processes_below(place) == []


def test_a_provider_that_is_asked_for_must_be_configured(place: Path) -> None:
    environment = clean_environment(TMPDIR=str(place))
    ran = execute(*PROGRAM, "demo", "--configured-idp", environment=environment)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "TENANT_API_IDP__NAME" in ran.stderr
    assert list(place.iterdir()) == []


def test_a_failure_is_a_sentence_and_leaves_nothing(place: Path, demo: subprocess.Popen[str]) -> None:
    (folder,) = place.glob(FOLDERS)
    running = presence.running(folder)
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    out, err = demo.communicate(timeout=60)
    assert (demo.returncode, out) == (1, "")
    assert err
    assert "Traceback" not in err
    assert list(place.iterdir()) == []
    assert processes_below(place) == []
