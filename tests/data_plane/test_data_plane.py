"""A data plane works with this service as the contract says (section 6)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from idp_providers.keycloak.settings import KeycloakSettings
from tenant_api.connect.bootstrap import bootstrap
from tests.api import bodies
from tests.api.service import SECRET, Api, environment, serving
from tests.data_plane.data_plane import Caller, CallFailedError, DataPlane, NoRouteError
from tests.identity.keycloak_realms import service_settings
from tests.identity.outside.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

HOST = "http://tenant-api.test"
BASES = ["", "/config", "/config/"]
FLEET: list[str | None] = ["North", "South", "West"]
KEY = environment("")["TENANT_API_KEYS__CONNECTION_STRINGS"]


@dataclass(frozen=True)
class Town:
    """What an operator made for one tenant, or for the only one."""

    tenant: str | None
    stores: dict[str, int]
    profile: int
    definition: str
    application: int
    credential: dict[str, Any]


@asynccontextmanager
async def connected(
    url: str, base: str, realm: KeycloakSettings | None = None, *, multi_tenancy: bool = False, **settings: str
) -> AsyncIterator[tuple[Api, DataPlane]]:
    """A service below a path base, and a data plane that has its token. Without a realm the issuer is that address."""
    issuer = realm.expected_issuer if realm else HOST + base.rstrip("/")
    idp = service_settings(realm) if realm else {"IDP__SETTINGS__ISSUER": issuer}
    settings |= {"HTTP__PATH_BASE": base, "WORKERS__POLL_SECONDS": "0.05", **idp}
    async with serving(url, multi_tenancy=multi_tenancy, **settings) as api, httpx2.AsyncClient(verify=False) as web:
        await bootstrap(api.runtime.idp, api.runtime.settings.identity.clients)
        plane = DataPlane(api.http, web, HOST + base, client_id="reader", client_secret=SECRET, key=KEY, issuer=issuer)
        await plane.connect()
        yield api, plane


async def settled(api: Api, tenant: str | None) -> Town:
    """Two school years, one with a replica, and an application for the second one alone."""
    if tenant is not None:
        await api.made("/v3/tenants", {"name": tenant})
    stores = {}
    for year in ("2025", "2026"):
        body = bodies.data_store(name=f"Year {year}", connectionString=f"host=db;database={tenant}_{year};")
        stores[year] = await api.made("/v3/dataStores", body, tenant=tenant)
        await api.made("/v3/dataStoreContexts", bodies.context(stores[year], contextValue=year), tenant=tenant)
    replica = bodies.derivative(stores["2026"], connectionString=f"host=replica;database={tenant}_2026;")
    await api.made("/v3/dataStoreDerivatives", replica, tenant=tenant)
    profile = bodies.profile("Read only")
    profile_id = await api.made("/v3/profiles", profile, tenant=tenant)
    vendor = await api.made("/v3/vendors", bodies.vendor(), tenant=tenant)
    body = bodies.application(
        vendor,
        dataStoreIds=[stores["2026"]],
        profileIds=[profile_id],
        educationOrganizationIds=[255902, 255901],
        claimSetName="SISVendor",
    )
    credential = (await api.post("/v3/applications", body, tenant=tenant)).json()
    return Town(tenant, stores, profile_id, profile["definition"], credential["id"], credential)


async def calling(api: Api, plane: DataPlane, town: Town) -> Caller:
    """Whom the data plane sees when the vendor's client calls it."""
    return await plane.judged((await api.grant(town.credential)).json()["access_token"])


async def serves(api: Api, plane: DataPlane, town: Town) -> None:
    """All that a data plane does for one tenant."""
    tenant = town.tenant
    caller = await calling(api, plane, town)
    assert caller == Caller(
        client_id=town.credential["key"],
        claim_set="SISVendor",
        namespace_prefixes=("uri://ed-fi.org", "uri://acme.org"),
        education_organization_ids=(255901, 255902),
        data_store_ids=(town.stores["2026"],),
    )
    stores = {store["id"]: store for store in await plane.data_stores(tenant)}
    assert set(stores) == set(town.stores.values())
    store = stores[town.stores["2026"]]
    assert (store["name"], store["datastoretype"]) == ("Year 2026", "Production")
    assert store["datastorederivatives"] == {"ReadReplica": f"host=replica;database={tenant}_2026;"}
    assert await plane.route(caller, {"schoolYear": "2026"}, tenant) == f"host=db;database={tenant}_2026;"
    for qualifiers in ({"schoolYear": "2025"}, {"schoolYear": "2027"}, {}):
        with pytest.raises(NoRouteError):
            await plane.route(caller, qualifiers, tenant)
    assert await plane.profiles(tenant) == {town.profile: town.definition}
    assert await plane.profile_ids(town.application, tenant) == [town.profile]


async def authorizes(plane: DataPlane, tenant: str | None) -> None:
    """The claim set of the town's application grants something, with strategies for every action."""
    claim_sets = await plane.claim_sets(tenant)
    granted = claim_sets["SISVendor"]
    schools = granted["http://ed-fi.org/identity/claims/ed-fi/school"]
    assert schools["Read"]
    assert all(actions for actions in granted.values())


@pytest.mark.parametrize("base", BASES)
async def test_a_data_plane_serves_a_single_tenant(service_url: str, base: str, realm: KeycloakSettings | None) -> None:
    async with connected(service_url, base, realm) as (api, plane):
        town = await settled(api, None)
        await serves(api, plane, town)
        await authorizes(plane, None)
        application = await plane.application_of(town.credential["key"])
        assert application is not None
        assert application["applicationid"] == town.application
        assert application["clientid"] == town.credential["key"]
        assert application["datastoreids"] == [town.stores["2026"]]
        assert {"id", "clientuuid"} <= set(application)
        with pytest.raises(CallFailedError):
            await plane.tenants()


