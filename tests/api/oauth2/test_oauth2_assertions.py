"""`private_key_jwt`: clients prove themselves by assertions (RFC 7523, section 3)."""

import base64
import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import OctKey, RSAKey

from tests.api.oauth2.clients import (
    ED,
    GRANT,
    ISSUER,
    JWT_BEARER,
    RSA,
    ask,
    asserted,
    assertion,
    bearer,
    claims,
    public,
    refused,
    register,
)
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")


@pytest.fixture(scope="module")
async def client(issuer: Api) -> str:
    """A client with a key for every algorithm."""
    keys = [public("RS256", kid="rsa"), public("ES256", kid="ec"), public("EdDSA", kid="ed")]
    made = await register(issuer, token_endpoint_auth_method="private_key_jwt", jwks={"keys": keys})
    assert "client_secret" not in made
    client_id: str = made["client_id"]
    return client_id


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_every_algorithm_proves_the_client(issuer: Api, client: str, algorithm: str) -> None:
    answer = await ask(issuer, "token", asserted(assertion(algorithm, claims(client))))
    assert answer.status_code == 200, answer.text


async def test_the_key_id_chooses_the_key(issuer: Api, client: str) -> None:
    assert (await ask(issuer, "token", asserted(assertion("EdDSA", claims(client), kid="ed")))).status_code == 200
    wrong = assertion("EdDSA", claims(client), kid="rsa")
    refused(await ask(issuer, "token", asserted(wrong)), 401, "invalid_client")


async def test_the_greatest_key_that_may_be_registered_proves_the_client(issuer: Api) -> None:
    key = RSAKey.generate_key(4096)
    made = await register(
        issuer, token_endpoint_auth_method="private_key_jwt", jwks={"keys": [key.as_dict(private=False)]}
    )
    for algorithm in ("RS256", "PS256"):
        text = assertion(algorithm, claims(made["client_id"]), key=key, kid="any")
        assert (await ask(issuer, "token", asserted(text))).status_code == 200


async def test_among_several_keys_of_a_kind_the_header_must_name_one(issuer: Api) -> None:
    keys = {"old": RSA, "new": RSAKey.generate_key(2048)}
    jwks = {"keys": [key.as_dict(private=False, kid=kid) for kid, key in keys.items()]}
    made = await register(issuer, token_endpoint_auth_method="private_key_jwt", jwks=jwks)
    for kid, key in keys.items():
        text = assertion("RS256", claims(made["client_id"]), key=key, kid=kid)
        assert (await ask(issuer, "token", asserted(text))).status_code == 200
    unnamed = assertion("RS256", claims(made["client_id"]))
    sentence = refused(await ask(issuer, "token", asserted(unnamed)), 401, "invalid_client")
    assert "kid" in sentence
    other = assertion("RS256", claims(made["client_id"]), kid="other")
    refused(await ask(issuer, "token", asserted(other)), 401, "invalid_client")


@pytest.mark.parametrize("aud", [ISSUER, f"{ISSUER}/oauth2/token", [ISSUER, "https://other.example"]])
async def test_the_audience_is_the_issuer_or_the_token_endpoint(issuer: Api, client: str, aud: Any) -> None:
    answer = await ask(issuer, "token", asserted(assertion("EdDSA", claims(client, aud=aud))))
    assert answer.status_code == 200, answer.text


async def test_a_public_address_is_an_audience_too(issuer: Api, client: str, shared_url: str) -> None:
    public_url = "https://tenants.example.org"
    async with serving(shared_url, HTTP__PUBLIC_URL=public_url, HTTP__PATH_BASE="/config") as api:
        for aud in (f"{public_url}/oauth2/token", f"{public_url}/config/oauth2/token"):
            text = assertion("EdDSA", claims(client, aud=aud))
            assert (await ask(api, "token", asserted(text))).status_code == 200


