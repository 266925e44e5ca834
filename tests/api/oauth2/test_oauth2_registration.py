"""Clients register and manage themselves (RFC 7591, 7592)."""

import asyncio
import base64
from dataclasses import replace
from hashlib import sha256
from typing import Any

import httpx2
import pytest

from tenant_api.oauth2.registration import Registrations
from tests.api.oauth2.clients import (
    GRANT,
    INITIAL_TOKEN,
    RSA,
    ask,
    asserted,
    assertion,
    bearer,
    claims,
    public,
    refused,
    register,
    token_of,
)
from tests.api.service import SCOPES, Api, serving

pytestmark = pytest.mark.anyio

KEYED = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [public("EdDSA", kid="ed")]}}
KEPT_BY_SERVER = (
    "registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"
)  # fmt: skip


async def send(api: Api, body: Any, **headers: str) -> httpx2.Response:
    return await api.http.post("/oauth2/register", json=body, headers={**bearer(INITIAL_TOKEN), **headers})


async def manage(api: Api, method: str, made: dict[str, Any], body: Any = None, **more: Any) -> httpx2.Response:
    headers = bearer(made["registration_access_token"])
    return await api.http.request(method, made["registration_client_uri"], json=body, headers=headers, **more)


def login(made: dict[str, Any]) -> dict[str, str]:
    return {"client_id": made["client_id"], "client_secret": made["client_secret"]}


async def test_registration_is_off_by_default(shared_url: str) -> None:
    async with serving(shared_url) as api:
        refused(await send(api, {}), 403, "access_denied")
        assert "registration_endpoint" not in (await api.http.get("/.well-known/oauth-authorization-server")).json()


async def test_a_provider_outside_our_transactions_registers_nobody(
    issuer: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await register(issuer)
    called: list[str] = []

    async def record(*_arguments: Any, **_more: Any) -> None:
        called.append("called")

    outside = replace(issuer.runtime.idp.capabilities, transactional=False)
    monkeypatch.setattr(issuer.runtime.idp, "capabilities", outside, raising=False)
    for call in ("register", "registered", "reregister", "delete_clients"):
        monkeypatch.setattr(issuer.runtime.idp, call, record, raising=False)
    refused(await send(issuer, {}), 403, "access_denied")
    for method, body in (("GET", None), ("PUT", {"client_id": made["client_id"]}), ("DELETE", None)):
        refused(await manage(issuer, method, made, body), 401, "invalid_token")
    assert called == []
    assert "registration_endpoint" not in (await issuer.http.get("/.well-known/oauth-authorization-server")).json()


async def test_the_initial_access_token_is_needed(issuer: Api) -> None:
    missing = await issuer.http.post("/oauth2/register", json={})
    refused(missing, 401, "invalid_token")
    assert missing.headers["www-authenticate"] == 'Bearer realm="tenant-api"'
    wrong = await issuer.http.post("/oauth2/register", json={}, headers=bearer("another"))
    refused(wrong, 401, "invalid_token")
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]


async def test_a_registered_client_is_told_everything_about_itself(issuer: Api) -> None:
    answer = await send(issuer, {"client_name": "Roster", "scope": SCOPES["reader"], "contacts": ["a@b"], "x": 1})
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert made["registration_client_uri"] == f"http://tenant-api.test/oauth2/register/{made['client_id']}"
    assert {
        name: made[name] for name in made if name.startswith(("client_name", "token", "grant", "resp", "scope"))
    } == {
        "client_name": "Roster",
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["client_credentials"],
        "response_types": [],
        "scope": SCOPES["reader"],
    }
    assert made["client_secret_expires_at"] == 0
    assert made["client_id_issued_at"] > 1_700_000_000
    token = await token_of(issuer, login(made))
    assert (await issuer.http.get("/v3/vendors", headers=bearer(token))).status_code == 200
    assert (await issuer.http.post("/v3/vendors", json={}, headers=bearer(token))).status_code == 403


async def test_the_secret_says_when_it_ends(shared_url: str) -> None:
    settings = {
        "IDENTITY__REGISTRATION_TOKEN_DIGEST": sha256(INITIAL_TOKEN.encode()).hexdigest(),
        "IDP__SETTINGS__SECRET_MAXIMUM_AGE_DAYS": "30",
    }
    async with serving(shared_url, **settings) as api:
        made = await register(api)
        assert made["client_secret_expires_at"] == pytest.approx(made["client_id_issued_at"] + 30 * 86400, abs=2)


