"""The server describes itself (RFC 8414)."""

import pytest

from tests.api.oauth2.clients import ISSUER
from tests.api.service import SCOPES, Api, serving

pytestmark = pytest.mark.anyio

PLACE = "/.well-known/oauth-authorization-server"


async def test_it_names_what_is_there(issuer: Api) -> None:
    answer = await issuer.http.get(PLACE)
    found = answer.json()
    assert answer.status_code == 200
    assert found["issuer"] == ISSUER
    assert found["grant_types_supported"] == ["client_credentials"]
    assert found["scopes_supported"] == list(SCOPES.values())
    assert found["token_endpoint_auth_methods_supported"] == [
        "client_secret_basic", "client_secret_post", "private_key_jwt"
    ]  # fmt: skip
    assert found["token_endpoint_auth_signing_alg_values_supported"] == [
        "RS256", "PS256", "ES256", "EdDSA", "Ed25519"
    ]  # fmt: skip
    assert all(value for value in found.values()), "members without a value are left out (section 3.2)"
    for name in ("token_endpoint", "introspection_endpoint", "revocation_endpoint", "registration_endpoint"):
        assert (await issuer.http.post(found[name])).status_code in {400, 401}, name
    assert (await issuer.http.get(found["jwks_uri"])).json()["keys"]


async def test_it_is_there_at_the_root_and_below_the_path_base(shared_url: str) -> None:
    async with serving(shared_url, multi_tenancy=True, HTTP__PATH_BASE="/config") as fleet:
        for place in (PLACE, f"/config{PLACE}", f"{PLACE}/"):
            answer = await fleet.http.get(place)
            assert answer.json()["token_endpoint"] == "http://tenant-api.test/config/oauth2/token"


async def test_the_path_of_the_issuer_follows_the_well_known_one(shared_url: str) -> None:
    async with serving(shared_url, IDP__SETTINGS__ISSUER="https://example.org/config") as api:
        assert (await api.http.get(f"{PLACE}/config")).json()["issuer"] == "https://example.org/config"
        assert (await api.http.get(f"{PLACE}/other")).status_code == 404


async def test_a_provider_that_is_no_authorization_server_has_no_such_routes(shared_url: str) -> None:
    async with serving(shared_url, IDP__NAME="memory") as api:
        assert (await api.http.post("/oauth2/token")).status_code == 404
        assert (await api.http.get(PLACE)).status_code == 404