@pytest.mark.parametrize("path_base", ["", "/config"])
async def test_the_published_token_endpoint_is_an_audience(
    issuer: Api, client: str, shared_url: str, path_base: str
) -> None:
    async with serving(shared_url, HTTP__PATH_BASE=path_base) as api:
        at_the_issuer = {"Host": ISSUER.removeprefix("http://")}
        metadata = await api.http.get("/.well-known/oauth-authorization-server", headers=at_the_issuer)
        aud = metadata.json()["token_endpoint"]
        assert aud == f"{ISSUER}{path_base}/oauth2/token"
        answer = await ask(api, "token", asserted(assertion("EdDSA", claims(client, aud=aud))))
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("registered", [None, "EdDSA", "Ed25519"])
async def test_a_key_signs_under_both_names_of_its_algorithm(issuer: Api, registered: str | None) -> None:
    named = {"alg": registered} if registered else {}
    keys = [public("EdDSA", **named)]
    made = await register(issuer, token_endpoint_auth_method="private_key_jwt", jwks={"keys": keys})
    assert made["jwks"] == {"keys": keys}
    for algorithm in ("EdDSA", "Ed25519"):
        answer = await ask(issuer, "token", asserted(assertion(algorithm, claims(made["client_id"]))))
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "member",
    [{"x-more": {"of": "theirs"}}, {"x5c": ["A" * 2000]}, {"x5t": "A" * 27}],
    ids=["of their own", "certificate", "thumbprint"],
)
async def test_what_a_header_says_beyond_the_needed_is_ignored_unless_it_is_critical(
    issuer: Api, client: str, member: dict[str, Any]
) -> None:
    answer = await ask(issuer, "token", asserted(assertion("EdDSA", claims(client), **member)))
    assert answer.status_code == 200, answer.text
    critical = assertion("EdDSA", claims(client), **{"x-more": 1}, crit=["x-more"])
    refused(await ask(issuer, "token", asserted(critical)), 401, "invalid_client")