async def test_without_a_scope_all_that_may_be_had_is_given_and_no_more(issuer: Api) -> None:
    assert (await register(issuer))["scope"] == f"{SCOPES['reader']} {SCOPES['metadata']}"
    refused(await send(issuer, {"scope": SCOPES["admin"]}), 400, "invalid_client_metadata")


BAD = {
    "a grant that is not served": {"grant_types": ["authorization_code"]},
    "a response type": {"response_types": ["code"]},
    "an unknown method": {"token_endpoint_auth_method": "none"},
    "a number for a name": {"client_name": 7},
    "a long name": {"client_name": "x" * 201},
    "a name that cannot be stored": {"client_name": "a\0b"},
    "a name that moves the cursor": {"client_name": "\x1b[2Ka"},
    "a name that ends a line": {"client_name": "a\nb"},
    "a name with another control character": {"client_name": "a\x9bb"},
    "keys elsewhere": {"jwks_uri": "https://keys.example/jwks"},
    "an assertion without keys": {"token_endpoint_auth_method": "private_key_jwt"},
    "no keys at all": {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}},
    "keys beside a secret": {"jwks": KEYED["jwks"]},
    "no list of keys": {**KEYED, "jwks": {"keys": {}}},
    "too many keys": {**KEYED, "jwks": {"keys": [public("EdDSA")] * 11}},
    "a private key": {**KEYED, "jwks": {"keys": [RSA.as_dict(private=True)]}},
    "a shared key": {**KEYED, "jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
    "a weak key": {**KEYED, "jwks": {"keys": [{"kty": "RSA", "n": "A" * 170, "e": "AQAB"}]}},
    "a modulus that begins with many zeros": {
        **KEYED,
        "jwks": {"keys": [{**public("RS256"), "n": "A" * 4000 + public("RS256")["n"]}]},
    },
    "an overlong point": {**KEYED, "jwks": {"keys": [{**public("EdDSA"), "x": "A" * 2000}]}},
    "a long modulus": {**KEYED, "jwks": {"keys": [{**public("RS256"), "n": "_" * 684}]}},
    "several keys of a kind without names": {**KEYED, "jwks": {"keys": [public("EdDSA", kid="a"), public("EdDSA")]}},
    "a huge exponent": {**KEYED, "jwks": {"keys": [{**public("RS256"), "e": "AQAAAAAB"}]}},
    "another curve": {**KEYED, "jwks": {"keys": [{**public("ES256"), "crv": "P-521"}]}},
    "no point of the curve": {**KEYED, "jwks": {"keys": [{**public("ES256"), "x": "AAAA"}]}},
    "an algorithm of another kind": {**KEYED, "jwks": {"keys": [{**public("EdDSA"), "alg": "RS256"}]}},
    "a key to encrypt": {**KEYED, "jwks": {"keys": [{**public("EdDSA"), "use": "enc"}]}},
    "twins": {**KEYED, "jwks": {"keys": [public("EdDSA", kid="a"), public("ES256", kid="a")]}},
    "a key that is a number": {**KEYED, "jwks": {"keys": [7]}},
    "a member that is a number": {**KEYED, "jwks": {"keys": [{**public("EdDSA"), "kid": 7}]}},
}


@pytest.mark.parametrize("metadata", BAD.values(), ids=BAD.keys())
async def test_what_cannot_be_registered_is_named(issuer: Api, metadata: dict[str, Any]) -> None:
    refused(await send(issuer, metadata), 400, "invalid_client_metadata")


