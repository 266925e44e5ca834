"""Introspection and revocation speak the contract (section 1.19)."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api import bodies
from tests.api.problems import is_problem
from tests.api.service import SECRET, Api, serving

pytestmark = pytest.mark.anyio

INTROSPECT = "/connect/introspect"
REVOKE = "/connect/revoke"
MISSING = "The token parameter is missing."
INACTIVE = {"active": False}


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def basic(client_id: str, secret: str = SECRET) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"}


def forged(token: str) -> str:
    """The same claims under a signature of somebody else."""
    header, payload, signature = token.split(".")
    return f"{header}.{payload}.{signature[:-10]}{'A' * 10}"


async def fresh_token(api: Api, client_id: str = "admin") -> str:
    form = {"client_id": client_id, "client_secret": SECRET, "grant_type": "client_credentials"}
    token: str = (await api.http.post("/connect/token", data=form)).json()["access_token"]
    return token


async def introspected(api: Api, token: str) -> Any:
    answer = await api.http.post(INTROSPECT, data={"token": token})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
async def strict(shared_url: str) -> AsyncIterator[Api]:
    """A service that asks who introspects."""
    async with serving(shared_url, IDENTITY__INTROSPECTION_AUTHENTICATION="true") as api:
        yield api


async def test_a_valid_token_is_described(issuer: Api) -> None:
    token = await issuer.token("admin")
    claims = claims_of(token)
    answer = await issuer.http.post(INTROSPECT, data={"token": token})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "active": True,
        "client_id": "admin",
        "scope": "edfi_admin_api/full_access",
        "exp": str(claims["exp"]),
        "iat": str(claims["iat"]),
        "sub": "admin",
        "aud": "account",
        "iss": "http://localhost:8081",
        "token_type": "Bearer",
    }


async def test_the_token_of_an_application_s_client_is_described(issuer: Api) -> None:
    vendor = await issuer.made("/v3/vendors", bodies.vendor())
    credential = (await issuer.post("/v3/applications", bodies.application(vendor))).json()
    token = (await issuer.grant(credential)).json()["access_token"]
    found = await introspected(issuer, token)
    assert (found["active"], found["client_id"], found["scope"]) == (True, credential["key"], "SISVendor")
    await issuer.delete(f"/v3/applications/{credential['id']}")
    assert await introspected(issuer, token) == INACTIVE


@pytest.mark.parametrize("token", ["x", "a.b.c", " ", "é", "\x00", "x" * 100_000])
async def test_any_other_text_is_inactive_and_revokes_nothing(issuer: Api, token: str) -> None:
    assert await introspected(issuer, token) == INACTIVE
    answer = await issuer.http.post(REVOKE, data={"token": token})
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_forged_token_is_inactive_and_revokes_nothing(issuer: Api) -> None:
    token = await fresh_token(issuer)
    unsigned = ".".join([base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("="), token.split(".")[1], ""])
    for forgery in (forged(token), unsigned):
        assert await introspected(issuer, forgery) == INACTIVE
        assert (await issuer.http.post(REVOKE, data={"token": forgery})).status_code == 200
    assert (await introspected(issuer, token))["active"] is True


async def test_a_revoked_token_counts_no_longer(issuer: Api) -> None:
    token = await fresh_token(issuer)
    headers = {"Authorization": f"Bearer {token}"}
    assert (await issuer.http.get("/v3/vendors", headers=headers)).status_code == 200
    for _ in range(2):
        answer = await issuer.http.post(REVOKE, data={"token": token})
        assert (answer.status_code, answer.content) == (200, b"")
    is_problem(await issuer.http.get("/v3/vendors", headers=headers), 401, "security:authentication")
    assert await introspected(issuer, token) == INACTIVE
    other = await fresh_token(issuer)
    assert (await introspected(issuer, other))["active"] is True


@pytest.mark.parametrize("path", [INTROSPECT, REVOKE])
@pytest.mark.parametrize(
    "sent",
    [{}, {"data": {"other": "x"}}, {"data": {"token": ""}}, {"json": {"token": "x"}}, {"content": b"token=x"}],
)
async def test_a_form_without_a_token_is_refused(issuer: Api, path: str, sent: dict[str, Any]) -> None:
    is_problem(await issuer.http.post(path, **sent), 400, "bad-request", MISSING)


@pytest.mark.parametrize("path", [INTROSPECT, REVOKE])
async def test_the_path_may_go_on_and_no_tenant_is_needed(shared_url: str, path: str) -> None:
    async with serving(shared_url, multi_tenancy=True, HTTP__PATH_BASE="config") as fleet:
        for base in ("", "/config"):
            answer = await fleet.http.post(f"{base}{path}/any/thing", data={"TOKEN": "x"})
            assert answer.status_code == 200
        assert (await fleet.http.get(path)).status_code == 405


async def test_introspection_asks_who_calls_if_the_settings_say_so(strict: Api) -> None:
    token = await strict.token("admin")
    answer = await strict.http.post(INTROSPECT, data={"token": token})
    is_problem(answer, 401, "security:authentication")
    assert answer.headers["www-authenticate"] == "Basic"
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await strict.http.post(INTROSPECT, data={"token": token}, headers=bearer)).status_code == 401
    wrong = await strict.http.post(INTROSPECT, data={"token": token}, headers=basic("admin", "wrong"))
    assert wrong.json()["errors"] == ["unauthorized_client. Invalid client or Invalid client credentials"]
    found = await strict.http.post(INTROSPECT, data={"token": token}, headers=basic("reader"))
    assert found.json()["active"] is True
    is_problem(await strict.http.post(INTROSPECT, headers=basic("reader")), 400, "bad-request", MISSING)


async def test_clients_of_applications_may_not_introspect_then(strict: Api) -> None:
    vendor = await strict.made("/v3/vendors", bodies.vendor())
    credential = (await strict.post("/v3/applications", bodies.application(vendor))).json()
    own = basic(credential["key"], credential["secret"])
    answer = await strict.http.post(INTROSPECT, data={"token": "x"}, headers=own)
    is_problem(answer, 403, "security:authorization")


async def test_revocation_asks_nobody(strict: Api) -> None:
    token = await fresh_token(strict, "reader")
    assert (await strict.http.post(REVOKE, data={"token": token})).status_code == 200
    found = await strict.http.post(INTROSPECT, data={"token": token}, headers=basic("admin"))
    assert found.json() == INACTIVE