@pytest.mark.parametrize("base", BASES)
async def test_a_data_plane_serves_three_tenants(service_url: str, base: str, realm: KeycloakSettings | None) -> None:
    async with connected(service_url, base, realm, multi_tenancy=True) as (api, plane):
        towns = [await settled(api, tenant) for tenant in FLEET]
        assert await plane.tenants() == FLEET
        for town in towns:
            await serves(api, plane, town)
            await authorizes(plane, town.tenant)
            client_id = town.credential["key"]
            assert await plane.application_of(client_id) is None
            application = await plane.application_of(client_id, town.tenant)
            assert application is not None
            assert application["applicationid"] == town.application


async def test_a_data_plane_finds_applications_by_their_keys_if_the_settings_say_so(service_url: str) -> None:
    async with connected(service_url, "/config", multi_tenancy=True, API__TENANT_BY_KEY="true") as (api, plane):
        towns = [await settled(api, tenant) for tenant in FLEET]
        for town in towns:
            caller = await calling(api, plane, town)
            application = await plane.application_of(caller.client_id)
            assert application is not None
            assert (application["applicationid"], application["clientid"]) == (town.application, caller.client_id)
            assert application["datastoreids"] == [town.stores["2026"]]
            profiles = await plane.profiles(town.tenant)
            chosen = await plane.profile_ids(application["applicationid"], town.tenant)
            assert [profiles[profile] for profile in chosen] == [town.definition]


async def test_a_client_of_one_tenant_reaches_nothing_of_another(service_url: str) -> None:
    async with connected(service_url, "", multi_tenancy=True) as (api, plane):
        north, south, _ = [await settled(api, tenant) for tenant in FLEET]
        caller = await calling(api, plane, north)
        with pytest.raises(NoRouteError):
            await plane.route(caller, {"schoolYear": "2026"}, south.tenant)
        assert await plane.application_of(north.credential["key"], south.tenant) is None
        assert north.profile not in await plane.profiles(south.tenant)


async def test_an_unknown_tenant_is_told_from_a_known_one(service_url: str) -> None:
    async with connected(service_url, "", multi_tenancy=True) as (api, plane):
        await api.made("/v3/tenants", {"name": "Empty"})
        assert await plane.data_stores("eMPTY") == []
        with pytest.raises(CallFailedError) as refused:
            await plane.data_stores("Nowhere")
        assert refused.value.status == 400
        await api.made("/v3/tenants", {"name": "Nowhere"})
        assert await plane.data_stores("Nowhere") == []


async def test_what_an_operator_changes_is_what_the_next_calls_show(
    service_url: str, realm: KeycloakSettings | None
) -> None:
    async with connected(service_url, "", realm) as (api, plane):
        town = await settled(api, None)
        store = town.stores["2026"]
        await api.put(f"/v3/dataStores/{store}", bodies.data_store(id=store, connectionString="host=new;"))
        caller = await calling(api, plane, town)
        assert await plane.route(caller, {"schoolYear": "2026"}) == "host=new;"
        await api.put(f"/v3/profiles/{town.profile}", {**bodies.profile("Other"), "id": town.profile})
        assert await plane.profiles() == {town.profile: bodies.definition("Other")}
        deleted = await api.delete(f"/v3/dataStores/{store}")
        if realm:
            assert (await World(api).ended(deleted))["status"] == "Completed"
        assert (await calling(api, plane, town)).data_store_ids == ()


async def test_a_provider_reaches_the_data_plane_if_the_settings_name_one(service_url: str) -> None:
    async with connected(service_url, "", API__DATA_STORE_PROVIDER="postgresql") as (api, plane):
        await settled(api, None)
        assert {store["provider"] for store in await plane.data_stores()} == {"postgresql"}


async def test_a_data_plane_passes_basic_credentials_on(service_url: str, realm: KeycloakSettings | None) -> None:
    async with connected(service_url, "", realm) as (api, plane):
        town = await settled(api, None)
        answer = await api.http.post(
            "/connect/token",
            data={"grant_type": "client_credentials"},
            auth=(town.credential["key"], town.credential["secret"]),
        )
        assert set(answer.json()) == {"access_token", "expires_in", "token_type"}
        assert (await plane.judged(answer.json()["access_token"])).client_id == town.credential["key"]
        wrong = await api.http.post(
            "/connect/token", data={"grant_type": "client_credentials"}, auth=(town.credential["key"], "wrong")
        )
        assert wrong.status_code == 401
        assert isinstance(wrong.json(), dict)


async def test_the_status_leads_to_the_issuer_its_keys_and_its_tokens(
    service_url: str, realm: KeycloakSettings | None
) -> None:
    async with connected(service_url, "/config", realm) as (api, plane):
        town = await settled(api, None)
        status = await plane.document(f"{HOST}/config/.well-known/openiddict-status")
        described = await plane.document(status["discoveryEndpoint"])
        assert described["issuer"] == status["authority"]
        kids = {key["kid"] for key in (await plane.document(status["jwksEndpoint"]))["keys"]}
        assert kids <= {key["kid"] for key in (await plane.document(described["jwks_uri"]))["keys"]}
        credential = {"client_id": town.credential["key"], "client_secret": town.credential["secret"]}
        form = {**credential, "grant_type": "client_credentials"}
        token = (await api.http.post(status["tokenEndpoint"], data=form)).json()["access_token"]
        assert (await plane.judged(token)).client_id == town.credential["key"]
