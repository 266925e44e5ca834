"""What was changed by hand in a real Keycloak: seen where it matters for tokens, and mended."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from idp_providers.contract import TokenRequest
from idp_providers.errors import ClientAlteredError, ClientNotFoundError, IdpRejectedError
from idp_providers.keycloak import scopes
from idp_providers.keycloak.provider import KeycloakProvider
from idp_providers.keycloak.settings import KeycloakSettings
from idp_providers.testing import make_managed_spec, make_secret
from tenant_api.identity.agreement import Drift, drift_of
from tests.identity.clients import held, with_claim_set
from tests.identity.host import LocalHost
from tests.identity.keycloak_realms import Console, from_keycloak, provider_on

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]


@pytest.fixture
async def provider(realm: KeycloakSettings, host: LocalHost) -> AsyncIterator[KeycloakProvider]:
    async with provider_on(realm, host) as provider:
        yield provider


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


async def test_a_client_that_was_deleted_by_hand_is_not_found(provider: KeycloakProvider, console: Console) -> None:
    spec = make_managed_spec()
    await provider.create_client(spec, make_secret())
    console.delete(f"/clients/{console.client(spec.client_id)['id']}")
    assert await provider.find_client(spec.client_id) is None
    with pytest.raises(ClientNotFoundError):
        await provider.update_client(spec)


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
    """Without what changes by itself: ids of mappers, the order of scopes, and switches that were always off."""
    told = {mapper["name"]: (mapper["protocolMapper"], on(mapper["config"])) for mapper in stored["protocolMappers"]}
    scopes = {name: sorted(stored[name]) for name in ("defaultClientScopes", "optionalClientScopes")}
    return {**stored, **scopes, "protocolMappers": told, "attributes": on(stored["attributes"])}


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
