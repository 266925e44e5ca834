"""One line per answered request, with nothing in it that a caller should not have sent there."""

import json
from typing import Any

import pytest

from tests.api.service import SECRET, serving

pytestmark = pytest.mark.anyio

CANARY = "c4nary-V4lue"
JWT = f"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJj.{CANARY}"


def access_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    return [line for line in lines if line["event"] == "request.completed"]


async def test_a_token_request_has_one_line_of_these_members(
    service_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(service_url, LOG__LEVEL="INFO") as api:
        answer = await api.http.post(
            "/connect/token",
            data={"client_id": "admin", "client_secret": SECRET, "grant_type": "client_credentials"},
            headers={"X-Request-Id": "caller-chosen-1"},
        )
    assert answer.status_code == 200
    [line] = access_lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line.pop("milliseconds") >= 0
    assert line == {
        "event": "request.completed",
        "method": "POST",
        "path": "/connect/token",
        "status": 200,
        "request_id": "caller-chosen-1",
        "logger": "tenant_api.web.edge",
        "level": "info",
    }


@pytest.mark.parametrize("kind", ["json", "console"])
@pytest.mark.parametrize(
    "path",
    [
        f"/connect/token?client_secret={CANARY}",
        f"/connect/token%3Fclient_secret={CANARY}",
        f"/connect/token/client_secret={CANARY}",
        f"/connect/token/{JWT}",
        f"/v3/vendors/{JWT}",
        f"/nowhere/https://user:{CANARY}@example.org",
        f"/nowhere/token:{CANARY}",
        f"/nowhere/SCRAM-SHA-256${CANARY}",
        f"/nowhere/bearer%20{CANARY}-{CANARY}",
    ],
)
async def test_a_path_gives_no_secret_away(
    service_url: str, capsys: pytest.CaptureFixture[str], path: str, kind: str
) -> None:
    async with serving(service_url, LOG__LEVEL="INFO", LOG__FORMAT=kind) as api:
        await api.http.post(path)
    logged = capsys.readouterr().err
    assert "request.completed" in logged
    assert CANARY not in logged


@pytest.mark.parametrize("sent", [f"token:{CANARY}", f"client_secret:{CANARY}", f"eyJhbGciOi.eyJzdWIi.{CANARY}"])
async def test_a_request_id_gives_no_secret_away(
    service_url: str, capsys: pytest.CaptureFixture[str], sent: str
) -> None:
    async with serving(service_url, LOG__LEVEL="INFO") as api:
        await api.http.get("/v3/vendors", headers={"X-Request-Id": sent})
    [line] = access_lines(capsys)
    assert CANARY not in str(line)


async def test_what_is_asked_for_all_the_time_is_quiet(service_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with serving(service_url, LOG__LEVEL="INFO") as api:
        for path in ("/health", "/metrics", "/.well-known/jwks.json"):
            assert (await api.http.get(path)).status_code == 200
    assert access_lines(capsys) == []
