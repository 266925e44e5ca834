"""What clients look like in a real Keycloak, and what its tokens say about them."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from pydantic import SecretStr

from idp_providers.contract import ClientClaims, ClientSecret, ClientSpec, TokenRequest
from idp_providers.errors import (
    ClientAlteredError,
    ClientNotFoundError,
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
from idp_providers.testing import make_managed_spec, make_secret, make_spec, payload_of
from tenant_api.connect.bootstrap import bootstrap
from tenant_api.identity.agreement import Drift, drift_of
from tenant_api.kernel.keys import KeyRing
from tenant_api.settings.tree import BootstrapClient
from tests.identity.clients import claims_of, held
from tests.identity.host import LocalHost, host_on
from tests.identity.keycloak_realms import Console, new_realm, provider_on
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


@pytest.fixture
def console(keycloak: KeycloakServer, realm: KeycloakSettings) -> Iterator[Console]:
    with Console(keycloak, realm.realm) as console:
        yield console


async def from_keycloak(realm: KeycloakSettings, client_id: str, secret: str) -> dict[str, Any]:
    """What a token says that a client fetches itself, past us."""
    login = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    async with httpx2.AsyncClient(timeout=30) as http:
        place = f"{realm.server}realms/{realm.realm}/protocol/openid-connect/token"
        answer = await http.post(place, data=login)
        return payload_of(answer.raise_for_status().json()["access_token"])


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


def with_claim_set(name: str) -> ClientSpec:
    client_id = str(uuid4())
    return replace(make_managed_spec(), client_id=client_id, claims=ClientClaims(scopes=(name,)), scopes=(name,))


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


async def test_what_was_switched_off_by_hand_shows_and_is_mended_by_an_update(
    provider: KeycloakProvider, console: Console
) -> None:
    spec = make_managed_spec()
    await provider.create_client(spec, make_secret())
    console.change_client(spec.client_id, enabled=False)
    found = await held(provider, spec.client_id)
    assert (found.enabled, found.claims is not None and found.claims.approved) == (False, True)
    await provider.update_client(spec)
    assert (await held(provider, spec.client_id)).enabled


async def test_a_scope_lost_by_hand_is_an_error_and_is_mended_by_an_update(
    provider: KeycloakProvider, console: Console
) -> None:
    spec, secret = make_managed_spec(), make_secret()
    await provider.create_client(spec, secret)
    request = TokenRequest(client_id=spec.client_id, client_secret=secret.value)
    scope = next(scope["id"] for scope in console.get("/client-scopes") if scope["name"] == "SISVendor")
    console.delete(f"/clients/{console.client(spec.client_id)['id']}/default-client-scopes/{scope}")
    assert (await held(provider, spec.client_id)).scopes == ()
    with pytest.raises(ClientAlteredError, match="lost a scope"):
        await provider.token(request)
    await provider.update_client(spec)
    assert (await provider.token(request)).scopes == ("SISVendor",)


async def test_a_client_scope_that_was_deleted_by_hand_is_made_again_as_soon_as_that_is_known(
    provider: KeycloakProvider, console: Console
) -> None:
    name, secret = f"Set-{uuid4().hex}", make_secret()
    old, unlucky, next_one = with_claim_set(name), with_claim_set(name), with_claim_set(name)
    await provider.create_client(old, make_secret())
    console.delete(f"/client-scopes/{scope_of(console, name)['id']}")
    await provider.create_client(unlucky, secret)
    request = TokenRequest(client_id=unlucky.client_id, client_secret=secret.value)
    with pytest.raises(ClientAlteredError):
        await provider.token(request)
    for spec in (unlucky, old):
        await provider.update_client(spec)
    assert (await provider.token(request)).scopes == (name,)
    await provider.create_client(next_one, secret)
    for spec in (old, next_one):
        assert (await held(provider, spec.client_id)).scopes == (name,)


async def test_an_update_finds_by_itself_that_a_client_scope_vanished(
    provider: KeycloakProvider, console: Console
) -> None:
    name = f"Set-{uuid4().hex}"
    spec = with_claim_set(name)
    await provider.create_client(spec, make_secret())
    console.delete(f"/client-scopes/{scope_of(console, name)['id']}")
    await provider.update_client(spec)
    assert (await held(provider, spec.client_id)).scopes == (name,)
    console.delete(f"/clients/{console.client(spec.client_id)['id']}")
    with pytest.raises(ClientNotFoundError):
        await provider.update_client(spec)


async def test_a_vanished_client_scope_that_another_application_made_again_is_not_lent(
    provider: KeycloakProvider, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"Set-{uuid4().hex}"
    await provider.create_client(with_claim_set(name), make_secret())
    console.delete(f"/client-scopes/{scope_of(console, name)['id']}")
    shown = {"include.in.token.scope": "true"}
    console.post("/client-scopes", {"name": name, "protocol": "openid-connect", "attributes": shown})
    monkeypatch.setattr(scopes, "MEMORY_SECONDS", 0.0)
    for _ in range(2):
        refused = with_claim_set(name)
        with pytest.raises(IdpRejectedError, match="did not make"):
            await provider.create_client(refused, make_secret())
        assert await provider.find_client(refused.client_id) is None


async def test_a_client_scope_of_ours_that_says_more_than_its_name_is_told_by_maintenance(
    provider: KeycloakProvider, console: Console, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"Set-{uuid4().hex}"
    await provider.create_client(with_claim_set(name), make_secret())
    role = {"name": "By hand", "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-role-mapper"}
    place = f"/client-scopes/{scope_of(console, name)['id']}/protocol-mappers/models"
    console.post(place, {**role, "config": {"role": "cms-client"}})
    await provider.maintain()
    told = [record for record in caplog.records if record.getMessage() == "idp.keycloak.scope_altered"]
    assert [vars(record)["scope"] for record in told] == [name]


def scope_of(console: Console, name: str) -> dict[str, Any]:
    [found] = [scope for scope in console.get("/client-scopes") if scope["name"] == name]
    return dict(found)


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


async def test_a_client_that_was_deleted_by_hand_is_not_found(provider: KeycloakProvider, console: Console) -> None:
    spec = make_managed_spec()
    await provider.create_client(spec, make_secret())
    console.delete(f"/clients/{console.client(spec.client_id)['id']}")
    assert await provider.find_client(spec.client_id) is None
    with pytest.raises(ClientNotFoundError):
        await provider.update_client(spec)


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


Stored = dict[str, Any]


def but(**changes: Any) -> Callable[[Stored], Stored]:
    return lambda _: changes


def attribute(name: str, value: str) -> Callable[[Stored], Stored]:
    return lambda stored: {"attributes": {**stored["attributes"], name: value}}


def lacking(mapper: str) -> Callable[[Stored], Stored]:
    return lambda stored: {"protocolMappers": [m for m in stored["protocolMappers"] if m["name"] != mapper]}


def mapping(mapper: str, **config: str) -> Callable[[Stored], Stored]:
    """A mapper that says something else."""

    def changed(stored: Stored) -> Stored:
        others = lacking(mapper)(stored)["protocolMappers"]
        [this] = [m for m in stored["protocolMappers"] if m["name"] == mapper]
        return {"protocolMappers": [*others, {**this, "config": {**this["config"], **config}}]}

    return changed


def with_mapper(kind: str, **config: str) -> Callable[[Stored], Stored]:
    more = {"name": "By hand", "protocol": "openid-connect", "protocolMapper": kind, "config": config}
    return lambda stored: {"protocolMappers": [*stored["protocolMappers"], more]}


BY_HAND: dict[str, Callable[[Stored], Stored]] = {
    "no service account": but(serviceAccountsEnabled=False),
    "another authenticator": but(clientAuthenticatorType="client-jwt"),
    "logins of people, back to anywhere": but(
        standardFlowEnabled=True, directAccessGrantsEnabled=True, redirectUris=["*"]
    ),
    "implicit logins, from any site": but(implicitFlowEnabled=True, redirectUris=["*"], webOrigins=["*"]),
    "its own authorization services": but(authorizationServicesEnabled=True),
    "all that its account may": but(fullScopeAllowed=True),
    "no audience": lacking("Audience"),
    "no role claim": lacking("Configuration service role mapper"),
    "no subject": lacking("Subject"),
    "no permission": lacking("Permission"),
    "another audience besides": with_mapper("oidc-audience-mapper", **{"included.custom.audience": "x"}),
    "another role besides": with_mapper("oidc-hardcoded-role-mapper", role="cms-client"),
    "another claim besides": with_mapper(
        "oidc-hardcoded-claim-mapper",
        **{
            "claim.name": "educationOrganizationIds",
            "claim.value": "999",
            "jsonType.label": "String",
            "access.token.claim": "true",
        },
    ),
    "prefixes not in access tokens": mapping("Namespace Prefixes", **{"access.token.claim": "false"}),
    "the id of another": mapping("Client ID", **{"claim.value": "reader"}),
    "tokens that live long": attribute("access.token.lifespan", "36000"),
    "tokens signed otherwise": attribute("access.token.signed.response.alg", "RS512"),
    "tokens without claims": attribute("client.use.lightweight.access.token.enabled", "true"),
    "tokens by device": attribute("oauth2.device.authorization.grant.enabled", "true"),
    "tokens by exchange": attribute("standard.token.exchange.enabled", "true"),
    "another name": but(name="Another"),
}
"""What a person may change in the console, beyond what the contract's state tells."""


