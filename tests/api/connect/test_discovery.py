"""Discovery and the key set speak the contract (section 1.20)."""

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from idp_providers.contract import Capabilities
from idp_providers.memory import Fault
from tenant_api.app import create_app
from tests.api.service import Api, serving, transport_to

pytestmark = pytest.mark.anyio

CONFIGURATION = "/.well-known/openid-configuration"
KEYS = "/.well-known/jwks.json"
STATUS = "/.well-known/openiddict-status"
ISSUER = {"IDP__SETTINGS__ISSUER": "https://Issuer.example/config/"}


async def test_discovery_lists_what_the_contract_lists(issuer: Api) -> None:
    answer = await issuer.http.get(CONFIGURATION)
    assert answer.status_code == 200
    assert answer.json() == {
        "issuer": "http://localhost:8081",
        "token_endpoint": "http://tenant-api.test/connect/token",
        "registration_endpoint": "http://tenant-api.test/connect/register",
        "introspection_endpoint": "http://tenant-api.test/connect/introspect",
        "revocation_endpoint": "http://tenant-api.test/connect/revoke",
        "jwks_uri": "http://tenant-api.test/.well-known/jwks.json",
        "grant_types_supported": ["client_credentials", "authorization_code", "refresh_token"],
        "response_types_supported": ["token"],
        "scopes_supported": ["openid", "profile", "email", "api", "edfi_admin_api/full_access"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "subject_types_supported": ["public"],
    }


async def test_the_addresses_of_discovery_can_be_followed(issuer: Api) -> None:
    found = (await issuer.http.get(CONFIGURATION)).json()
    assert (await issuer.http.post(found["token_endpoint"])).status_code == 400
    assert (await issuer.http.get(found["jwks_uri"])).status_code == 200
    for name in ("introspection_endpoint", "revocation_endpoint"):
        assert (await issuer.http.post(found[name], data={"token": "x"})).status_code == 200


async def test_the_status_names_the_issuer_s_addresses(shared_url: str, issuer: Api) -> None:
    status = (await issuer.http.get(STATUS)).json()
    assert status == {
        "openIddictServerEnabled": False,
        "authority": "http://localhost:8081",
        "discoveryEndpoint": "http://localhost:8081/.well-known/openid-configuration",
        "jwksEndpoint": "http://localhost:8081/.well-known/jwks.json",
        "tokenEndpoint": "http://localhost:8081/connect/token",
    }
    async with serving(shared_url, multi_tenancy=True, **ISSUER) as fleet:
        status = (await fleet.http.get(STATUS)).json()
    assert status["authority"] == "https://Issuer.example/config/"
    assert status["tokenEndpoint"] == "https://Issuer.example/config/connect/token"


async def test_the_issuer_is_the_configured_one_to_the_letter(shared_url: str) -> None:
    async with serving(shared_url, **ISSUER) as api:
        found = (await api.http.get(CONFIGURATION)).json()
    assert found["issuer"] == "https://Issuer.example/config/"
    assert found["token_endpoint"] == "http://tenant-api.test/connect/token"


@pytest.mark.parametrize("prefix", ["", "/config"])
async def test_discovery_always_shows_the_configured_path_base(shared_url: str, prefix: str) -> None:
    async with serving(shared_url, HTTP__PATH_BASE="config") as api:
        found = (await api.http.get(prefix + CONFIGURATION)).json()
        assert found["token_endpoint"] == "http://tenant-api.test/config/connect/token"
        assert (await api.http.get(found["jwks_uri"])).status_code == 200


async def test_a_public_address_replaces_scheme_and_host(shared_url: str) -> None:
    async with serving(shared_url, HTTP__PUBLIC_URL="https://api.example") as api:
        found = (await api.http.get(CONFIGURATION)).json()
    assert found["jwks_uri"] == "https://api.example/.well-known/jwks.json"


async def test_the_published_keys_verify_a_token(issuer: Api) -> None:
    answer = await issuer.http.get(KEYS)
    assert list(answer.json()) == ["keys"]
    for key in answer.json()["keys"]:
        assert set(key) == {"kty", "use", "kid", "e", "n", "alg"}
        assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")
    verified = jwt.decode(await issuer.token("admin"), KeySet.import_key_set(answer.json()), algorithms=["RS256"])
    assert verified.claims["iss"] == "http://localhost:8081"


@pytest.mark.parametrize("path", [CONFIGURATION, KEYS])
async def test_a_broken_authorization_header_does_not_matter(issuer: Api, path: str) -> None:
    assert (await issuer.http.get(path, headers={"Authorization": "Bearer nonsense"})).status_code == 200


async def test_a_fleet_is_discovered_without_a_tenant(shared_url: str) -> None:
    async with serving(shared_url, multi_tenancy=True) as fleet:
        assert (await fleet.http.get(CONFIGURATION)).status_code == 200
        assert (await fleet.http.get(KEYS)).status_code == 200


@pytest.mark.parametrize("path", [CONFIGURATION, KEYS])
async def test_a_provider_that_is_away_is_a_bad_gateway(shared_url: str, path: str) -> None:
    async with serving(shared_url, IDP__NAME="memory") as api:
        api.runtime.idp.faults.plan("keys", Fault.REFUSED)  # type: ignore[attr-defined]  # the fake's
        refused = await api.http.get(path)
        assert (refused.status_code, refused.json()["type"]) == (502, "urn:ed-fi:api:bad-gateway")
        assert (await api.http.get(path)).status_code == 200


async def test_of_another_issuer_the_status_names_what_leads_to_it(shared_url: str) -> None:
    async with serving(shared_url, IDP__NAME="memory", HTTP__PATH_BASE="config") as api:
        status = (await api.http.get(STATUS)).json()
        issuer = api.runtime.idp.issuer
    assert status["authority"] == issuer
    assert status["discoveryEndpoint"] == f"{issuer}/.well-known/openid-configuration"
    assert status["jwksEndpoint"] == "http://tenant-api.test/config/.well-known/jwks.json"
    assert status["tokenEndpoint"] == "http://tenant-api.test/config/connect/token"


@pytest.mark.parametrize("path", [CONFIGURATION, KEYS])
async def test_there_is_nothing_to_discover_of_an_external_issuer(
    issuer: Api, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer.runtime.idp, "capabilities", Capabilities(issues_tokens=False))
    app = create_app(issuer.runtime)
    async with httpx2.AsyncClient(transport=transport_to(app), base_url="http://x.test") as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:ed-fi:api:not-found")
