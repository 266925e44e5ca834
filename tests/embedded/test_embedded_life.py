"""Start, stop, adoption: what happens to a data folder in the life of its services."""

import os
import signal
import socket
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tenant_api.embedded import (
    EmbeddedServer,
    EmbeddedServerBusyError,
    EmbeddedServerNotRunningError,
    EmbeddedServerStartError,
    ServerAddress,
    attach,
)
from tenant_api.embedded.account import Account
from tests.embedded.processes import is_gone, wait_until
from tests.embedded.service import Service
from tests.parts.ports import kept_port


def execute(address: ServerAddress, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(address.url(), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_what_was_written_is_there_after_a_restart(folder: Path) -> None:
    with EmbeddedServer(folder) as address:
        execute(address, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert is_gone(address.pid)
    with EmbeddedServer(folder) as address:
        assert execute(address, "TABLE kept") == [(42,)]
        assert execute(address, "SHOW fsync") == [("on",)]


def test_encoding_and_locale_do_not_depend_on_the_caller(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "POSIX")
    with EmbeddedServer(folder, durable=False) as address:
        found = execute(
            address, "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = 'postgres'"
        )
    assert found == [("UTF8", "C.UTF-8")]


def test_the_callers_settings_of_postgresql_do_not_reach_the_server(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGDATA": "/nowhere", "PGPORT": "1", "PGOPTIONS": "-c bogus=1", "PGSSLMODE": "require"}.items():
        monkeypatch.setenv(name, value)
    with EmbeddedServer(folder, durable=False) as address:
        assert b"PG" not in Path(f"/proc/{address.pid}/environ").read_bytes()


def test_a_restart_keeps_the_port_that_connection_strings_name(folder: Path) -> None:
    with EmbeddedServer(folder, durable=False) as first:
        pass
    with socket.socket() as other:
        # What PostgreSQL and its clients left there a moment ago may linger in TIME_WAIT. Until `other` listens there,
        # PostgreSQL can have the port, and nobody else.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", first.port))
        with EmbeddedServer(folder, durable=False) as second:
            assert second.port == first.port
        other.listen()
        with EmbeddedServer(folder, durable=False) as third:
            assert third.port != first.port


def test_a_wanted_port_is_used(folder: Path) -> None:
    with kept_port() as port, EmbeddedServer(folder, durable=False, port=port) as address:
        assert address.port == port


def test_a_taken_port_is_named(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = EmbeddedServer(folder, durable=False, port=taken.getsockname()[1])
        with pytest.raises(EmbeddedServerStartError, match="could not bind IPv4 address"):
            server.start()
    with server as address:
        assert execute(address, "SELECT 1") == [(1,)]


def test_a_second_service_is_refused_and_told_who_holds_the_folder(folder: Path) -> None:
    with EmbeddedServer(folder, durable=False) as address:
        with pytest.raises(EmbeddedServerBusyError, match=rf"process {os.getpid()}\)"):
            EmbeddedServer(folder).start()
        with pytest.raises(EmbeddedServerBusyError):
            EmbeddedServer(folder).stop()
        assert execute(address, "SELECT 1") == [(1,)]


def test_a_second_service_in_another_process_is_refused(folder: Path) -> None:
    service = Service(folder)
    service.address()
    with pytest.raises(EmbeddedServerBusyError, match=rf"process {service.pid}\)"):
        EmbeddedServer(folder).start()
    assert service.stop() == 0


def test_a_service_that_stops_in_order_stops_its_server(folder: Path) -> None:
    service = Service(folder)
    address = service.address()
    assert service.stop() == 0
    assert is_gone(address.pid)
    assert not (folder / "runtime.json").exists()


def test_the_server_of_a_killed_service_is_adopted(folder: Path) -> None:
    service = Service(folder)
    left_behind = service.address()
    with closing(psycopg.connect(left_behind.url())) as session:
        service.kill()
        with EmbeddedServer(folder, durable=False) as adopted:
            assert adopted == left_behind
            assert session.execute("SELECT 1").fetchone() == (1,)
    assert is_gone(left_behind.pid)


def test_a_left_behind_server_of_other_settings_is_replaced(folder: Path) -> None:
    service = Service(folder)
    fast_and_loose = service.address()
    execute(fast_and_loose, "CREATE TABLE kept AS SELECT 42 AS answer")
    service.kill()
    with EmbeddedServer(folder, durable=True) as address:
        assert is_gone(fast_and_loose.pid)
        assert execute(address, "SHOW fsync") == [("on",)]
        assert execute(address, "TABLE kept") == [(42,)]


def test_a_server_that_was_killed_is_started_again_although_a_session_is_busy(folder: Path) -> None:
    first = EmbeddedServer(folder)
    address = first.start()
    execute(address, "CREATE TABLE kept AS SELECT 42 AS answer")
    with closing(psycopg.connect(address.url())) as session:
        backend = session.info.backend_pid
        session.pgconn.send_query(b"DO 'BEGIN WHILE clock_timestamp() < now() + interval ''60 s'' LOOP END LOOP; END'")
        wait_until(
            lambda: execute(address, f"SELECT state FROM pg_stat_activity WHERE pid = {backend}") == [("active",)]
        )
        os.kill(address.pid, signal.SIGKILL)
        first.stop()
        assert not is_gone(backend)
        with EmbeddedServer(folder) as again:
            assert again.pid != address.pid
            assert is_gone(backend)
            assert execute(again, "TABLE kept") == [(42,)]


def test_service_and_server_killed_together_are_started_again(folder: Path) -> None:
    service = Service(folder)
    address = service.address()
    service.kill()
    os.kill(address.pid, signal.SIGKILL)
    wait_until(lambda: is_gone(address.pid))
    with EmbeddedServer(folder, durable=False) as again:
        assert again.password == address.password
        assert execute(again, "SELECT 1") == [(1,)]


def test_a_half_written_pid_file_does_not_hinder_the_start(folder: Path) -> None:
    with EmbeddedServer(folder, durable=False):
        pass
    (folder / "cluster/data/postmaster.pid").write_text("12")
    with EmbeddedServer(folder, durable=False) as address:
        assert execute(address, "SELECT 1") == [(1,)]


def test_a_pid_file_whose_number_another_process_carries_now_does_not_hinder_the_start(folder: Path) -> None:
    with EmbeddedServer(folder, durable=False):
        pass
    data = folder / "cluster/data"
    with subprocess.Popen(["sleep", "600"], **Account.for_server().spawn_options) as stranger:
        lines = [stranger.pid, data, 1, 5432, "", "127.0.0.1", "1 1", "ready   "]
        (data / "postmaster.pid").write_text("\n".join(map(str, lines)) + "\n")
        with EmbeddedServer(folder, durable=False) as address:
            assert address.pid != stranger.pid
            assert execute(address, "SELECT 1") == [(1,)]
        assert stranger.poll() is None
        stranger.kill()


def test_other_commands_attach_to_the_running_server(folder: Path) -> None:
    with EmbeddedServer(folder, durable=False) as address:
        assert attach(folder) == address
    with pytest.raises(EmbeddedServerNotRunningError, match="Start the service"):
        attach(folder)


def test_attaching_to_a_folder_that_never_was_one_says_so(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerNotRunningError, match="No embedded PostgreSQL runs on"):
        attach(tmp_path / "nothing")


def test_nobody_attaches_to_a_server_that_was_killed(folder: Path) -> None:
    service = Service(folder)
    address = service.address()
    assert attach(folder) == address
    service.kill()
    assert attach(folder) == address
    os.kill(address.pid, signal.SIGKILL)
    wait_until(lambda: is_gone(address.pid))
    with pytest.raises(EmbeddedServerNotRunningError):
        attach(folder)


def test_a_server_can_be_started_stopped_and_started_by_the_same_object(folder: Path) -> None:
    server = EmbeddedServer(folder, durable=False)
    first = server.start()
    server.stop()
    server.stop()
    assert server.start().pid != first.pid
    server.stop()


def test_missing_programs_are_named_and_the_folder_stays_usable(folder: Path) -> None:
    with pytest.raises(EmbeddedServerStartError, match="/nowhere/initdb"):
        EmbeddedServer(folder, programs=Path("/nowhere")).start()
    with EmbeddedServer(folder, durable=False) as address:
        assert execute(address, "SELECT 1") == [(1,)]
