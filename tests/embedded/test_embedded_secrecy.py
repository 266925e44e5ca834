"""Nobody gets in without the password, and the password is nowhere but in files of its owner's."""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tenant_api.embedded import EmbeddedServer, ServerAddress, tool
from tests.embedded.processes import arguments_and_environments, wait_until
from tests.embedded.service import Service


@pytest.fixture(scope="module")
def address(shared_folder: Path) -> Iterator[ServerAddress]:
    with EmbeddedServer(shared_folder, durable=False) as address:
        yield address


def test_a_wrong_password_is_refused(address: ServerAddress) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(address.url(), password="wrong")


def test_every_way_in_demands_scram(address: ServerAddress, shared_folder: Path) -> None:
    lines = (shared_folder / "cluster/data/pg_hba.conf").read_text().splitlines()
    methods = {line.split()[-1] for line in lines if line.strip() and not line.startswith("#")}
    assert methods == {"scram-sha-256"}
    with psycopg.connect(address.url()) as connection:
        [(stored,)] = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'")
    assert stored.startswith("SCRAM-SHA-256$")


def test_the_server_listens_on_loopback_only_and_has_no_socket_file(address: ServerAddress) -> None:
    with psycopg.connect(address.url()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.execute("SHOW unix_socket_directories").fetchone() == ("",)


def test_the_password_is_not_in_the_text_of_the_address(address: ServerAddress) -> None:
    assert address.password not in f"{address} {address!r}"
    assert len(address.password) >= 40


def test_the_password_is_in_no_arguments_and_no_environment(address: ServerAddress) -> None:
    with psycopg.connect(address.url()):
        assert address.password.encode() not in arguments_and_environments()


def test_the_password_is_not_shown_while_the_cluster_is_made(folder: Path) -> None:
    service = Service(folder)
    wait_until(lambda: any(folder.glob(".cluster.*/data/PG_VERSION")), pause=0.0005)
    seen = arguments_and_environments()
    assert str(folder).encode() in seen
    assert service.address().password.encode() not in seen
    service.stop()


def test_secrets_in_statements_that_fail_do_not_reach_the_log(address: ServerAddress, shared_folder: Path) -> None:
    with psycopg.connect(address.url(), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.SyntaxError):
            connection.execute("CREATE ROLE someone PASSWORD 'canary-in-statement' BOGUS")
        connection.execute("CREATE TABLE guarded (secret text CHECK (secret <> 'canary-in-row'))")
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("INSERT INTO guarded VALUES ('canary-in-row')")
    log = (shared_folder / "server.log").read_text()
    assert "unrecognized role option" in log
    assert "canary" not in log
    assert address.password not in log


def test_files_are_closed_to_others(address: ServerAddress, shared_folder: Path) -> None:
    for path in (shared_folder, *shared_folder.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode & stat.S_IRWXO == 0, path
        # As root, the account of the server passes through two shared_folders of root's without reading them.
        passage = path in {shared_folder, shared_folder / "cluster"} and os.geteuid() == 0
        assert mode & stat.S_IRWXG == (stat.S_IXGRP if passage else 0), path


@pytest.mark.parametrize("name", ["pg_dump", "pg_restore", "psql"])
def test_the_wheels_tools_run_where_they_are(name: str) -> None:
    shown = subprocess.run([tool(name), "--version"], capture_output=True, check=True, env={}, cwd="/")
    assert b"(PostgreSQL) 18" in shown.stdout


def test_the_wheels_dump_tool_logs_in_by_a_password_file(address: ServerAddress, tmp_path: Path) -> None:
    passwords = Path(tmp_path / "passwords")
    passwords.touch(mode=0o600)
    passwords.write_text(f"{address.host}:{address.port}:*:{address.user}:{address.password}\n")
    command = [str(tool("pg_dump")), f"--host={address.host}", f"--port={address.port}", f"--username={address.user}"]
    shown = subprocess.run(
        [*command, "--no-password", "postgres"], capture_output=True, check=True, env={"PGPASSFILE": str(passwords)}
    )
    assert b"PostgreSQL database dump complete" in shown.stdout
