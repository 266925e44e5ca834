"""The whole service on Cognito, as far as moto and the stand-in are like it: the story of one vendor."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import pytest

from idp_providers.cognito.settings import CognitoSettings
from idp_providers.contract import ClientClaims
from tenant_api.connect.bootstrap import bootstrap
from tenant_api.embedded import ServerAddress
from tenant_api.worker import run_worker
from tests.api import bodies
from tests.api.service import SCOPES, Api, prepared_template, serving
from tests.database import temporary_database
from tests.engine.jobs import until
from tests.identity.clients import held

SECRET = "A_secret_that_Cognito_takes_1234"
CLIENTS = [{"id": name, "secret": SECRET, "display_name": name, "scopes": [scope]} for name, scope in SCOPES.items()]

pytestmark = pytest.mark.anyio


@pytest.fixture
def service_url(server: ServerAddress, migrated_template: str) -> Iterator[str]:
    with temporary_database(server, template=prepared_template(server, migrated_template)) as url:
        yield url


@pytest.fixture
async def api(service_url: str, pool: CognitoSettings) -> AsyncIterator[Api]:
    settings = {
        "IDP__NAME": "cognito",
        "IDENTITY__CLIENTS": json.dumps(CLIENTS),
        "WORKERS__POLL_SECONDS": "0.05",
    }
    given = pool.model_dump(mode="json", exclude_unset=True) | {"secret_access_key": "service"}
    settings |= {f"IDP__SETTINGS__{name.upper()}": str(value) for name, value in given.items()}
    async with serving(service_url, **settings) as api:
        await bootstrap(api.runtime.idp, api.runtime.settings.identity.clients)
        form = {"client_id": "admin", "client_secret": SECRET, "grant_type": "client_credentials"}
        answer = await api.http.post("/connect/token", data=form)
        assert answer.status_code == 200, answer.text
        api._tokens["admin"] = answer.json()["access_token"]
        stopping = asyncio.Event()
        worker = asyncio.create_task(run_worker(api.runtime, stopping))
        yield api
        stopping.set()
        await worker


async def test_a_vendors_life_reaches_the_user_pool(api: Api) -> None:
    store = await api.made("/v3/dataStores", bodies.data_store())
    vendor = await api.made("/v3/vendors", bodies.vendor())
    made = await api.post("/v3/applications", bodies.application(vendor, dataStoreIds=[store]))
    assert made.status_code == 201, made.text
    credential = made.json()

    async def claims() -> ClientClaims | None:
        return (await held(api.runtime.idp, credential["key"])).claims

    granted = await api.grant(credential)
    assert granted.status_code == 200, granted.text
    principal = await api.runtime.idp.verify(granted.json()["access_token"])
    assert (principal.client_id, principal.scopes) == (credential["key"], frozenset({"SISVendor"}))
    before = await claims()
    assert before is not None
    assert before.namespace_prefixes == ("uri://ed-fi.org", "uri://acme.org")
    assert before.data_store_ids == (store,)

    changed = await api.put(f"/v3/vendors/{vendor}", bodies.vendor(id=vendor, namespacePrefixes="uri://new.org"))
    assert changed.status_code == 204, changed.text

    async def shows_the_change() -> bool:
        after = await claims()
        return after is not None and after.namespace_prefixes == ("uri://new.org",)

    await until(shows_the_change, seconds=30)
    assert (await api.grant(credential)).status_code == 200
    assert (await api.delete(f"/v3/vendors/{vendor}")).status_code == 204

    async def is_gone() -> bool:
        return await api.runtime.idp.find_client(credential["key"]) is None

    await until(is_gone, seconds=30)
    assert (await api.grant(credential)).status_code == 401


async def test_presented_tokens_are_told_by_our_names(api: Api) -> None:
    introspected = await api.http.post("/connect/introspect", data={"token": api._tokens["admin"]})
    assert introspected.status_code == 200, introspected.text
    assert (introspected.json()["client_id"], introspected.json()["scope"]) == ("admin", SCOPES["admin"])
    described = (await api.http.get("/.well-known/openid-configuration")).json()
    assert described["issuer"] == api.runtime.idp.issuer
