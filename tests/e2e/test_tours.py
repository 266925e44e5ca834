"""The examples and the commands tell the same story against one running service."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Cli
from tests.e2e.conftest import Idp
from tests.e2e.service import ROOT, Service, execute, installed

pytestmark = pytest.mark.xdist_group("tours")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with installed(MULTI_TENANCY="true") as service:
        process = service.start()
        yield service
        process.stop()


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], service: Service) -> Cli:
    """Runs a command beside the service."""
    return Cli(monkeypatch, capsys, service.settings)


@pytest.fixture(scope="module")
def service_on_keycloak(keycloak: Idp) -> Iterator[Service]:
    with installed(MULTI_TENANCY="true", **keycloak.settings) as service:
        process = service.start()
        yield service
        process.stop()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("provider", ["self_hosted", "keycloak"])
@pytest.mark.parametrize("command", [("sh", "tour.sh"), (sys.executable, "tour.py")], ids=["curl", "python"])
def test_the_tour_comes_to_its_end_and_shows_no_secret(
    command: tuple[str, str], provider: str, request: pytest.FixtureRequest
) -> None:
    program, script = command
    service: Service = request.getfixturevalue("service_on_keycloak" if provider == "keycloak" else "service")
    # The python3 of the path may be a script that looks for one, in as much time as the service needs for an answer.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**service.environment, "TA_ADMINISTRATOR": str(service.administrator_file), "PATH": path}
    ran = execute(program, str(ROOT / "examples" / script), environment=environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    printed = (ran.stdout + ran.stderr).replace(": ", ":")
    assert "The tour is over." in ran.stdout
    assert '"status":"Deleted"' in printed
    assert '"students":600' in printed
    assert '"dataStoreIds":"' in printed
    assert json.loads(service.administrator_file.read_text())["client_secret"] not in printed


def test_the_commands_tell_it_too(cli: Cli) -> None:
    def run(*arguments: str) -> Any:
        ran = cli(*arguments, "--json", TA_TENANT="Shelbyville")
        assert (ran.code, ran.err) == (0, "")
        return json.loads(ran.out)

    assert run("tenants", "create", "Shelbyville")["id"]
    assert "Shelbyville" in {tenant["name"] for tenant in run("tenants", "list")}
    made = run("data-stores", "create", "Year 2026", "--template", "Minimal", "--wait")
    assert (made["status"], made["name"]) == ("Created", "Year 2026")
    number = str(made["id"])
    assert [store["id"] for store in run("data-stores", "list")] == [made["id"]]
    assert run("data-stores", "show", number) == made
    assert run("data-stores", "health", number)["available"] is True
    assert [job["id"] for job in run("jobs", "list")] == [made["jobId"]]
    compared = run("identity", "reconcile", "--repair", "--limit", "5")
    assert (compared["repair"], compared["compared"], compared["limit"]) == ("NotNeeded", 0, 5)
    assert run("jobs", "watch", made["jobId"]) == run("jobs", "show", made["jobId"])
    accepted = run("data-stores", "delete", number)
    assert run("jobs", "watch", accepted["jobId"])["status"] == "Completed"
    assert run("data-stores", "list") == []
    assert [store["status"] for store in run("data-stores", "list", "--all")] == ["Deleted"]


def test_what_attaches_finds_the_service_by_its_folder(cli: Cli) -> None:
    templates = json.loads(cli("templates", "list", "--json").out)
    assert {template["name"] for template in templates} == {"Minimal", "Sample"}
    assert "already" in cli("migrate").out
    checked = cli("check-config", "--json")
    assert (checked.code, {finding["result"] for finding in json.loads(checked.out)}) == (0, {"ok"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["data-stores", "show", "4711"], "(404 Not Found)"),
        (["data-stores", "create", "A", "--template", "None"], "(400 Data Validation Failed)"),
        (["jobs", "cancel", "11111111-1111-1111-1111-111111111111"], "(404 Not Found)"),
        (["data-stores", "list", "--tenant", "nobody"], "Invalid tenant: nobody (400 Bad Request)"),
        (["data-stores", "list", "--client-id", "a", "--client-secret", "b"], "(401 Authentication Failed)"),
    ],
)
def test_a_refusal_is_one_sentence_and_code_1(cli: Cli, arguments: list[str], said: str) -> None:
    cli("tenants", "create", "Capital")
    ran = cli(*arguments, "--json", TA_TENANT="Capital")
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
