"""A Keycloak: `TEST_KEYCLOAK_URL` (with `…_ADMINISTRATOR` and `…_PASSWORD`), else one from Maven's repository.

It needs Java 17 or later and Maven. What was fetched and built stays in the folder `TEST_CACHE` between runs; the
server itself belongs to one run, is started by the first who asks, and ends with the run.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx2
from fasteners import InterProcessLock

from tenant_api.embedded.postmaster import command_line
from tests.parts import run
from tests.parts.missing import missing
from tests.parts.ports import kept_port

VERSION = os.environ.get("TEST_KEYCLOAK_VERSION", "26.7.3")
QUICK = "-XX:TieredStopAtLevel=1"
"""Compiles less: up sooner, slower under load. Not for measurements."""
MEMORY = "-Xms64m -Xmx512m -XX:MaxMetaspaceSize=320m"
PREFIX = f"tenant-api-keycloak-{os.geteuid()}-"
ADMINISTRATOR = "administrator"
START_SECONDS = 300
STOP_SECONDS = 20


@dataclass(frozen=True)
class KeycloakServer:
    """Where it is, and who may do everything there."""

    url: str
    administrator: str
    password: str = field(repr=False)


def keycloak_server() -> KeycloakServer:
    """The server of this run."""
    if url := os.environ.get("TEST_KEYCLOAK_URL"):
        administrator = os.environ.get("TEST_KEYCLOAK_ADMINISTRATOR", "admin")
        return KeycloakServer(url, administrator, os.environ.get("TEST_KEYCLOAK_PASSWORD", ""))
    with run.lock("keycloak"):
        place = _folder() / "shared"
        record = place / "server.json"
        if record.exists():
            return KeycloakServer(**json.loads(record.read_text()))
        home = _installed("dev-file")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(mode=0o700)
        server = _start_fresh(home, place)
        record.touch(mode=0o600)
        record.write_text(json.dumps(asdict(server)))
        return server


@contextmanager
def keycloak_on(
    jdbc_url: str, user: str, password: str, *, port: int | None = None, java: str = QUICK
) -> Iterator[KeycloakServer]:
    """A server of one's own on an empty PostgreSQL database, or on one that it has used before.

    Whoever gives a port keeps it (`kept_port`) until the server is there. Give `java=""` to measure it.
    """
    home = _installed("postgres")
    place = Path(tempfile.mkdtemp(prefix="own-", dir=_folder()))
    database = {"KC_DB_URL": jdbc_url, "KC_DB_USERNAME": user, "KC_DB_PASSWORD": password}
    try:
        yield _start(home, place, database, port=port, java=java)
    finally:
        _stop(place)
        shutil.rmtree(place)


def clear_up_after_killed_runs() -> None:
    for place in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        controller = place.name.removeprefix(PREFIX)
        if controller == str(os.getpid()) or not command_line(int(controller)):
            _end(place)


def end() -> None:
    if (place := Path(tempfile.gettempdir()) / f"{PREFIX}{os.getpid()}").exists():
        _end(place)


def _folder() -> Path:
    """Of this run, named after the process that controls it."""
    place = Path(tempfile.gettempdir()) / f"{PREFIX}{run.folder().name.removeprefix(run.PREFIX)}"
    place.mkdir(mode=0o700, exist_ok=True)
    return place


def _end(folder: Path) -> None:
    for place in folder.iterdir():
        _stop(place)
    shutil.rmtree(folder, ignore_errors=True)


def _start_fresh(home: Path, place: Path) -> KeycloakServer:
    """On a copy of a database that knows nothing but the administrator."""
    shutil.copytree(home / "fresh", place / "data")
    database = f"jdbc:h2:file:{place / 'data' / 'keycloak'};NON_KEYWORDS=VALUE"
    return _start(home, place, {"KC_DB_URL": database})


def _start(
    home: Path, place: Path, database: dict[str, str], *, port: int | None = None, java: str = QUICK
) -> KeycloakServer:
    with kept_port() if port is None else nullcontext(port) as kept:
        return _start_at(kept, home, place, database, java)


def _start_at(port: int, home: Path, place: Path, database: dict[str, str], java: str) -> KeycloakServer:
    """Secrets go by the environment: arguments of processes are public."""
    password = (home / "password").read_text()
    environment = {
        **os.environ,
        **database,
        "KC_BOOTSTRAP_ADMIN_USERNAME": ADMINISTRATOR,
        "KC_BOOTSTRAP_ADMIN_PASSWORD": password,
        "JAVA_OPTS_KC_HEAP": MEMORY,
        "JAVA_OPTS_APPEND": f"-Djava.io.tmpdir={place} {java}",
    }
    options = ["--http-enabled=true", "--hostname-strict=false", "--http-host=127.0.0.1", f"--http-port={port}"]
    log = place / "keycloak.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["sh", str(home / "bin" / "kc.sh"), "start", "--optimized", *options],
            env=environment,
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (place / "pid").write_text(str(process.pid))
    server = KeycloakServer(f"http://127.0.0.1:{port}", ADMINISTRATOR, password)
    deadline = time.monotonic() + START_SECONDS
    while not _answers(server.url):
        if process.poll() is not None or time.monotonic() > deadline:
            _stop(place)
            raise AssertionError(f"Keycloak did not start:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.2)
    process.returncode = 0  # it may outlive its starter, of which Python would complain
    return server


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/realms/master", timeout=5, verify=False).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False


def _stop(place: Path) -> None:
    """End the session that stands in the place: the script and its Java. None there is fine."""
    if not (place / "pid").exists():
        return
    pid = int((place / "pid").read_text())
    deadline = time.monotonic() + STOP_SECONDS
    while members := _session(pid, place):
        for member in members:
            with suppress(ProcessLookupError):
                os.kill(member, signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.1)


def _session(pid: int, place: Path) -> list[int]:
    """The processes of the session that stand in the place; a number that somebody else got since is none."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ProcessLookupError):
            if os.getsid(int(entry.name)) == pid and (entry / "cwd").readlink() == place:
                found.append(int(entry.name))
    return found


