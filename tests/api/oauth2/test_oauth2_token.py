"""The token endpoint speaks RFC 6749, sections 2.3, 4.4 and 5."""

import base64
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp_providers.testing import payload_of
from tests.api.oauth2.clients import ADMIN, GRANT, READER, ask, basic, refused
from tests.api.service import SCOPES, SECRET, Api, serving

pytestmark = pytest.mark.anyio

FORM = "application/x-www-form-urlencoded"
GOOD = {**GRANT, **ADMIN}


async def send(api: Api, body: bytes, content_type: str = FORM) -> Any:
    return await api.http.post("/oauth2/token", content=body, headers={"Content-Type": content_type})


async def test_a_grant_says_what_it_grants_and_is_never_cached(issuer: Api) -> None:
    answer = await ask(issuer, "token", GOOD)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}
    assert (answer.json()["token_type"], answer.json()["scope"]) == ("Bearer", SCOPES["admin"])
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    token = answer.json()["access_token"]
    assert (await issuer.http.get("/v3/vendors", headers={"Authorization": f"Bearer {token}"})).status_code == 200


async def test_basic_authentication_is_form_urlencoded(issuer: Api) -> None:
    escaped = "".join(f"%{ord(character):02X}" for character in "admin")
    assert (await ask(issuer, "token", GRANT, headers=basic("admin", SECRET))).status_code == 200
    header = base64.b64encode(f"{escaped}:{SECRET}".encode()).decode()
    assert (await ask(issuer, "token", GRANT, headers={"Authorization": f"basic {header}"})).status_code == 200


async def test_the_client_id_may_stand_beside_basic_if_it_is_the_same(issuer: Api) -> None:
    headers = basic("admin", SECRET)
    assert (await ask(issuer, "token", {**GRANT, "client_id": "admin"}, headers=headers)).status_code == 200
    refused(await ask(issuer, "token", {**GRANT, "client_id": "reader"}, headers=headers), 400, "invalid_request")


@pytest.mark.parametrize(
    "form",
    [{**GOOD, "client_secret": SECRET + "x"}, {**GOOD, "client_id": "nobody"}],
    ids=["wrong secret", "unknown client"],
)
async def test_a_failed_authentication_tells_nothing_and_names_the_scheme(issuer: Api, form: dict[str, str]) -> None:
    answer = await ask(issuer, "token", form)
    assert refused(answer, 401, "invalid_client") == "Client authentication failed."
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b":secret").decode(),
        "Basic " + base64.b64encode(b"admin:%zz").decode(),
        "Basic " + base64.b64encode(b"admin:%ff").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Bearer nonsense",
        "Digest username=admin",
    ],
)
async def test_a_header_that_proves_nothing_is_a_failed_authentication(issuer: Api, authorization: str) -> None:
    answer = await ask(issuer, "token", GRANT, headers={"Authorization": authorization})
    refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_a_client_proves_itself_in_one_way_only(issuer: Api) -> None:
    refused(await ask(issuer, "token", GOOD, headers=basic("admin", SECRET)), 400, "invalid_request")
    both = {**GOOD, "client_assertion": "x", "client_assertion_type": "y"}
    refused(await ask(issuer, "token", both), 400, "invalid_request")


async def test_without_any_proof_authentication_failed(issuer: Api) -> None:
    refused(await ask(issuer, "token", GRANT), 401, "invalid_client")
    refused(await ask(issuer, "token", {**GRANT, "client_secret": SECRET}), 400, "invalid_request")


async def test_the_grant_type_is_needed_and_only_one_is_served(issuer: Api) -> None:
    refused(await ask(issuer, "token", ADMIN), 400, "invalid_request")
    for other in ("password", "authorization_code", "refresh_token", "Client_Credentials"):
        refused(await ask(issuer, "token", {**GOOD, "grant_type": other}), 400, "unsupported_grant_type")


@pytest.mark.parametrize("name", [*GOOD, "scope", "unknown"])
async def test_a_repeated_parameter_is_refused(issuer: Api, name: str) -> None:
    fields = [*GOOD.items(), (name, "x"), (name, "x")]
    refused(await send(issuer, "&".join(f"{key}={value}" for key, value in fields).encode()), 400, "invalid_request")


async def test_a_parameter_without_a_value_counts_as_absent(issuer: Api) -> None:
    assert (await ask(issuer, "token", {**GOOD, "scope": ""})).json()["scope"] == SCOPES["admin"]
    refused(await ask(issuer, "token", {**GOOD, "grant_type": ""}), 400, "invalid_request")


async def test_unknown_parameters_are_ignored(issuer: Api) -> None:
    assert (await ask(issuer, "token", {**GOOD, "resource": "x", "audience": "y"})).status_code == 200


async def test_names_of_parameters_are_read_as_they_are_spelt(issuer: Api) -> None:
    refused(await ask(issuer, "token", {name.upper(): value for name, value in GOOD.items()}), 400, "invalid_request")