async def test_null_counts_as_absent(issuer: Api) -> None:
    assert (await send(issuer, {"client_name": None, "jwks": None, "scope": None})).status_code == 201


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[" * 5000], ids=["empty", "broken", "null", "deep"])
async def test_what_is_no_json_is_malformed(issuer: Api, body: bytes) -> None:
    headers = {**bearer(INITIAL_TOKEN), "Content-Type": "application/json"}
    refused(await issuer.http.post("/oauth2/register", content=body, headers=headers), 400, "invalid_request")
    headers["Content-Type"] = "text/plain"
    refused(await issuer.http.post("/oauth2/register", content=b"{}", headers=headers), 415, "invalid_request")


async def test_a_registration_is_read_with_its_own_token_and_without_its_secret(issuer: Api) -> None:
    made, other = await register(issuer, client_name="Mine"), await register(issuer)
    answer = await manage(issuer, "GET", made)
    assert answer.status_code == 200
    shown = {name: value for name, value in made.items() if not name.startswith("client_secret")}
    assert answer.json() == shown
    for token in (other["registration_access_token"], INITIAL_TOKEN, "x"):
        stranger = await issuer.http.get(made["registration_client_uri"], headers=bearer(token))
        refused(stranger, 401, "invalid_token")
    unknown = await issuer.http.get("/oauth2/register/nobody", headers=bearer(made["registration_access_token"]))
    refused(unknown, 401, "invalid_token")
    refused(await issuer.http.get(made["registration_client_uri"]), 401, "invalid_token")


async def test_a_change_replaces_everything_and_keeps_the_secret(issuer: Api) -> None:
    made = await register(issuer, client_name="Before")
    body = {"client_id": made["client_id"], "client_secret": made["client_secret"], "scope": SCOPES["reader"]}
    answer = await manage(issuer, "PUT", made, body)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["client_name"], answer.json()["scope"]) == (made["client_id"], SCOPES["reader"])
    assert "client_secret" not in answer.json()
    assert await token_of(issuer, login(made))


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_new_pepper_takes_over_when_the_access_token_is_used_and_the_old_one_may_go(
    shared_url: str, method: str
) -> None:
    old, new = (f"{name}:{base64.b64encode(name.encode() * 16).decode()}" for name in ("k1", "k2"))
    digest = {"IDENTITY__REGISTRATION_TOKEN_DIGEST": sha256(INITIAL_TOKEN.encode()).hexdigest()}
    async with serving(shared_url, KEYS__PEPPER=old, **digest) as api:
        used, unused = await register(api), await register(api)
    async with serving(shared_url, KEYS__PEPPER=f"{new},{old}", **digest) as api:
        assert (await manage(api, method, used, {"client_id": used["client_id"]})).status_code == 200
    async with serving(shared_url, KEYS__PEPPER=new, **digest) as api:
        assert (await manage(api, "GET", used)).status_code == 200
        assert (await manage(api, "GET", unused)).status_code == 401


async def test_generated_secrets_are_long_however_short_chosen_ones_may_be(shared_url: str) -> None:
    digest = {"IDENTITY__REGISTRATION_TOKEN_DIGEST": sha256(INITIAL_TOKEN.encode()).hexdigest()}
    async with serving(shared_url, IDENTITY__SECRET_MINIMUM_LENGTH="4", **digest) as api:
        assert len((await register(api))["client_secret"]) == 32


async def test_of_a_key_only_what_verifies_is_kept(issuer: Api) -> None:
    key = public("EdDSA", kid="ed")
    padded = {**key, "n": "A" * 100_000, "e": "AQAB", "y": "A" * 100_000, "x5c": ["A" * 100_000]}
    made = await register(issuer, token_endpoint_auth_method="private_key_jwt", jwks={"keys": [padded]})
    assert made["jwks"] == {"keys": [key]}


async def test_a_change_gives_up_scopes_and_takes_none(issuer: Api) -> None:
    made = await register(issuer, scope=SCOPES["reader"])
    body = {"client_id": made["client_id"]}
    more = {**body, "scope": f"{SCOPES['reader']} {SCOPES['metadata']}"}
    refused(await manage(issuer, "PUT", made, more), 400, "invalid_client_metadata")
    assert (await manage(issuer, "PUT", made, body)).json()["scope"] == SCOPES["reader"]
    wide = await register(issuer)
    body = {"client_id": wide["client_id"]}
    assert (await manage(issuer, "PUT", wide, {**body, "scope": SCOPES["metadata"]})).status_code == 200
    assert (await manage(issuer, "PUT", wide, body)).json()["scope"] == SCOPES["metadata"]


