"""Discovery, word for word, and addresses below a path base (contract sections 1.1, 1.6 and 1.20)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api import bodies
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

CONFIGURATION, KEYS, STATUS = (
    f"/.well-known/{name}" for name in ("openid-configuration", "jwks.json", "openiddict-status")
)
ISSUER = "https://issuer.example/Config"


@pytest.fixture
async def based(service_url: str) -> AsyncIterator[Api]:
    """A service below a path base, whose issuer is somewhere else."""
    async with serving(service_url, HTTP__PATH_BASE="config", IDP__SETTINGS__ISSUER=ISSUER) as api:
        yield api


@pytest.mark.parametrize("prefix", ["", "/config", "/CONFIG"])
async def test_the_configuration_always_has_the_configured_path_base(based: Api, prefix: str) -> None:
    answer = await based.http.get(f"{prefix}{CONFIGURATION}", headers={"Host": "reached.example:99"})
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == {
        "issuer": "https://issuer.example/Config",
        "token_endpoint": "http://reached.example:99/config/connect/token",
        "registration_endpoint": "http://reached.example:99/config/connect/register",
        "introspection_endpoint": "http://reached.example:99/config/connect/introspect",
        "revocation_endpoint": "http://reached.example:99/config/connect/revoke",
        "jwks_uri": "http://reached.example:99/config/.well-known/jwks.json",
        "grant_types_supported": ["client_credentials", "authorization_code", "refresh_token"],
        "response_types_supported": ["token"],
        "scopes_supported": ["openid", "profile", "email", "api", "edfi_admin_api/full_access"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "subject_types_supported": ["public"],
    }


async def test_only_client_credentials_are_granted(shared: Api) -> None:
    for grant_type in ("authorization_code", "refresh_token"):
        form = {"client_id": "admin", "client_secret": "x", "grant_type": grant_type}
        answer = await shared.http.post("/connect/token", data=form)
        assert (answer.status_code, answer.json()["detail"]) == (400, "The specified grant type is not supported.")


@pytest.mark.parametrize("prefix", ["", "/config"])
async def test_the_key_set(based: Api, prefix: str) -> None:
    found = (await based.http.get(f"{prefix}{KEYS}")).json()
    assert list(found) == ["keys"]
    for key in found["keys"]:
        assert set(key) == {"kty", "use", "kid", "e", "n", "alg"}
        assert (key["kty"], key["use"], key["e"], key["alg"]) == ("RSA", "sig", "AQAB", "RS256")


@pytest.mark.parametrize("prefix", ["", "/config"])
async def test_the_status(based: Api, prefix: str) -> None:
    assert list((await based.http.get(f"{prefix}{STATUS}")).json().items()) == [
        ("openIddictServerEnabled", False),
        ("authority", "https://issuer.example/Config"),
        ("discoveryEndpoint", "https://issuer.example/Config/.well-known/openid-configuration"),
        ("jwksEndpoint", "https://issuer.example/Config/.well-known/jwks.json"),
        ("tokenEndpoint", "https://issuer.example/Config/connect/token"),
    ]


async def test_locations_have_the_path_base_only_if_the_request_used_it(based: Api) -> None:
    for prefix in ("", "/config"):
        at = f"http://tenant-api.test{prefix}/v3"
        store = await based.made(f"{prefix}/v3/dataStores", bodies.data_store())
        name = bodies.unique("Set")
        for path, body in [
            ("dataStores", bodies.data_store()),
            ("dataStoreContexts", bodies.context(store)),
            ("dataStoreDerivatives", bodies.derivative(store)),
            ("profiles", bodies.profile()),
            ("claimSets", {"claimSetName": name}),
        ]:
            answer = await based.post(f"{prefix}/v3/{path}/", body)
            location = answer.headers["location"]
            assert location == f"{at}/{path}/{location.rpartition('/')[2]}"
            assert (await based.get(location)).status_code == 200
        others: list[tuple[str, dict[str, Any]]] = [
            ("copy", {"originalId": 1, "claimSetName": f"{name}x"}),
            ("import", {"claimSetName": name, "resourceClaims": []}),
        ]
        for path, body in others:
            location = (await based.post(f"{prefix}/V3/CLAIMSETS/{path}", body)).headers["location"]
            assert location == f"{at}/claimSets/{location.rpartition('/')[2]}"
            assert (await based.get(location)).status_code == 200
