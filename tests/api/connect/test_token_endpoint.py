"""The token endpoint speaks the contract (section 1.19)."""

import base64
import json
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.service import SCOPES, SECRET, Api

pytestmark = pytest.mark.anyio

FORM = "application/x-www-form-urlencoded"
GRANT = {"grant_type": "client_credentials"}
GOOD = {**GRANT, "client_id": "admin", "client_secret": SECRET}
WITHOUT_FORM = {
    "client_id": ["'client_id' must not be empty."],
    "client_secret": ["'client_secret' must not be empty."],
    "grant_type": ["'grant_type' must not be empty."],
}


async def ask(api: Api, form: dict[str, str] | None = None, path: str = "/connect/token", **more: Any) -> Any:
    return await api.http.post(path, data=form, **more)


async def send(api: Api, body: bytes, content_type: str = FORM) -> httpx2.Response:
    return await api.http.post("/connect/token", content=body, headers={"Content-Type": content_type})


def basic(client_id: str, secret: str, scheme: str = "Basic") -> dict[str, str]:
    return {"Authorization": f"{scheme} {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"}


def claims(answer: httpx2.Response) -> dict[str, Any]:
    payload = answer.json()["access_token"].split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


async def test_a_token_is_answered_by_exactly_the_triple(issuer: Api) -> None:
    answer = await ask(issuer, GOOD)
    assert answer.status_code == 200
    assert list(answer.json()) == ["access_token", "expires_in", "token_type"]
    assert (answer.json()["expires_in"], answer.json()["token_type"]) == (1800, "Bearer")
    assert claims(answer)["scope"] == SCOPES["admin"]


async def test_a_token_is_never_cached(issuer: Api) -> None:
    assert (await ask(issuer, GOOD)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("grant_type", ["client_credentials", "Client_Credentials", "CLIENT_CREDENTIALS"])
async def test_the_grant_type_is_read_in_any_case(issuer: Api, grant_type: str) -> None:
    assert (await ask(issuer, {**GOOD, "grant_type": grant_type})).status_code == 200


async def test_another_grant_type_is_refused(issuer: Api) -> None:
    answer = await ask(issuer, {**GOOD, "grant_type": "password"})
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:ed-fi:api:bad-request"
    assert answer.json()["detail"] == "The specified grant type is not supported."
    assert (answer.json()["validationErrors"], answer.json()["errors"]) == ({}, [])


@pytest.mark.parametrize("name", ["client_id", "client_secret", "grant_type"])
@pytest.mark.parametrize("value", [None, "", "  "])
async def test_an_empty_field_is_named_as_oauth_spells_it(issuer: Api, name: str, value: str | None) -> None:
    form = {**GOOD, name: value} if value is not None else {key: GOOD[key] for key in GOOD if key != name}
    answer = await ask(issuer, form)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:ed-fi:api:bad-request:data"
    assert answer.json()["validationErrors"] == {name: [f"'{name}' must not be empty."]}


async def test_fields_are_judged_before_the_grant_type(issuer: Api) -> None:
    answer = await ask(issuer, {"grant_type": "password"})
    assert list(answer.json()["validationErrors"]) == ["client_id", "client_secret"]


async def test_names_of_fields_are_read_in_any_case(issuer: Api) -> None:
    assert (await ask(issuer, {name.upper(): value for name, value in GOOD.items()})).status_code == 200


async def test_an_unknown_client_is_an_invalid_client(issuer: Api) -> None:
    answer = await ask(issuer, {**GOOD, "client_id": "nobody"})
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:ed-fi:api:security:authentication"
    assert answer.json()["title"] == "Authentication Failed"
    assert answer.json()["detail"] == "The request could not be processed. See 'errors' for details."
    assert answer.json()["errors"] == ["invalid_client. Invalid client or Invalid client credentials"]


async def test_a_wrong_secret_is_an_unauthorized_client(issuer: Api) -> None:
    answer = await ask(issuer, {**GOOD, "client_secret": SECRET + "x"})
    assert answer.status_code == 401
    assert answer.json()["errors"] == ["unauthorized_client. Invalid client or Invalid client credentials"]


async def test_basic_authentication_works_without_credentials_in_the_form(issuer: Api) -> None:
    assert (await ask(issuer, GRANT, headers=basic("admin", SECRET))).status_code == 200


async def test_the_scheme_is_read_in_any_case(issuer: Api) -> None:
    assert (await ask(issuer, GRANT, headers=basic("admin", SECRET, "bAsIc"))).status_code == 200


async def test_basic_authentication_wins_over_the_form(issuer: Api) -> None:
    answer = await ask(issuer, {**GOOD, "client_id": "nobody", "client_secret": "x"}, headers=basic("reader", SECRET))
    assert claims(answer)["client_id"] == "reader"
    assert (await ask(issuer, GOOD, headers=basic("admin", "wrong"))).status_code == 401


async def test_both_halves_of_basic_authentication_are_unescaped(issuer: Api) -> None:
    escaped = "".join(f"%{ord(character):02x}" for character in SECRET)
    assert (await ask(issuer, GRANT, headers=basic("%61dmin", escaped))).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic YWRtaW4",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Digest username=admin",
        "Bearer nonsense",
        "garbage",
    ],
)
async def test_a_malformed_authorization_header_is_ignored(issuer: Api, authorization: str) -> None:
    assert (await ask(issuer, GOOD, headers={"Authorization": authorization})).status_code == 200


