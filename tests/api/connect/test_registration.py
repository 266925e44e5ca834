"""Registration speaks the contract (section 1.19)."""

from typing import Any

import httpx2
import psycopg
import pytest

from tests.api.service import SCOPES, SECRET, Api, serving

pytestmark = pytest.mark.anyio

COMPLEXITY = (
    "Client secret must contain at least one lowercase letter, one uppercase letter, one number, and one special "
    "character, and must be 32 to 128 characters long."
)
TAKEN = "Client with the same Client Id already exists. Please provide different Client Id."


def form_of(client_id: str, **more: str) -> dict[str, str]:
    return {"ClientId": client_id, "ClientSecret": SECRET, "DisplayName": "A portal", **more}


async def register(api: Api, form: dict[str, str], path: str = "/connect/register", **more: Any) -> httpx2.Response:
    return await api.http.post(path, data=form, **more)


async def token(api: Api, client_id: str) -> httpx2.Response:
    form = {"client_id": client_id, "client_secret": SECRET, "grant_type": "client_credentials"}
    return await api.http.post("/connect/token", data=form)


async def test_registration_is_off_unless_it_was_switched_on(issuer: Api) -> None:
    answer = await register(issuer, {})
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:ed-fi:api:security:authorization"
    assert answer.json()["detail"] == "The request could not be processed. See 'errors' for details."
    assert answer.json()["errors"] == ["Registration is disabled."]


async def test_a_registered_client_has_full_access_at_once(open_issuer: Api) -> None:
    answer = await register(open_issuer, form_of("portal-1"))
    assert (answer.status_code, answer.json()) == (
        200,
        {"title": "Registered client portal-1 successfully.", "status": 200},
    )
    headers = {"Authorization": f"Bearer {(await token(open_issuer, 'portal-1')).json()['access_token']}"}
    assert (await open_issuer.http.get("/v3/vendors", headers=headers)).status_code == 200


async def test_names_of_fields_are_read_in_any_case(open_issuer: Api) -> None:
    form = {name.lower(): value for name, value in form_of("portal-2").items()}
    assert (await register(open_issuer, form)).status_code == 200


@pytest.mark.parametrize("body", [None, b"", b"{}"])
async def test_an_empty_form_is_told_all_that_is_missing(open_issuer: Api, body: bytes | None) -> None:
    answer = await open_issuer.http.post("/connect/register", content=body)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:ed-fi:api:bad-request:data"
    assert answer.json()["validationErrors"] == {
        "ClientId": ["'Client Id' must not be empty."],
        "ClientSecret": ["'Client Secret' must not be empty."],
        "DisplayName": ["'Display Name' must not be empty."],
    }


@pytest.mark.parametrize(
    "secret",
    [
        "Short1!",
        SECRET.lower(),
        SECRET.upper(),
        "ValidClientSecretWithoutNumbers!Abcd",
        "ValidClientSecret1234567890WithoutSpecial",
        "Aa1!" * 33,
    ],
)
async def test_a_secret_must_be_complex(open_issuer: Api, secret: str) -> None:
    answer = await register(open_issuer, form_of("portal-3", ClientSecret=secret))
    assert (answer.status_code, answer.json()["validationErrors"]) == (400, {"ClientSecret": [COMPLEXITY]})


async def test_other_characters_are_welcome_in_a_secret(open_issuer: Api) -> None:
    assert (await register(open_issuer, form_of("portal-4", ClientSecret=SECRET + " ä%&~"))).status_code == 200


async def test_the_lengths_of_a_secret_follow_the_settings(shared_url: str) -> None:
    lengths = {"IDENTITY__SECRET_MINIMUM_LENGTH": "12", "IDENTITY__SECRET_MAXIMUM_LENGTH": "40"}
    async with serving(shared_url, IDENTITY__ALLOW_REGISTRATION="true", **lengths) as api:
        assert (await register(api, form_of("portal-5", ClientSecret="Secret12345!"))).status_code == 200
        answer = await register(api, form_of("portal-6", ClientSecret="Secret1234!"))
    assert answer.json()["validationErrors"]["ClientSecret"][0].endswith("must be 12 to 40 characters long.")


@pytest.mark.parametrize("taken", ["portal-7", "PORTAL-7", "admin", "Admin"])
async def test_a_client_id_is_taken_in_any_case(open_issuer: Api, taken: str) -> None:
    await register(open_issuer, form_of("portal-7"))
    answer = await register(open_issuer, form_of(taken))
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:ed-fi:api:bad-request:data")
    assert answer.json()["validationErrors"] == {"ClientId": [TAKEN]}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "ClientId",
            "x" * 101,
            "The length of 'Client Id' must be 100 characters or fewer. You entered 101 characters.",
        ),
        (
            "DisplayName",
            "x" * 201,
            "The length of 'Display Name' must be 200 characters or fewer. You entered 201 characters.",
        ),
        ("ClientId", "a\0b", "'Client Id' must not contain the NUL character."),
        ("DisplayName", "a\0b", "'Display Name' must not contain the NUL character."),
        ("ClientSecret", SECRET + "\0", "'Client Secret' must not contain the NUL character."),
    ],
)
async def test_what_cannot_be_stored_is_refused(open_issuer: Api, name: str, value: str, message: str) -> None:
    answer = await register(open_issuer, form_of("portal-8", **{name: value}))
    assert (answer.status_code, answer.json()["validationErrors"]) == (400, {name: [message]})


@pytest.mark.parametrize("name", ["ClientId", "DisplayName", "ClientSecret"])
async def test_a_lone_surrogate_becomes_the_replacement_character(open_issuer: Api, name: str) -> None:
    form = form_of(f"portal-8-{name}")
    form[name] += "\\ud800"
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{field}"\r\nContent-Type: text/plain; charset=unicode_escape'
        f"\r\n\r\n{value}\r\n"
        for field, value in form.items()
    ]
    body = "".join([*parts, "--b--\r\n"]).encode()
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await open_issuer.http.post("/connect/register", content=body, headers=headers)
    assert answer.status_code == 200
    assert ("?" in answer.json()["title"]) == (name == "ClientId")


async def test_anything_may_follow_the_path(open_issuer: Api) -> None:
    assert (await register(open_issuer, form_of("portal-9"), "/connect/register/tenant/x")).status_code == 200


async def test_a_refused_registration_leaves_nothing_behind(open_issuer: Api, shared_url: str) -> None:
    await register(open_issuer, form_of("portal-10", DisplayName=""))
    async with await psycopg.AsyncConnection.connect(shared_url) as connection:
        cursor = await connection.execute("select count(*) from idp_clients where client_id = 'portal-10'")
        assert await cursor.fetchone() == (0,)
    assert (await token(open_issuer, "portal-10")).json()["errors"][0].startswith("invalid_client.")


async def test_a_registered_secret_is_stored_as_a_hash_alone(open_issuer: Api, shared_url: str) -> None:
    await register(open_issuer, form_of("portal-11"))
    async with await psycopg.AsyncConnection.connect(shared_url) as connection:
        cursor = await connection.execute(
            "select idp_clients::text, scopes from idp_clients where client_id = 'portal-11'"
        )
        row, scopes = await cursor.fetchone() or ("", [])
    assert SECRET not in row
    assert scopes == [SCOPES["admin"]]