NOW = int(time.time())
LATER = NOW + 30 * 86_400
"""However long after the collection of the tests the assertion is sent."""
WRONG = {
    "of another issuer": {"iss": "somebody-else"},
    "about another client": {"sub": "somebody-else"},
    "without a subject": {"sub": None},
    "without an audience": {"aud": None},
    "for another server": {"aud": "https://other.example/oauth2/token"},
    "for the address that the request names": {"aud": "http://tenant-api.test/oauth2/token"},
    "for a server whose name begins like ours": {"aud": f"{ISSUER}.evil.example"},
    "without an end": {"exp": None},
    "that has ended": {"exp": NOW - 120},
    "that lives too long": {"exp": LATER},
    "whose end is a text": {"exp": str(NOW + 60)},
    "whose end is no time": {"exp": 1e300},
    "that ends with the calendar": {"exp": 253402300799},
    "that ended before there was a calendar": {"exp": -62135596800},
    "that begins later": {"nbf": LATER},
    "that was issued later": {"iat": LATER},
    "without an id": {"jti": None},
    "whose id is empty": {"jti": ""},
    "whose id is too long": {"jti": "x" * 257},
    "whose id is no text": {"jti": 7},
    "whose id cannot be stored": {"jti": "a\0b"},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
async def test_an_assertion_does_not_count(issuer: Api, client: str, changes: dict[str, Any]) -> None:
    answer = await ask(issuer, "token", asserted(assertion("EdDSA", claims(client, **changes))))
    refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_an_assertion_counts_once_on_all_replicas(issuer: Api, client: str, shared_url: str) -> None:
    text = assertion("EdDSA", claims(client))
    async with serving(shared_url) as other:
        assert (await ask(issuer, "token", asserted(text))).status_code == 200
        for replica in (issuer, other):
            sentence = refused(await ask(replica, "token", asserted(text)), 401, "invalid_client")
            assert sentence == "The client assertion was used before."


async def test_used_assertions_are_forgotten_when_they_have_expired(issuer: Api, client: str) -> None:
    texts = [assertion("EdDSA", claims(client, jti=jti)) for jti in ("long over", "just over")]
    for text in texts:
        await ask(issuer, "token", asserted(text))
    async with issuer.runtime.pool.connection() as connection:
        for jti, ago in (("long over", "61 min"), ("just over", "59 min")):
            await connection.execute(
                "update idp_assertions set expires_at = now() - %s::interval where jti = %s", (ago, jti)
            )
        await issuer.runtime.idp.maintain()
        rows = await (await connection.execute("select jti from idp_assertions where jti ~ 'over'")).fetchall()
    assert [row["jti"] for row in rows] == ["just over"], "a replica whose clock is late still finds it used"


async def test_a_key_of_somebody_else_proves_nothing(issuer: Api, client: str) -> None:
    stranger = assertion("RS256", claims(client), key=RSAKey.generate_key(2048))
    refused(await ask(issuer, "token", asserted(stranger)), 401, "invalid_client")


async def test_neither_no_signature_nor_a_public_key_as_shared_secret_counts(issuer: Api, client: str) -> None:
    head, body, _ = assertion("EdDSA", claims(client)).split(".")
    unsigned = f"eyJhbGciOiJub25lIn0.{body}."
    shared = assertion("HS256", claims(client), key=OctKey.import_key(str(ED.as_dict(private=False)["x"])))
    for text in (unsigned, shared, f"{head}.{body}.", f"{head}.{body}.AAAA"):
        refused(await ask(issuer, "token", asserted(text)), 401, "invalid_client")


async def test_the_form_must_name_the_kind_of_assertion_and_the_same_client(issuer: Api, client: str) -> None:
    text = assertion("EdDSA", claims(client))
    refused(await ask(issuer, "token", {**GRANT, "client_assertion": text}), 400, "invalid_request")
    other = {**asserted(text), "client_assertion_type": JWT_BEARER.replace("jwt", "saml2")}
    refused(await ask(issuer, "token", other), 400, "invalid_request")
    refused(await ask(issuer, "token", {**GRANT, "client_assertion_type": JWT_BEARER}), 400, "invalid_request")
    refused(await ask(issuer, "token", asserted(text, client_id="somebody-else")), 401, "invalid_client")
    assert (await ask(issuer, "token", asserted(text, client_id=client))).status_code == 200


async def test_a_client_without_keys_cannot_assert(issuer: Api) -> None:
    refused(await ask(issuer, "token", asserted(assertion("EdDSA", claims("admin")))), 401, "invalid_client")
    refused(await ask(issuer, "token", asserted(assertion("EdDSA", claims("nobody")))), 401, "invalid_client")


async def test_a_client_with_keys_alone_has_no_secret_to_guess(issuer: Api, client: str) -> None:
    for secret in ("", "x"):
        answer = await ask(issuer, "token", {**GRANT, "client_id": client, "client_secret": secret})
        assert answer.status_code == 401


async def test_assertions_prove_callers_of_the_other_endpoints(issuer: Api, client: str) -> None:
    token = (await ask(issuer, "token", asserted(assertion("EdDSA", claims(client))))).json()["access_token"]
    form = {**asserted(assertion("EdDSA", claims(client))), "token": token}
    assert (await ask(issuer, "introspect", form)).json()["active"] is True
    form = {**asserted(assertion("EdDSA", claims(client))), "token": token}
    assert (await ask(issuer, "revoke", form)).status_code == 200
    assert (await issuer.http.get("/v3/vendors", headers=bearer(token))).status_code == 401


TEXT = st.text(max_size=30)
PART = st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=", max_size=40)
VALUE = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.lists(TEXT, max_size=2)


@pytest.mark.parametrize("kid", [[], {}, 7, None, True], ids=repr)
async def test_a_key_id_that_is_no_text_is_refused(issuer: Api, client: str, kid: Any) -> None:
    _, body, signature = assertion("EdDSA", claims(client)).split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": "EdDSA", "kid": kid}).encode()).decode().rstrip("=")
    refused(await ask(issuer, "token", asserted(f"{head}.{body}.{signature}")), 401, "invalid_client")


@settings(max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(text=TEXT | st.lists(PART, min_size=2, max_size=4).map(".".join))
async def test_no_text_is_taken_for_an_assertion(issuer: Api, text: str) -> None:
    answer = await ask(issuer, "token", asserted(text or "x"))
    refused(answer, 401, "invalid_client")


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(changes=st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat", "jti"]), VALUE, min_size=1))
async def test_no_claims_are_a_failure_of_ours(issuer: Api, client: str, changes: dict[str, Any]) -> None:
    answer = await ask(issuer, "token", asserted(assertion("EdDSA", claims(client, **changes))))
    assert answer.status_code in {200, 401}
