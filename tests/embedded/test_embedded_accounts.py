"""Root hands the server to an unprivileged account, also from behind closed doors; others run it as themselves."""

import os
import shutil
import stat
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tenant_api.embedded import EmbeddedServer, EmbeddedServerStartError, attach, binaries
from tenant_api.embedded.account import Account

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root: it is about what root hands over")


@pytest.fixture
def place() -> Iterator[Path]:
    """What /var/lib/tenant-api is to an installation."""
    place = Path(tempfile.mkdtemp(prefix="tenant-api-place-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def closed(place: Path) -> Path:
    """A folder like /root: nobody but its owner gets in."""
    closed = place / "closed-home"
    closed.mkdir(mode=0o700)
    return closed


def modes(paths: list[Path]) -> dict[Path, tuple[int, int, int]]:
    return {path: (path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in paths}


def uid_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


@as_root
def test_the_server_does_not_run_as_root(folder: Path) -> None:
    with EmbeddedServer(folder, durable=False) as address:
        assert uid_of(address.pid) == Account.for_server().uid != 0


@as_root
def test_a_data_folder_in_a_closed_home_keeps_its_cluster_where_the_account_gets_in(closed: Path, place: Path) -> None:
    folder = closed / "data"
    outside = modes([closed, *closed.parents])
    with EmbeddedServer(folder, durable=False, place=place) as address:
        assert modes([closed, *closed.parents]) == outside
        with psycopg.connect(address.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
            [(data,)] = connection.execute("SHOW data_directory")
        assert Path(data).is_relative_to(place / "clusters")
        assert attach(folder) == address
    with EmbeddedServer(folder, durable=False, place=place) as address, psycopg.connect(address.url()) as connection:
        assert connection.execute("TABLE kept").fetchone() == (42,)


@as_root
def test_a_folder_that_was_deleted_and_made_again_starts_empty(closed: Path, place: Path) -> None:
    folder = closed / "data"
    with EmbeddedServer(folder, durable=False, place=place) as address, psycopg.connect(address.url()) as connection:
        connection.execute("CREATE TABLE gone ()")
    shutil.rmtree(folder)
    with EmbeddedServer(folder, durable=False, place=place) as address, psycopg.connect(address.url()) as connection:
        assert connection.execute("SELECT to_regclass('gone')").fetchone() == (None,)


@as_root
def test_a_cluster_that_is_gone_is_reported_and_not_replaced_by_an_empty_one(closed: Path, place: Path) -> None:
    folder = closed / "data"
    with EmbeddedServer(folder, durable=False, place=place):
        pass
    shutil.rmtree(place / "clusters")
    with pytest.raises(EmbeddedServerStartError, match="which is gone"):
        EmbeddedServer(folder, durable=False, place=place).start()


@as_root
def test_programs_in_a_closed_home_are_copied_once_and_belong_to_root(
    closed: Path, place: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = binaries.wheel_folder()
    hidden = closed / installed.parent.name / installed.name
    shutil.copytree(installed, hidden)
    shutil.copytree(installed.parents[1] / binaries.LIBRARIES, closed / binaries.LIBRARIES)
    monkeypatch.setattr(binaries, "wheel_folder", lambda: hidden)
    outside = modes([closed, *closed.rglob("*"), *closed.parents])

    interrupted = place / ".postgresql-0-1234"
    interrupted.mkdir()
    with EmbeddedServer(folder, durable=False, place=place) as address:
        program = Path(f"/proc/{address.pid}/exe").readlink()
        assert program.is_relative_to(place)
        assert not program.is_relative_to(closed)
    copies = list(place.glob("postgresql-*"))
    assert len(copies) == 1
    assert not interrupted.exists()
    for path in (copies[0], *copies[0].rglob("*")):
        assert path.lstat().st_uid == 0
        assert path.is_symlink() or not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)

    inode = copies[0].stat().st_ino
    with EmbeddedServer(folder, durable=False, place=place):
        assert [copy.stat().st_ino for copy in place.glob("postgresql-*")] == [inode]
    assert modes([closed, *closed.rglob("*"), *closed.parents]) == outside


@as_root
def test_a_place_that_others_can_write_to_is_not_trusted_with_a_cluster(closed: Path, place: Path) -> None:
    place.chmod(0o777)
    with pytest.raises(EmbeddedServerStartError, match="is a folder of root's"):
        EmbeddedServer(closed / "data", durable=False, place=place).start()


@as_root
def test_an_ordinary_account_runs_the_server_as_itself(place: Path) -> None:
    account = Account.for_server()
    if not account.can_enter(binaries.wheel_folder()):
        pytest.skip("the virtual environment lies where no ordinary account can go")
    own = place / "own"
    own.mkdir()
    os.chown(own, account.uid, account.gid)

    def start_and_stop() -> None:
        with EmbeddedServer(own / "data", durable=False) as address:
            assert uid_of(address.pid) == account.uid
            with psycopg.connect(address.url()) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
        assert {path.stat().st_uid for path in (own / "data").rglob("*")} == {account.uid}

    run_as(account, start_and_stop)


@as_root
def test_another_account_that_attaches_is_told_to_use_the_services(folder: Path, place: Path) -> None:
    def attach_and_read() -> None:
        with pytest.raises(Exception, match="belongs to another account"):
            attach(folder)

    with EmbeddedServer(folder, durable=False):
        run_as(Account.for_server(), attach_and_read)


def run_as(account: Account, action: Callable[[], None]) -> None:
    """Run the action in a forked process of the account; a new interpreter might lie in root's closed home."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
            action()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the forked process must not return into pytest
            traceback.print_exc()
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
