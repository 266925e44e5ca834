"""Tokens, registration, introspection and revocation, word for word (contract sections 1.19 and 10.3)."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.api import bodies
from tests.api.problems import breaks_rules, is_problem
from tests.api.service import SECRET, Api, serving

pytestmark = pytest.mark.anyio

SEE_ERRORS = "The request could not be processed. See 'errors' for details."
COMPLEXITY = "Client secret must contain at least one lowercase letter, one uppercase letter, one number, and one special character, and must be 32 to 128 characters long."  # noqa: E501 - one sentence of the contract
GOOD = {"client_id": "admin", "client_secret": SECRET, "grant_type": "client_credentials"}
FORM = {"ClientId": "Portal", "ClientSecret": SECRET, "DisplayName": "A portal"}


@pytest.fixture
async def open_api(service_url: str) -> AsyncIterator[Api]:
    """A service at which clients may register."""
    async with serving(service_url, IDENTITY__ALLOW_REGISTRATION="true") as api:
        yield api


@pytest.fixture
async def strict(service_url: str) -> AsyncIterator[Api]:
    """A service that asks who introspects."""
    async with serving(service_url, IDENTITY__INTROSPECTION_AUTHENTICATION="true") as api:
        yield api


async def ask(api: Api, **changes: str) -> httpx2.Response:
    return await api.http.post("/connect/token", data={**GOOD, **changes})


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"}


def is_denied(answer: httpx2.Response, reason: str) -> None:
    problem = is_problem(answer, 401, "security:authentication", SEE_ERRORS)
    assert (problem["title"], problem["errors"]) == ("Authentication Failed", [reason])


async def test_a_granted_token_is_the_triple(shared: Api) -> None:
    answer = await ask(shared)
    assert answer.status_code == 200
    token = answer.json()["access_token"]
    assert list(answer.json().items()) == [("access_token", token), ("expires_in", 1800), ("token_type", "Bearer")]
    header, payload = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    assert (header["alg"], header["typ"], payload["aud"]) == ("RS256", "JWT", "account")
    assert payload["exp"] - payload["iat"] == 1800


@pytest.mark.parametrize("name", ["client_id", "client_secret", "grant_type"])
async def test_an_empty_field_of_a_token_request(shared: Api, name: str) -> None:
    message = {
        "client_id": "'client_id' must not be empty.",
        "client_secret": "'client_secret' must not be empty.",
        "grant_type": "'grant_type' must not be empty.",
    }[name]
    breaks_rules(await ask(shared, **{name: ""}), {name: [message]})


async def test_another_grant_type(shared: Api) -> None:
    answer = await ask(shared, grant_type="password")
    problem = is_problem(answer, 400, "bad-request", "The specified grant type is not supported.")
    assert (problem["validationErrors"], problem["errors"]) == ({}, [])
    assert (await ask(shared, grant_type="CLIENT_credentials")).status_code == 200


async def test_a_client_that_nobody_knows(shared: Api) -> None:
    is_denied(await ask(shared, client_id="nobody"), "invalid_client. Invalid client or Invalid client credentials")


async def test_a_client_that_is_not_approved(shared: Api) -> None:
    store = await shared.made("/v3/dataStores", bodies.data_store())
    application = await shared.made(
        "/v3/applications", bodies.application(await shared.made("/v3/vendors", bodies.vendor()))
    )
    body = bodies.api_client(application, [store], isApproved=False)
    credential = (await shared.post("/v3/apiClients", body)).json()
    is_denied(await shared.grant(credential), "invalid_client. Invalid client or Invalid client credentials")


async def test_a_secret_that_is_wrong(shared: Api) -> None:
    reason = "unauthorized_client. Invalid client or Invalid client credentials"
    is_denied(await ask(shared, client_secret="wrong"), reason)


@pytest.mark.parametrize("spelling", ["Admin", "ADMIN", "admin ", " admin"])
async def test_a_client_id_counts_as_it_was_registered(shared: Api, spelling: str) -> None:
    reason = "invalid_client. Invalid client or Invalid client credentials"
    is_denied(await ask(shared, client_id=spelling), reason)
    is_denied(await shared.http.post("/connect/token", data=GOOD, headers=basic(spelling, SECRET)), reason)


async def test_the_key_of_an_application_counts_as_it_was_shown(shared: Api) -> None:
    vendor = await shared.made("/v3/vendors", bodies.vendor())
    credential = (await shared.post("/v3/applications", bodies.application(vendor))).json()
    shouted = {**credential, "key": credential["key"].upper()}
    assert shouted["key"] != credential["key"]
    is_denied(await shared.grant(shouted), "invalid_client. Invalid client or Invalid client credentials")
    assert (await shared.grant(credential)).status_code == 200


async def test_basic_authentication_wins_and_a_malformed_one_counts_as_none(shared: Api) -> None:
    async def status(headers: dict[str, str], **changes: str) -> int:
        return (await shared.http.post("/connect/token", data={**GOOD, **changes}, headers=headers)).status_code

    assert await status(basic("admin", SECRET), client_id="nobody") == 200
    assert await status(basic("%61dmin", SECRET), client_id="nobody") == 200
    assert await status(basic("nobody", SECRET)) == 401
    assert await status({"Authorization": "Basic !"}) == 200


async def test_a_malformed_form(shared: Api) -> None:
    body = b"&".join(b"a%d=1" % number for number in range(1025))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    problem = is_problem(await shared.http.post("/connect/token", content=body, headers=headers), 400, "bad-request")
    assert (problem["detail"], problem["errors"]) == (SEE_ERRORS, ["The request form payload is malformed."])


async def test_registration_is_off(shared: Api) -> None:
    for form in ({}, FORM):
        answer = await shared.http.post("/connect/register", data=form)
        problem = is_problem(answer, 403, "security:authorization", SEE_ERRORS)
        assert (problem["title"], problem["errors"]) == ("Authorization Failed", ["Registration is disabled."])


async def test_a_client_registers_once_in_any_case(open_api: Api) -> None:
    answer = await open_api.http.post("/connect/register", data=FORM)
    assert answer.status_code == 200
    assert list(answer.json().items()) == [("title", "Registered client Portal successfully."), ("status", 200)]
    taken = "Client with the same Client Id already exists. Please provide different Client Id."
    for spelling in ("Portal", "PORTAL", "admin", "ADMIN"):
        answer = await open_api.http.post("/connect/register", data={**FORM, "ClientId": spelling})
        breaks_rules(answer, {"ClientId": [taken]})
    assert (await ask(open_api, client_id="Portal")).status_code == 200
    assert (await ask(open_api, client_id="portal")).status_code == 401


@pytest.mark.parametrize(
    ("change", "failures"),
    [
        ({"ClientId": ""}, {"ClientId": ["'Client Id' must not be empty."]}),
        ({"ClientSecret": ""}, {"ClientSecret": ["'Client Secret' must not be empty."]}),
        ({"DisplayName": ""}, {"DisplayName": ["'Display Name' must not be empty."]}),
        ({"ClientSecret": SECRET[:31]}, {"ClientSecret": [COMPLEXITY]}),
        ({"ClientSecret": SECRET.lower()}, {"ClientSecret": [COMPLEXITY]}),
        ({"ClientSecret": SECRET.replace("!", "A")}, {"ClientSecret": [COMPLEXITY]}),
        ({"ClientSecret": SECRET + "x" * 97}, {"ClientSecret": [COMPLEXITY]}),
    ],
)
async def test_every_rule_of_a_registration(open_api: Api, change: dict[str, str], failures: dict[str, Any]) -> None:
    breaks_rules(await open_api.http.post("/connect/register", data={**FORM, **change}), failures)


async def test_an_empty_registration(open_api: Api) -> None:
    breaks_rules(
        await open_api.http.post("/connect/register", json=FORM),
        {
            "ClientId": ["'Client Id' must not be empty."],
            "ClientSecret": ["'Client Secret' must not be empty."],
            "DisplayName": ["'Display Name' must not be empty."],
        },
    )


@pytest.mark.parametrize("path", ["/connect/introspect", "/connect/revoke"])
async def test_a_form_without_a_token(shared: Api, path: str) -> None:
    forms: list[dict[str, Any]] = [{}, {"data": {"token": ""}}, {"json": {"token": "x"}}]
    for sent in forms:
        answer = await shared.http.post(path, **sent)
        is_problem(answer, 400, "bad-request", "The token parameter is missing.")


async def test_introspection(shared: Api) -> None:
    token = (await ask(shared)).json()["access_token"]
    payload = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    answer = await shared.http.post("/connect/introspect", data={"token": token})
    assert list(answer.json().items()) == [
        ("active", True),
        ("client_id", "admin"),
        ("scope", "edfi_admin_api/full_access"),
        ("exp", str(payload["exp"])),
        ("iat", str(payload["iat"])),
        ("sub", "admin"),
        ("aud", "account"),
        ("iss", "http://localhost:8081"),
        ("token_type", "Bearer"),
    ]
    for other in ("x", token[:-8] + "AAAAAAAA"):
        answer = await shared.http.post("/connect/introspect", data={"token": other})
        assert (answer.status_code, answer.json()) == (200, {"active": False})


async def test_revocation(shared: Api) -> None:
    token = (await ask(shared)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    for revoked, status in [("x", 200), (token[:-8] + "AAAAAAAA", 200), (token, 401)]:
        answer = await shared.http.post("/connect/revoke", data={"token": revoked})
        assert (answer.status_code, answer.content) == (200, b"")
        assert (await shared.http.get("/v3/profiles", headers=headers)).status_code == status
    answer = await shared.http.post("/connect/introspect", data={"token": token})
    assert answer.json() == {"active": False}


async def test_introspection_by_known_clients_alone(strict: Api) -> None:
    form = {"token": "x"}
    required = "Authentication is required to access this resource."
    answer = await strict.http.post("/connect/introspect", data=form)
    is_problem(answer, 401, "security:authentication", required)
    assert answer.headers["www-authenticate"] == "Basic"
    answer = await strict.http.post("/connect/introspect", data=form, headers=basic("admin", "wrong"))
    is_denied(answer, "unauthorized_client. Invalid client or Invalid client credentials")
    answer = await strict.http.post("/connect/introspect", data=form, headers=basic("admin", SECRET))
    assert answer.json() == {"active": False}
    vendor = await strict.made("/v3/vendors", bodies.vendor())
    own = (await strict.post("/v3/applications", bodies.application(vendor))).json()
    answer = await strict.http.post("/connect/introspect", data=form, headers=basic(own["key"], own["secret"]))
    refused = "The authenticated client is not authorized to access this resource."
    is_problem(answer, 403, "security:authorization", refused)
    assert (await strict.http.post("/connect/revoke", data=form)).status_code == 200


@pytest.mark.parametrize("name", ["token", "register", "introspect", "revoke"])
async def test_anything_may_follow_the_path_and_no_tenant_is_needed(service_url: str, name: str) -> None:
    async with serving(service_url, multi_tenancy=True) as fleet:
        plain = await fleet.http.post(f"/connect/{name}")
        longer = await fleet.http.post(f"/CONNECT/{name}/any/thing")
    different = {"correlationId"}
    assert {name: value for name, value in plain.json().items() if name not in different} == {
        name: value for name, value in longer.json().items() if name not in different
    }
    assert plain.status_code in {400, 403}