@pytest.mark.parametrize("change", BY_HAND.values(), ids=BY_HAND.keys())
async def test_what_matters_for_tokens_and_was_changed_by_hand_shows_and_is_mended_by_an_update(
    provider: KeycloakProvider, realm: KeycloakSettings, console: Console, change: Callable[[Stored], Stored]
) -> None:
    spec, secret = replace(make_managed_spec(), client_id=str(uuid4())), make_secret()
    await provider.create_client(spec, secret)
    before, made = await from_keycloak(realm, spec.client_id, secret.value), console.client(spec.client_id)
    assert not drift_of(await held(provider, spec.client_id), spec, live_claims=False)
    console.put(f"/clients/{made['id']}", {**made, **change(made)})
    assert Drift.DETAILS_DIFFER in drift_of(await held(provider, spec.client_id), spec, live_claims=False)
    await provider.update_client(spec)
    assert not drift_of(await held(provider, spec.client_id), spec, live_claims=False)
    assert comparable(console.client(spec.client_id)) == comparable(made)
    after = await from_keycloak(realm, spec.client_id, secret.value)
    passing = {"jti", "iat", "exp", "sub", "clientHost", "clientAddress"}
    assert {k: v for k, v in after.items() if k not in passing} == {k: v for k, v in before.items() if k not in passing}
    assert after["exp"] - after["iat"] == realm.token_lifetime_seconds