def _installed(database: str) -> Path:
    """A Keycloak that was built for this kind of database, made once per machine, from the archive on."""
    if absent := [program for program in ("java", "mvn") if shutil.which(program) is None]:
        missing(f"No Keycloak: there is no {' and no '.join(absent)}; TEST_KEYCLOAK_URL may name a running one.")
    cache = Path(os.environ.get("TEST_CACHE") or Path.home() / ".cache" / "tenant-api-tests")
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = cache / f"keycloak-{VERSION}-{database}"
    with InterProcessLock(cache / "keycloak.lock"):
        if not home.exists():
            with tempfile.TemporaryDirectory(dir=cache) as scratch:
                _install(cache, Path(scratch), database).rename(home)
    return home


def _install(cache: Path, scratch: Path, database: str) -> Path:
    with zipfile.ZipFile(_archive(cache)) as archive:
        archive.extractall(scratch)
    home = scratch / f"keycloak-{VERSION}"
    (home / "password").touch(mode=0o600)
    (home / "password").write_text(secrets.token_urlsafe(24))
    _keycloak(home, "build", f"--db={database}", "--cache=local")
    if database == "dev-file":
        fresh = {"KC_DB_URL": f"jdbc:h2:file:{home / 'fresh' / 'keycloak'};NON_KEYWORDS=VALUE"}
        fresh["BOOTSTRAP_PASSWORD"] = (home / "password").read_text()
        administrator = [f"--username={ADMINISTRATOR}", "--password:env=BOOTSTRAP_PASSWORD"]
        _keycloak(home, "bootstrap-admin", "user", "--optimized", "--no-prompt", *administrator, **fresh)
    return home


def _keycloak(home: Path, *arguments: str, **environment: str) -> None:
    done = subprocess.run(
        ["sh", str(home / "bin" / "kc.sh"), *arguments],
        env={**os.environ, "JAVA_OPTS_KC_HEAP": MEMORY, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"kc.sh {arguments[0]} failed:\n{(done.stdout + done.stderr)[-3000:]}"


def _archive(cache: Path) -> Path:
    """Kept, so that a second kind of database does not fetch it again."""
    archive = cache / f"keycloak-quarkus-dist-{VERSION}.zip"
    if not archive.exists():
        artifact = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
        copy = ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={cache}"]
        done = subprocess.run(copy, cwd=cache, capture_output=True, text=True, check=False)
        if not archive.exists():
            missing(f"No Keycloak: Maven could not fetch {artifact}: {(done.stdout + done.stderr)[-500:]}")
    return archive
