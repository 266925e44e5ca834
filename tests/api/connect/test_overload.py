"""The built-in issuer lives in our own database: what that or its hashes cannot serve now may be sent again."""

import psycopg
import pytest

from tests.api.problems import is_problem
from tests.api.service import SECRET, Api, serving

pytestmark = pytest.mark.anyio

GRANT = {"grant_type": "client_credentials", "client_id": "admin", "client_secret": SECRET}
REGISTRATION = {"ClientId": "newcomer", "ClientSecret": SECRET + "x", "DisplayName": "A portal"}
OPEN = {"IDENTITY__ALLOW_REGISTRATION": "true"}


@pytest.mark.parametrize("path", ["/connect/token", "/connect/token/x", "/connect/introspect", "/connect/revoke"])
async def test_a_token_that_the_database_cannot_serve_may_be_asked_for_again(api: Api, path: str) -> None:
    form = {**GRANT, "token": await api.token("admin")}
    await api.runtime.pool.close()
    answer = await api.http.post(path, data=form)
    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1")
    assert answer.json()["title"] == "Service Unavailable"


@pytest.mark.parametrize(("path", "form"), [("/connect/token", GRANT), ("/connect/register", REGISTRATION)])
async def test_a_secret_that_waits_too_long_to_be_hashed_may_be_sent_again(
    service_url: str, monkeypatch: pytest.MonkeyPatch, path: str, form: dict[str, str]
) -> None:
    async with serving(service_url, **OPEN) as api:
        with monkeypatch.context() as busy:
            busy.setattr("idp_providers.self_hosted.slow_hashes.MOST_WAITING", 0)
            answer = await api.http.post(path, data=form)
        assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1")
        assert (await api.http.post(path, data=form)).status_code == 200


async def test_a_statement_of_the_issuer_that_can_never_work_is_a_failure_of_ours(api: Api, service_url: str) -> None:
    """Nobody should be told to try again, nor that a gateway failed."""
    token = await api.token("admin")
    with psycopg.connect(service_url) as connection:
        connection.execute("ALTER TABLE idp_clients RENAME TO elsewhere")
    answers = {
        "presented": await api.http.get("/v3/vendors", headers={"Authorization": f"Bearer {token}"}),
        "asked for": await api.http.post("/connect/token", data=GRANT),
    }
    for answer in answers.values():
        is_problem(answer, 500, "internal-server-error", "")
        assert "retry-after" not in answer.headers
    answer = await api.http.post("/oauth2/token", data=GRANT)
    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