async def test_parameters_in_the_address_are_refused(issuer: Api) -> None:
    refused(await ask(issuer, f"token?client_secret={SECRET}", GOOD), 400, "invalid_request")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data; boundary=b", b""),
        ("", b"a=b"),
        (f"{FORM}; charset=utf-16", b"a=b"),
        (FORM, b"grant_type=%zz"),
        (FORM, b"grant_type=%ff"),
        (FORM, "grant_type=\u00e9".encode()),
        (FORM, b"&".join(b"a%d=1" % number for number in range(65))),
        (FORM, b"a=" + b"x" * 200_000),
    ],
)
async def test_what_is_no_form_is_malformed(issuer: Api, content_type: str, body: bytes) -> None:
    refused(await send(issuer, body, content_type), 400, "invalid_request")


async def test_scopes_are_granted_as_asked_for(issuer: Api) -> None:
    answer = await ask(issuer, "token", {**GOOD, "scope": SCOPES["admin"]})
    assert payload_of(answer.json()["access_token"])["scope"] == answer.json()["scope"] == SCOPES["admin"]


@pytest.mark.parametrize(
    "scope",
    [
        SCOPES["admin"],
        f"{SCOPES['reader']} {SCOPES['admin']}",
        "EDFI_ADMIN_API/readonly_access",
        "nothing",
        'a"b',
        "a  b",
    ],
)
async def test_a_scope_that_is_not_held_is_refused_instead_of_dropped(issuer: Api, scope: str) -> None:
    refused(await ask(issuer, "token", {**GRANT, **READER, "scope": scope}), 400, "invalid_scope")


async def test_a_fleet_grants_tokens_without_a_tenant_and_below_a_path_base(shared_url: str) -> None:
    async with serving(shared_url, multi_tenancy=True, HTTP__PATH_BASE="/config") as fleet:
        assert (await ask(fleet, "token", GOOD)).status_code == 200
        assert (await fleet.http.post("/config/oauth2/token", data=GOOD)).status_code == 200


async def test_guesses_are_throttled_without_touching_what_is_known_to_be_right(shared_url: str) -> None:
    async with serving(shared_url, IDP__SETTINGS__FAILED_SECRETS_PER_MINUTE="3") as api:
        assert (await ask(api, "token", GOOD)).status_code == 200
        for number in range(3):
            refused(await ask(api, "token", {**GOOD, "client_secret": f"guess {number}"}), 401, "invalid_client")
        for number in range(3):
            answer = await ask(api, "token", {**GOOD, "client_secret": f"guess {number}"})
            refused(answer, 429, "temporarily_unavailable")
            assert answer.headers["retry-after"] == "60"
        for _ in range(10):
            assert (await ask(api, "token", GOOD)).status_code == 200
        assert (await ask(api, "token", {**GRANT, **READER})).status_code == 200


async def test_throttled_guesses_are_refused_at_connect_as_the_contract_has_it(shared_url: str) -> None:
    sentences = {"admin": "unauthorized_client", "nobody": "invalid_client"}
    async with serving(shared_url, IDP__SETTINGS__FAILED_SECRETS_PER_MINUTE="2") as api:
        for client_id, code in sentences.items():
            for number in range(5):
                answer = await api.grant({"key": client_id, "secret": f"guess {number}"})
                assert answer.status_code == 401
                assert answer.json()["errors"] == [f"{code}. Invalid client or Invalid client credentials"]


async def test_tokens_have_the_type_of_rfc_9068_if_wanted(shared_url: str) -> None:
    for settings_, typ in (({}, "JWT"), ({"IDP__SETTINGS__ACCESS_TOKEN_TYPE": "at+jwt"}, "at+jwt")):
        async with serving(shared_url, **settings_) as api:
            token = (await ask(api, "token", GOOD)).json()["access_token"]
            header = token.split(".", maxsplit=1)[0]
            assert f'"typ":"{typ}"' in base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)).decode()
            assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= set(payload_of(token))
            answer = await api.http.get("/v3/vendors", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.lists(st.tuples(st.sampled_from([*GOOD, "client_assertion"]), st.binary(max_size=20))).map(
            lambda fields: b"&".join(name.encode() + b"=" + value for name, value in fields)
        ),
    ),
    authorization=st.binary(max_size=40).map(lambda raw: "Basic " + base64.b64encode(raw).decode()) | st.just(""),
)
async def test_no_body_and_no_header_is_a_failure_of_ours(issuer: Api, body: bytes, authorization: str) -> None:
    headers = {"Content-Type": FORM, **({"Authorization": authorization} if authorization else {})}
    answer = await issuer.http.post("/oauth2/token", content=body, headers=headers)
    assert answer.status_code in {400, 401}
    assert set(answer.json()) == {"error", "error_description"}
