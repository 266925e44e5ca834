"""What a client of the service says about answers and silence."""

import pytest

from tenant_api.cli.api import Answer, RefusedError
from tenant_api.cli.following import open_step, stage
from tests.cli.command import Cli


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            400,
            {"title": "Data Validation Failed", "validationErrors": {"Name": ["'Name' must not be empty."]}},
            "'Name' must not be empty. (400 Data Validation Failed)",
        ),
        (404, {"title": "Not Found", "detail": "Job not found", "errors": []}, "Job not found (404 Not Found)"),
        (401, {"title": "Authentication Failed", "errors": ["invalid_client."]}, "invalid_client. (401 Authentication"),
        (502, "<html>", "The service answered with an error. (502)"),
        (500, None, "The service answered with an error. (500)"),
    ],
)
def test_problems_are_readable(status: int, body: object, said: str) -> None:
    answer = Answer(status=status, body=body, location=None, seconds=0)
    assert RefusedError(answer).message.startswith(said)


def test_silence_is_a_sentence(cli: Cli, unused_port: int) -> None:
    url = f"http://127.0.0.1:{unused_port}"
    ran = cli("data-stores", "list", TA_URL=url, TA_CLIENT_ID="a", TA_CLIENT_SECRET="b")
    assert ran.code == 1
    assert f"No service answers at {url}" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_credentials_are_asked_for(cli: Cli) -> None:
    ran = cli("jobs", "list")
    assert ran.code == 1
    assert "TA_CLIENT_ID" in ran.err


def test_half_a_credential_is_wrong_usage(cli: Cli) -> None:
    assert cli("jobs", "list", TA_CLIENT_ID="a").code == 2


def test_a_missing_administrator_file_is_named(cli: Cli) -> None:
    ran = cli("jobs", "list", TA_ADMINISTRATOR="/no/such/file.json")
    assert ran.code == 1
    assert "/no/such/file.json" in ran.err


def step(name: str, attempt: int, started: int, *, finished: bool) -> dict[str, object]:
    at = f"2026-01-01T00:00:{started:02}Z"
    return {"name": name, "attempt": attempt, "startedAt": at, "finishedAt": at if finished else None}


def test_an_attempt_that_died_is_not_the_open_step() -> None:
    steps = [step("provision", 1, 1, finished=False), step("provision", 2, 5, finished=True)]
    job = {"status": "InProgress", "steps": steps, "message": None}
    assert open_step(job) is None
    assert stage(job) == "InProgress"


def test_a_repeated_step_shows_its_attempt() -> None:
    steps = [step("provision", 1, 1, finished=False), step("provision", 2, 5, finished=False)]
    job = {"status": "InProgress", "steps": steps, "message": "Copying."}
    assert stage(job) == "provision, attempt 2: Copying."


def test_a_job_that_has_ended_has_no_open_step() -> None:
    job = {"status": "Error", "steps": [step("verify", 1, 1, finished=False)]}
    assert open_step(job) is None