async def test_a_change_that_meets_a_removal_is_refused(issuer: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await register(issuer)
    found = Registrations.find

    async def find_then_remove(self: Registrations, client_id: str, authorization: str) -> Any:
        present = await found(self, client_id, authorization)
        await issuer.runtime.idp.delete_clients([client_id])
        return present

    monkeypatch.setattr(Registrations, "find", find_then_remove)
    refused(await manage(issuer, "PUT", made, {"client_id": made["client_id"]}), 401, "invalid_token")


async def test_changes_at_the_same_time_make_one_secret(issuer: Api) -> None:
    keys = {"token_endpoint_auth_method": "private_key_jwt", "jwks": KEYED["jwks"]}
    made = await register(issuer, **keys)
    body = {"client_id": made["client_id"]}
    answers = await asyncio.gather(*(manage(issuer, "PUT", made, body) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    (secret,) = [answer.json()["client_secret"] for answer in answers if "client_secret" in answer.json()]
    assert await token_of(issuer, {"client_id": made["client_id"], "client_secret": secret})


@pytest.mark.parametrize("name", KEPT_BY_SERVER)
async def test_a_change_may_not_say_what_the_server_says(issuer: Api, name: str) -> None:
    made = await register(issuer)
    body = {"client_id": made["client_id"], name: made[name]}
    refused(await manage(issuer, "PUT", made, body), 400, "invalid_client_metadata")


async def test_a_change_is_about_the_client_itself_and_chooses_no_secret(issuer: Api) -> None:
    made = await register(issuer)
    for body in ({}, {"client_id": "other"}, {"client_id": made["client_id"], "client_secret": "mine"}):
        refused(await manage(issuer, "PUT", made, body), 400, "invalid_client_metadata")
    assert await token_of(issuer, login(made))


async def test_a_client_moves_from_its_secret_to_keys_and_back(issuer: Api) -> None:
    made = await register(issuer)
    moved = await manage(issuer, "PUT", made, {"client_id": made["client_id"], **KEYED})
    assert moved.json()["jwks"] == KEYED["jwks"]
    refused(await ask(issuer, "token", {**GRANT, **login(made)}), 401, "invalid_client")
    text = assertion("EdDSA", claims(made["client_id"]))
    assert (await ask(issuer, "token", asserted(text))).status_code == 200
    back = (await manage(issuer, "PUT", made, {"client_id": made["client_id"]})).json()
    assert back["client_secret"] != made["client_secret"]
    assert await token_of(issuer, login(back))
    text = assertion("EdDSA", claims(made["client_id"]))
    refused(await ask(issuer, "token", asserted(text)), 401, "invalid_client")


async def test_a_removed_client_is_gone_with_its_tokens(issuer: Api) -> None:
    made = await register(issuer)
    token = await token_of(issuer, login(made))
    assert (await manage(issuer, "DELETE", made)).status_code == 204
    assert (await issuer.http.get("/v3/vendors", headers=bearer(token))).status_code == 401
    refused(await ask(issuer, "token", {**GRANT, **login(made)}), 401, "invalid_client")
    refused(await manage(issuer, "DELETE", made), 401, "invalid_token")


async def test_access_tokens_of_registrations_are_not_stored(issuer: Api) -> None:
    made = await register(issuer)
    async with issuer.runtime.pool.connection() as connection:
        cursor = await connection.execute("select r::text || c::text as text from idp_registrations r, idp_clients c")
        rows = await cursor.fetchall()
    assert rows
    assert not [
        row for row in rows for name in ("registration_access_token", "client_secret") if made[name] in row["text"]
    ]


async def test_where_clients_are_bound_a_new_one_acts_for_the_named_tenant_alone(service_url: str) -> None:
    settings = {
        "IDENTITY__REGISTRATION_TOKEN_DIGEST": sha256(INITIAL_TOKEN.encode()).hexdigest(),
        "IDENTITY__TENANT_BOUND_CLIENTS": "true",
    }
    async with serving(service_url, multi_tenancy=True, **settings) as fleet:
        for name in ("north", "south"):
            assert (await fleet.post("/v3/tenants", {"name": name})).status_code == 201
        for headers in ({}, {"Tenant": "nowhere"}):
            refused(await send(fleet, {}, **headers), 400, "invalid_request")
        made = (await send(fleet, {}, Tenant="north")).json()
        token = await token_of(fleet, login(made))
        seen = {
            name: (await fleet.http.get("/v3/vendors", headers={**bearer(token), "Tenant": name})).status_code
            for name in ("north", "south")
        }
    assert seen == {"north": 200, "south": 403}
