"""How a service starts, stops, is killed, and starts again."""

import json
import os
import signal
import socket
import stat
from collections.abc import Iterator

import httpx2
import pytest

from tenant_api.service import presence
from tests.cli.command import external
from tests.e2e.service import PROGRAM, Service, clean_environment, execute, installed
from tests.parts.ports import kept_port

pytestmark = pytest.mark.xdist_group("lifecycle")
ANSWER_SECONDS = 30


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with installed() as service:
        yield service


@pytest.fixture
def other_port() -> Iterator[str]:
    with kept_port() as port:
        yield str(port)


def token_status(service: Service) -> int:
    own = json.loads(service.administrator_file.read_text())
    form = {"grant_type": "client_credentials", "client_id": own["client_id"], "client_secret": own["client_secret"]}
    return httpx2.post(f"{own['url']}/connect/token", data=form, timeout=ANSWER_SECONDS).status_code


def test_it_names_what_to_try_refuses_a_second_service_and_stops_on_request(service: Service, other_port: str) -> None:
    process = service.start()
    try:
        process.wait_until(lambda: "data-stores list" in process.log.read_text(), 10)
        printed = process.log.read_text()
        assert service.url in printed
        assert str(service.administrator_file) in printed
        assert printed.count(json.loads(service.administrator_file.read_text())["client_secret"]) == 1
        assert httpx2.get(f"{service.url}/health/ready", timeout=ANSWER_SECONDS).status_code == 200
        assert token_status(service) == 200
        for name in ("administrator.json", "service.json", "keys"):
            assert stat.S_IMODE((service.folder / name).stat().st_mode) == 0o600
        second = service.run("serve", TENANT_API_HTTP__PORT=other_port)
        assert (second.returncode, second.stdout) == (1, "")
        assert second.stderr.splitlines()[-1].startswith(f"{service.folder} is in use by another service")
        ran = service.run("down", "--json")
        assert (ran.returncode, json.loads(ran.stdout)["stopped"]) == (0, process.pid)
        assert process.exit_code() == 0
        assert presence.read(service.folder) is None
    finally:
        process.stop()


def test_after_a_kill_it_starts_again_with_the_same_administrator_at_a_new_address(
    service: Service, other_port: str
) -> None:
    service.start().kill()
    assert presence.running(service.folder) is None
    before = json.loads(service.administrator_file.read_text())
    moved = Service(service.folder, {**service.settings, "TENANT_API_HTTP__PORT": other_port})
    process = moved.start()
    try:
        after = json.loads(service.administrator_file.read_text())
        assert after["client_secret"] == before["client_secret"]
        assert after["url"] == moved.url != before["url"]
        assert before["client_secret"] not in process.log.read_text()
        assert token_status(service) == 200
        os.kill(process.pid, signal.SIGINT)
        assert process.exit_code() == 0
        assert presence.read(service.folder) is None
    finally:
        process.stop()


def test_a_port_in_use_is_a_sentence(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = clean_environment(**external(database_url, TENANT_API_HTTP__PORT=str(port)))
        ran = execute(*PROGRAM, "serve", environment=environment)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"Port {port} of 127.0.0.1 is in use by another program.")
    assert len(ran.stderr.splitlines()) == 1