@pytest.mark.parametrize("separator", [" ", ",", ", ", "+"])
async def test_scopes_are_asked_for_with_spaces_or_commas(issuer: Api, separator: str) -> None:
    if separator == "+":
        body = "&".join(f"{name}={value}" for name, value in GOOD.items()) + f"&scope=api+{SCOPES['admin']}"
        answer = await send(issuer, body.encode())
    else:
        answer = await ask(issuer, {**GOOD, "scope": f"api{separator}{SCOPES['admin']}"})
    assert claims(answer)["scope"] == SCOPES["admin"]


@pytest.mark.parametrize(
    "path", ["/connect/token/tenant-a", "/connect/token/a/b%20c/d", "/connect/token/", "/Connect/TOKEN"]
)
async def test_anything_may_follow_the_path(issuer: Api, path: str) -> None:
    assert (await ask(issuer, GOOD, path=path)).status_code == 200


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "nonsense", ""])
async def test_a_body_that_is_no_form_counts_as_an_empty_form(issuer: Api, content_type: str) -> None:
    body = json.dumps(GOOD).encode() if content_type == "application/json" else b"client_id=admin"
    answer = await send(issuer, body, content_type)
    assert (answer.status_code, answer.json()["validationErrors"]) == (400, WITHOUT_FORM)


async def test_an_empty_body_counts_as_an_empty_form(issuer: Api) -> None:
    answer = await issuer.http.post("/connect/token")
    assert (answer.status_code, answer.json()["validationErrors"]) == (400, WITHOUT_FORM)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"&".join(b"a%d=1" % index for index in range(1025))),
        (FORM, b"x" * 3000 + b"=1"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\ncut off"),
        ("multipart/form-data; boundary=b", b"not multipart at all"),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=a\r\nContent-Type: text; charset=no\r\n\r\nx\r\n--b--\r\n",
        ),
    ],
)
async def test_a_malformed_form_is_refused_as_a_whole(issuer: Api, content_type: str, body: bytes) -> None:
    answer = await send(issuer, body, content_type)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:ed-fi:api:bad-request"
    assert answer.json()["errors"] == ["The request form payload is malformed."]


async def test_a_multipart_form_is_a_form(issuer: Api) -> None:
    parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in GOOD.items()]
    answer = await send(issuer, ("".join(parts) + "--b--\r\n").encode(), "multipart/form-data; boundary=b")
    assert answer.status_code == 200


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "iso-8859-1", "utf-16", "none-such", "unicode_escape", "utf-7"])
async def test_a_form_may_name_its_charset(issuer: Api, charset: str) -> None:
    text = "&".join(f"{name}={value}" for name, value in GOOD.items())
    body = text.encode("utf-16" if charset == "utf-16" else "ascii")
    assert (await send(issuer, body, f"{FORM}; charset={charset}")).status_code == 200


async def test_a_body_above_the_limit_is_refused(issuer: Api) -> None:
    answer = await send(issuer, b"client_id=" + b"x" * 30_000_001)
    assert (answer.status_code, answer.json()["type"]) == (413, "about:blank")


@pytest.mark.parametrize(
    "client_id", ["%00", "a%00b", "%ED%A0%80", "%ff%fe", "x" * 300_000, "%F0%9F%98%80", "'; drop table idp_clients;--"]
)
async def test_no_client_id_is_too_odd(issuer: Api, client_id: str) -> None:
    body = f"grant_type=client_credentials&client_secret={SECRET}&client_id={client_id}"
    assert (await send(issuer, body.encode())).status_code == 401


@pytest.mark.parametrize("secret", ["%00", "%ED%A0%80", "%ff%fe", "x" * 300_000, "%F0%9F%98%80"])
async def test_no_secret_is_too_odd(issuer: Api, secret: str) -> None:
    answer = await send(issuer, f"grant_type=client_credentials&client_id=admin&client_secret={secret}".encode())
    assert answer.status_code == 401


async def test_other_methods_are_not_allowed(issuer: Api) -> None:
    answer = await issuer.http.get("/connect/token")
    assert (answer.status_code, answer.json()["type"]) == (405, "urn:ed-fi:api:method-not-allowed")


async def test_a_fleet_grants_tokens_without_a_tenant(shared_url: str) -> None:
    from tests.api.service import serving

    async with serving(shared_url, multi_tenancy=True) as fleet:
        assert (await ask(fleet, GOOD)).status_code == 200


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.lists(st.tuples(st.sampled_from(list(GOOD)), st.binary(max_size=20))).map(
            lambda fields: b"&".join(name.encode() + b"=" + value for name, value in fields)
        ),
    ),
    content_type=st.sampled_from([FORM, f"{FORM}; charset=utf-16", "multipart/form-data; boundary=b", "text/x"]),
    authorization=st.binary(max_size=40).map(lambda raw: "Basic " + base64.b64encode(raw).decode()),
)
async def test_no_body_and_no_header_is_a_failure_of_ours(
    issuer: Api, body: bytes, content_type: str, authorization: str
) -> None:
    headers = {"Content-Type": content_type, "Authorization": authorization}
    answer = await issuer.http.post("/connect/token", content=body, headers=headers)
    assert answer.status_code in {400, 401}