def comparable(stored: Stored) -> Stored:
    """A client in Keycloak without what changes by itself: ids of mappers, and switches that were always off."""
    told = {mapper["name"]: (mapper["protocolMapper"], on(mapper["config"])) for mapper in stored["protocolMappers"]}
    return {**stored, "protocolMappers": told, "attributes": on(stored["attributes"])}


def on(switches: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in switches.items() if value != "false"}


async def test_a_client_that_was_made_public_has_lost_its_secret_and_counts_as_missing_until_it_is_repaired(
    provider: KeycloakProvider, realm: KeycloakSettings, console: Console, caplog: pytest.LogCaptureFixture
) -> None:
    spec, secret, another = replace(make_managed_spec(), client_id=str(uuid4())), make_secret(), make_secret()
    await provider.create_client(spec, secret)
    console.change_client(spec.client_id, publicClient=True)
    found = drift_of(await held(provider, spec.client_id), spec, live_claims=False)
    assert found == {Drift.MISSING, Drift.DETAILS_DIFFER}
    await provider.update_client(spec)
    assert "idp.keycloak.secret_lost" in caplog.text
    assert not drift_of(await held(provider, spec.client_id), spec, live_claims=False)
    await provider.replace_secret(spec.client_id, another)
    assert (await from_keycloak(realm, spec.client_id, another.value))["scope"] == "SISVendor"


async def test_what_keycloak_and_its_console_add_by_themselves_is_no_drift(
    provider: KeycloakProvider, console: Console
) -> None:
    spec = replace(make_managed_spec(), client_id=str(uuid4()))
    await provider.create_client(spec, make_secret())
    harmless = {
        "display.on.consent.screen": "false",
        "oauth2.device.authorization.grant.enabled": "false",
        "client.secret.creation.time": "1767225600",
        "backchannel.logout.session.required": "true",
    }
    stored = console.client(spec.client_id)
    console.put(f"/clients/{stored['id']}", {**stored, "attributes": {**stored["attributes"], **harmless}})
    assert not drift_of(await held(provider, spec.client_id), spec, live_claims=False)
