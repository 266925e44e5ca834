"""The whole service on a real Keycloak: the story of one vendor."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from idp_providers.keycloak.settings import KeycloakSettings
from tenant_api.connect.bootstrap import bootstrap
from tenant_api.embedded import ServerAddress
from tenant_api.worker import run_worker
from tests.api import bodies
from tests.api.service import Api, prepared_template, serving
from tests.database import temporary_database
from tests.engine.jobs import until
from tests.identity.keycloak_realms import Console, service_settings
from tests.parts.keycloak import KeycloakServer

PATIENCE_SECONDS = 60.0

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]


@pytest.fixture
def service_url(server: ServerAddress, migrated_template: str) -> Iterator[str]:
    with temporary_database(server, template=prepared_template(server, migrated_template)) as url:
        yield url


@pytest.fixture
async def api(service_url: str, realm: KeycloakSettings) -> AsyncIterator[Api]:
    settings = {**service_settings(realm), "WORKERS__POLL_SECONDS": "0.05"}
    async with serving(service_url, **settings) as api:
        await bootstrap(api.runtime.idp, api.runtime.settings.identity.clients)
        stopping = asyncio.Event()
        worker = asyncio.create_task(run_worker(api.runtime, stopping))
        yield api
        stopping.set()
        await worker


async def test_a_vendors_life_is_in_keycloaks_tokens(api: Api) -> None:
    store = await api.made("/v3/dataStores", bodies.data_store())
    vendor = await api.made("/v3/vendors", bodies.vendor())
    made = await api.post("/v3/applications", bodies.application(vendor, dataStoreIds=[store]))
    assert made.status_code == 201, made.text
    credential = made.json()
    claims = await api.claims(credential)
    assert (claims["client_id"], claims["aud"]) == (credential["key"], "account")
    assert (claims["namespacePrefixes"], claims["dataStoreIds"]) == ("uri://ed-fi.org,uri://acme.org", str(store))

    changed = await api.put(f"/v3/vendors/{vendor}", bodies.vendor(id=vendor, namespacePrefixes="uri://new.org"))
    assert changed.status_code == 204, changed.text

    async def shows_the_change() -> bool:
        return bool((await api.claims(credential))["namespacePrefixes"] == "uri://new.org")

    await until(shows_the_change, seconds=PATIENCE_SECONDS)
    after = await api.claims(credential)
    passing = {"namespacePrefixes", "jti", "iat", "exp"}
    assert {k: v for k, v in after.items() if k not in passing} == {k: v for k, v in claims.items() if k not in passing}

    assert (await api.delete(f"/v3/vendors/{vendor}")).status_code == 204

    async def is_refused() -> bool:
        return (await api.grant(credential)).status_code == 401

    await until(is_refused, seconds=PATIENCE_SECONDS)


async def test_tokens_are_judged_as_the_contract_says(api: Api) -> None:
    wrong: dict[str, Any] = {"key": "reader", "secret": "not the secret"}
    unknown = {"key": "nobody", "secret": "not the secret"}
    refusals = [(await api.grant(credential)).json()["errors"] for credential in (wrong, unknown)]
    assert refusals == [
        ["unauthorized_client. Invalid client or Invalid client credentials"],
        ["invalid_client. Invalid client or Invalid client credentials"],
    ]
    assert (await api.get("/v3/vendors", caller="reader")).status_code == 200
    assert (await api.post("/v3/vendors", bodies.vendor(), caller="reader")).status_code == 403
    described = (await api.http.get("/.well-known/openid-configuration")).json()
    assert described["issuer"] == api.runtime.idp.issuer


async def test_a_client_that_lost_its_scope_by_hand_is_brought_in_line_by_its_next_token_request(
    api: Api, keycloak: KeycloakServer, realm: KeycloakSettings
) -> None:
    made = await api.post("/v3/applications", bodies.application(await api.made("/v3/vendors", bodies.vendor())))
    credential = made.json()
    with Console(keycloak, realm.realm) as console:
        client = console.client(credential["key"])
        name = next(name for name in client["defaultClientScopes"] if name != "service_account")
        scope = next(scope for scope in console.get("/client-scopes") if scope["name"] == name)
        console.delete(f"/client-scopes/{scope['id']}")
    assert (await api.grant(credential)).status_code == 502

    async def is_granted() -> bool:
        return (await api.grant(credential)).status_code == 200

    await until(is_granted, seconds=PATIENCE_SECONDS)
    assert (await api.claims(credential))["scope"] == name


async def test_what_was_changed_by_hand_is_found_and_repaired_by_a_comparison(
    api: Api, keycloak: KeycloakServer, realm: KeycloakSettings
) -> None:
    made = await api.post("/v3/applications", bodies.application(await api.made("/v3/vendors", bodies.vendor())))
    credential = made.json()
    with Console(keycloak, realm.realm) as console:
        console.change_client(credential["key"], serviceAccountsEnabled=False)
    assert (await api.grant(credential)).status_code == 401
    asked = await api.post("/v3/identity/reconcile", {"dryRun": False})

    async def is_granted() -> bool:
        return (await api.grant(credential)).status_code == 200

    await until(is_granted, seconds=PATIENCE_SECONDS)
    found = (await api.get(f"/v3/identity/reconciliations/{asked.json()['jobId']}")).json()
    assert found["drift"]["detailsDiffer"] == {"count": 1, "clientIds": [credential["key"]]}
