"""What clients look like in a real Keycloak, and what its tokens say about them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from idp_providers.contract import ClientClaims, ClientSecret, ClientSpec, TokenRequest
from idp_providers.errors import (
    IdpDeniedError,
    IdpError,
    IdpRejectedError,
    InvalidClientError,
    InvalidTokenError,
)
from idp_providers.keycloak import scopes
from idp_providers.keycloak.provider import KeycloakProvider
from idp_providers.keycloak.representation import MARKER
from idp_providers.keycloak.settings import ADMIN_SCOPES, KeycloakSettings
from idp_providers.suite.fault_proxy import Fault, FaultProxy
from idp_providers.testing import make_managed_spec, make_secret, make_spec
from tenant_api.connect.bootstrap import bootstrap
from tenant_api.kernel.keys import KeyRing
from tenant_api.settings.tree import BootstrapClient
from tests.identity.clients import claims_of, held, with_claim_set
from tests.identity.host import LocalHost, host_on
from tests.identity.keycloak_realms import Console, from_keycloak, new_realm, provider_on
from tests.parts.keycloak import KeycloakServer

ROLES = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
CHANGED = ClientClaims(
    scopes=("SISVendor",), namespace_prefixes=("uri://new.org",), education_organization_ids=(1,), display_name="New"
)

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]


@pytest.fixture
async def provider(realm: KeycloakSettings, host: LocalHost) -> AsyncIterator[KeycloakProvider]:
    async with provider_on(realm, host) as provider:
        yield provider


async def test_a_token_says_what_the_contract_says(provider: KeycloakProvider, realm: KeycloakSettings) -> None:
    spec, secret = make_managed_spec(), make_secret()
    await provider.create_client(spec, secret)
    claims = await from_keycloak(realm, spec.client_id, secret.value)
    expected = {
        "iss": provider.issuer,
        "aud": "account",
        "typ": "Bearer",
        "azp": spec.client_id,
        "client_id": spec.client_id,
        "client_name": "Application",
        "scope": "SISVendor",
        "permission": "SISVendor",
        "namespacePrefixes": "uri://ed-fi.org,uri://acme.org",
        "educationOrganizationIds": "255901,19255901",
        "dataStoreIds": "1,2",
        ROLES: ["dms-client"],
    }
    assert {name: claims.get(name) for name in expected} == expected
    assert claims["exp"] - claims["iat"] == realm.token_lifetime_seconds
    assert claims["jti"]
    assert claims["sub"]


async def test_empty_lists_are_empty_text_and_data_stores_are_left_out(
    provider: KeycloakProvider, realm: KeycloakSettings
) -> None:
    spec, secret = make_managed_spec(), make_secret()
    await provider.create_client(replace(spec, claims=ClientClaims(scopes=("SISVendor",))), secret)
    claims = await from_keycloak(realm, spec.client_id, secret.value)
    assert (claims["namespacePrefixes"], claims["educationOrganizationIds"]) == ("", "")
    assert "dataStoreIds" not in claims


@pytest.mark.parametrize(
    "spec",
    [
        make_managed_spec(),
        replace(make_managed_spec(), claims=CHANGED, scopes=CHANGED.scopes),
        replace(make_managed_spec(), claims=ClientClaims(scopes=("SISVendor",), approved=False)),
        replace(make_managed_spec(), enabled=False),
        replace(make_managed_spec(), enabled=False, claims=ClientClaims(scopes=("SISVendor",), approved=False)),
        make_spec(display_name="x" * 300),
        make_spec(scopes=("readonly", "full")),
        make_spec(scopes=(), role="other"),
    ],
    ids=["full", "changed", "unapproved", "disabled", "both", "long name", "several scopes", "no scope"],
)
async def test_a_client_reads_back_as_it_was_wanted(provider: KeycloakProvider, spec: ClientSpec) -> None:
    await provider.create_client(replace(spec, client_id=str(uuid4())), make_secret())
    spec = replace(spec, client_id=str(uuid4()))
    await provider.create_client(make_managed_spec_with_id(spec.client_id), make_secret())
    await provider.update_client(spec)
    found = await held(provider, spec.client_id)
    assert (found.display_name, found.role, found.scopes) == (spec.display_name, spec.role, spec.scopes)
    assert (found.enabled, found.owned, found.claims) == (spec.enabled, True, spec.claims)
    assert not found.altered


def make_managed_spec_with_id(client_id: str) -> ClientSpec:
    return replace(make_managed_spec(), client_id=client_id)


async def test_a_vendors_change_keeps_client_account_secret_and_every_other_claim(
    provider: KeycloakProvider, realm: KeycloakSettings, console: Console
) -> None:
    spec, secret = make_managed_spec(), make_secret()
    await provider.create_client(spec, secret)
    before, stored = await from_keycloak(realm, spec.client_id, secret.value), console.client(spec.client_id)
    changed = replace(spec, claims=replace(claims_of(spec), namespace_prefixes=("uri://new.org",)))
    await provider.update_client(changed)
    after = await from_keycloak(realm, spec.client_id, secret.value)
    assert console.client(spec.client_id)["id"] == stored["id"]
    assert after["namespacePrefixes"] == "uri://new.org"
    passing = {"namespacePrefixes", "jti", "iat", "exp"}
    assert {k: v for k, v in after.items() if k not in passing} == {k: v for k, v in before.items() if k not in passing}


async def test_another_claim_set_takes_the_place_of_the_old_one(
    provider: KeycloakProvider, realm: KeycloakSettings, console: Console
) -> None:
    spec, secret = make_managed_spec(), make_secret()
    await provider.create_client(spec, secret)
    await provider.update_client(
        replace(spec, claims=replace(claims_of(spec), scopes=("Other-Set",)), scopes=("Other-Set",))
    )
    assert (await from_keycloak(realm, spec.client_id, secret.value))["scope"] == "Other-Set"
    assert set(console.client(spec.client_id)["defaultClientScopes"]) == {"service_account", "Other-Set"}


async def test_a_create_is_one_request_and_two_for_a_claim_set_that_is_new_or_was_not_seen_of_late(
    realm: KeycloakSettings, host: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        FaultProxy(realm.server_url) as proxy,
        provider_on(realm.model_copy(update={"server_url": proxy.url}), host) as provider,
    ):
        claim_set = f"Set-{uuid4().hex}"
        for expected, memory in (
            (["POST /client-scopes", "POST /clients"], 300.0),
            (["POST /clients"], 300.0),
            (["GET /client-scopes", "POST /clients"], 0.0),
        ):
            monkeypatch.setattr(scopes, "MEMORY_SECONDS", memory)
            before = len(proxy.requests)
            await provider.create_client(with_claim_set(claim_set), make_secret())
            made = [
                f"{request.method} {request.target.partition(realm.realm)[2]}" for request in proxy.requests[before:]
            ]
            assert made == expected


async def test_the_role_needs_no_assignment(
    provider: KeycloakProvider, realm: KeycloakSettings, console: Console
) -> None:
    spec, secret = replace(make_managed_spec(), role="a-role-that-the-realm-does-not-know"), make_secret()
    await provider.create_client(spec, secret)
    assert (await from_keycloak(realm, spec.client_id, secret.value))[ROLES] == [spec.role]


async def test_a_copied_marker_proves_nothing(provider: KeycloakProvider, console: Console) -> None:
    ours, theirs = make_managed_spec(), str(uuid4())
    await provider.create_client(ours, make_secret())
    marker = console.client(ours.client_id)["attributes"][MARKER]
    console.post("/clients", {"clientId": theirs, "serviceAccountsEnabled": True, "attributes": {MARKER: marker}})
    assert not (await held(provider, theirs)).owned
    console.change_client(ours.client_id, attributes={MARKER: marker[:-2]})
    assert not (await held(provider, ours.client_id)).owned


async def test_another_installation_with_the_same_keys_touches_nothing_of_ours(
    provider: KeycloakProvider, realm: KeycloakSettings, shared_database_url: str
) -> None:
    spec = make_managed_spec()
    await provider.create_client(spec, make_secret())
    async with host_on(shared_database_url) as other:
        other.installation = "another"
        async with provider_on(realm, other) as theirs:
            assert not (await held(theirs, spec.client_id)).owned
            with pytest.raises(IdpRejectedError, match="not made by this installation"):
                await theirs.delete_clients([spec.client_id])
    assert (await held(provider, spec.client_id)).owned


async def test_an_old_key_may_go_once_maintenance_and_an_update_have_signed_anew(
    keycloak: KeycloakServer, host: LocalHost
) -> None:
    claim_set = f"Set-{uuid4().hex}"
    spec = replace(make_managed_spec(), claims=ClientClaims(scopes=(claim_set,)), scopes=(claim_set,))
    async with new_realm(keycloak) as realm, provider_on(realm, host) as provider:
        await provider.create_client(spec, make_secret())
        host.rotate_pepper()
        await provider.maintain()
        await provider.update_client(spec)
        host.pepper = KeyRing(host.pepper.keys[:1])
        async with provider_on(realm, host) as later:
            found = await held(later, spec.client_id)
            assert (found.owned, found.stale) == (True, False)
            another, secret = replace(spec, client_id=str(uuid4())), make_secret()
            await later.create_client(another, secret)
            granted = await later.token(TokenRequest(client_id=another.client_id, client_secret=secret.value))
            assert granted.scopes == (claim_set,)


async def test_one_foreign_client_saves_all_of_a_deletion(provider: KeycloakProvider, console: Console) -> None:
    ours, theirs = make_managed_spec(), str(uuid4())
    await provider.create_client(ours, make_secret())
    console.post("/clients", {"clientId": theirs})
    with pytest.raises(IdpRejectedError, match="not made by this installation"):
        await provider.delete_clients([ours.client_id, theirs])
    assert await provider.find_client(ours.client_id)


async def test_a_scope_of_another_application_cannot_be_named_as_a_claim_set(
    provider: KeycloakProvider, console: Console
) -> None:
    name = f"payroll-{uuid4().hex}"
    shown = {"include.in.token.scope": "true"}
    console.post("/client-scopes", {"name": name, "protocol": "openid-connect", "attributes": shown})
    spec = replace(make_managed_spec(), claims=ClientClaims(scopes=(name,)), scopes=(name,))
    with pytest.raises(IdpRejectedError, match="did not make"):
        await provider.create_client(spec, make_secret())
    assert await provider.find_client(spec.client_id) is None


@pytest.mark.parametrize("built_in", ["roles", "email", "offline_access"])
async def test_built_in_scopes_are_no_claim_sets(provider: KeycloakProvider, built_in: str) -> None:
    spec = replace(make_managed_spec(), claims=ClientClaims(scopes=(built_in,)), scopes=(built_in,))
    with pytest.raises(IdpRejectedError):
        await provider.create_client(spec, make_secret())


@pytest.mark.parametrize(
    ("changes", "secret"),
    [
        ({"client_id": "x" * 240}, "ok"),
        ({"client_id": "nul\0"}, "ok"),
        ({"display_name": "\ud800"}, "ok"),
        ({"scopes": ("Ed-Fi Sandbox",)}, "ok"),
        ({"scopes": ("x" * 256,)}, "ok"),
        ({}, "x" * 256),
        ({}, ""),
    ],
    ids=["long id", "nul in id", "surrogate in name", "blank in scope", "long scope", "long secret", "no secret"],
)
async def test_what_keycloak_cannot_hold_is_rejected(
    provider: KeycloakProvider, changes: dict[str, Any], secret: str
) -> None:
    spec = make_spec(**changes)
    with pytest.raises(IdpRejectedError):
        await provider.create_client(spec, ClientSecret(value=secret))
    assert await provider.find_client(spec.client_id) is None


@pytest.mark.parametrize("client_id", ["with blank", "sl/ash", "pct%20", "a&b=c", "ünï", "<x>", 'q"', "x" * 200])
async def test_odd_ids_are_only_ids(provider: KeycloakProvider, client_id: str) -> None:
    spec, secret = make_spec(client_id=f"{client_id}{uuid4().hex[:8]}"), make_secret()
    await provider.create_client(spec, secret)
    assert (await held(provider, spec.client_id)).client_id == spec.client_id
    assert await provider.token(TokenRequest(client_id=spec.client_id, client_secret=secret.value))
    await provider.delete_clients([spec.client_id])
    assert await provider.find_client(spec.client_id) is None


@pytest.mark.parametrize(
    ("fault", "error"),
    [(Fault.UNAUTHORIZED, InvalidClientError), (Fault.FORBIDDEN, IdpDeniedError)],
    ids=["401", "403"],
)
async def test_a_refusal_that_names_no_error_is_told_by_its_status(
    realm: KeycloakSettings, host: LocalHost, fault: Fault, error: type[IdpError]
) -> None:
    async with (
        FaultProxy(realm.server_url) as proxy,
        provider_on(realm.model_copy(update={"server_url": proxy.url}), host) as provider,
    ):
        proxy.plan(fault)
        with pytest.raises(error):
            await provider.token(TokenRequest(client_id="a", client_secret="b"))


async def test_the_services_own_clients_are_made_at_every_start(provider: KeycloakProvider) -> None:
    clients = tuple(
        BootstrapClient(
            id=name,
            secret=SecretStr("ValidClientSecret1234567890!Abcd"),
            display_name=name,
            scopes=(scope,),
            role="cms-client",
        )
        for name, scope in zip(("Service", "ReadOnly", "Metadata"), ADMIN_SCOPES, strict=True)
    )
    for _ in range(2):
        await bootstrap(provider, clients)
    for client in clients:
        secret = client.secret.get_secret_value()
        granted = await provider.token(TokenRequest(client_id=client.id, client_secret=secret))
        principal = await provider.verify(granted.access_token)
        assert principal.scopes == set(client.scopes)
        assert principal.roles == {"cms-client"}


async def test_a_token_revoked_on_one_replica_is_refused_on_another(
    provider: KeycloakProvider, realm: KeycloakSettings, host: LocalHost
) -> None:
    spec, secret = make_spec(), make_secret()
    await provider.create_client(spec, secret)
    granted = await provider.token(TokenRequest(client_id=spec.client_id, client_secret=secret.value))
    async with provider_on(realm, host) as replica:
        assert await replica.verify(granted.access_token)
        await provider.revoke(granted.access_token)
        with pytest.raises(InvalidTokenError, match="revoked"):
            await replica.verify(granted.access_token)


@pytest.mark.parametrize("changes", [{"audience": "others"}, {"issuer": "http://elsewhere"}], ids=["aud", "iss"])
async def test_tokens_for_others_are_refused(
    provider: KeycloakProvider, realm: KeycloakSettings, host: LocalHost, changes: dict[str, Any]
) -> None:
    spec, secret = make_spec(), make_secret()
    await provider.create_client(spec, secret)
    granted = await provider.token(TokenRequest(client_id=spec.client_id, client_secret=secret.value))
    elsewhere = KeycloakProvider(realm.model_copy(update=changes), host)
    with pytest.raises(InvalidTokenError):
        await elsewhere.verify(granted.access_token)
    await elsewhere.close()


async def test_an_expired_token_is_refused(provider: KeycloakProvider, host: LocalHost) -> None:
    spec, secret = make_spec(), make_secret()
    await provider.create_client(spec, secret)
    granted = await provider.token(TokenRequest(client_id=spec.client_id, client_secret=secret.value))
    host.shift += provider._settings.judgement.clock_skew + provider._settings.judgement.token_lifetime
    with pytest.raises(InvalidTokenError):
        await provider.verify(granted.access_token)
