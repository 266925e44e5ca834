"""Whatever changes what a client may do reaches the provider, by a job that the answer names."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.api import bodies
from tests.identity.outside.world import Credential, World

pytestmark = pytest.mark.anyio

Change = Callable[[World, "Fleet"], Awaitable[Any]]


class Fleet:
    """Two vendors; the first has two applications, one of them with two clients, which reach a data store."""

    vendor: int
    other_vendor: int
    store: int
    first: Credential
    second: Credential
    extra: Credential
    elsewhere: Credential
    claim_set: int


@pytest.fixture
async def fleet_of_clients(world: World) -> Fleet:
    fleet = Fleet()
    api = world.api
    fleet.vendor, fleet.other_vendor = await world.vendor(), await world.vendor()
    fleet.store = await api.made("/v3/dataStores", bodies.data_store())
    fleet.claim_set = await api.made("/v3/claimSets", {"claimSetName": "Ours"})
    fleet.first = await world.application(fleet.vendor, dataStoreIds=[fleet.store], claimSetName="Ours")
    fleet.second = await world.application(fleet.vendor, claimSetName="Ours")
    fleet.extra = (await api.post("/v3/apiClients", bodies.api_client(fleet.first["id"], [fleet.store]))).json()
    fleet.elsewhere = await world.application(fleet.other_vendor)
    return fleet


async def put_vendor(world: World, fleet: Fleet) -> Any:
    body = bodies.vendor(id=fleet.vendor, namespacePrefixes="uri://new")
    return await world.api.put(f"/v3/vendors/{fleet.vendor}", body)


async def post_vendor_again(world: World, fleet: Fleet) -> Any:
    company = (await world.api.get(f"/v3/vendors/{fleet.vendor}")).json()["company"]
    return await world.api.post("/v3/vendors", bodies.vendor(company=company, namespacePrefixes="uri://again"))


async def put_application(world: World, fleet: Fleet) -> Any:
    body = bodies.application(fleet.vendor, id=fleet.first["id"], educationOrganizationIds=[1, 2])
    return await world.api.put(f"/v3/applications/{fleet.first['id']}", body)


async def move_application(world: World, fleet: Fleet) -> Any:
    await world.api.put(
        f"/v3/vendors/{fleet.other_vendor}", bodies.vendor(id=fleet.other_vendor, namespacePrefixes="uri://elsewhere")
    )
    body = bodies.application(fleet.other_vendor, id=fleet.first["id"], dataStoreIds=[fleet.store])
    return await world.api.put(f"/v3/applications/{fleet.first['id']}", body)


async def put_api_client(world: World, fleet: Fleet) -> Any:
    body = bodies.api_client(fleet.first["id"], [fleet.store], id=fleet.extra["id"], isApproved=False)
    return await world.api.put(f"/v3/apiClients/{fleet.extra['id']}", body)


async def move_api_client(world: World, fleet: Fleet) -> Any:
    body = bodies.api_client(fleet.elsewhere["id"], [fleet.store], id=fleet.extra["id"])
    return await world.api.put(f"/v3/apiClients/{fleet.extra['id']}", body)


async def rename_claim_set(world: World, fleet: Fleet) -> Any:
    return await world.api.put(f"/v3/claimSets/{fleet.claim_set}", {"id": fleet.claim_set, "claimSetName": "Renamed"})


async def delete_data_store(world: World, fleet: Fleet) -> Any:
    return await world.api.delete(f"/v3/dataStores/{fleet.store}")


async def delete_api_client(world: World, fleet: Fleet) -> Any:
    return await world.api.delete(f"/v3/apiClients/{fleet.extra['id']}")


async def delete_application(world: World, fleet: Fleet) -> Any:
    return await world.api.delete(f"/v3/applications/{fleet.first['id']}")


async def delete_vendor(world: World, fleet: Fleet) -> Any:
    return await world.api.delete(f"/v3/vendors/{fleet.vendor}")


CHANGES = {
    put_vendor: 3,
    post_vendor_again: 3,
    put_application: 2,
    move_application: 3,
    put_api_client: 1,
    move_api_client: 1,
    rename_claim_set: 3,
    delete_data_store: 2,
    delete_api_client: 1,
    delete_application: 2,
    delete_vendor: 3,
}


@pytest.mark.parametrize(("change", "touched"), CHANGES.items(), ids=[change.__name__ for change in CHANGES])
async def test_a_change_reaches_every_client_that_it_is_about(
    world: World, fleet_of_clients: Fleet, change: Change, touched: int
) -> None:
    before = world.at_provider()
    answer = await change(world, fleet_of_clients)
    assert (await world.job(answer))["target"] == "identity:0"
    assert len(await world.intents()) == touched
    assert world.at_provider() == before  # nothing is called while the request's transaction is open
    job = await world.ended(answer)
    assert (job["status"], job["fraction"], job["error"]) == ("Completed", 1.0, None)
    assert world.at_provider() != before
    await world.assert_agreement()
    assert await world.intents() == []


async def test_a_refused_change_leaves_no_intent_and_names_no_job(world: World, fleet_of_clients: Fleet) -> None:
    fleet = fleet_of_clients
    taken = (await world.api.get(f"/v3/vendors/{fleet.other_vendor}")).json()["company"]
    answer = await world.api.put(f"/v3/vendors/{fleet.vendor}", bodies.vendor(id=fleet.vendor, company=taken))
    assert answer.status_code == 400
    assert "operation-location" not in answer.headers
    assert (await world.intents(), await world.jobs()) == ([], [])


async def test_a_change_without_clients_needs_no_job(world: World) -> None:
    vendor = await world.vendor()
    answer = await world.api.put(f"/v3/vendors/{vendor}", bodies.vendor(id=vendor))
    assert (answer.status_code, "operation-location" in answer.headers) == (204, False)
    assert await world.jobs() == []


async def test_many_changes_share_a_job_that_has_not_begun(world: World, fleet_of_clients: Fleet) -> None:
    answers = [await put_vendor(world, fleet_of_clients) for _ in range(5)]
    assert len({answer.headers["operation-location"] for answer in answers}) == 1
    assert {intent["version"] for intent in await world.intents()} == {5}
    assert (await world.ended(answers[0]))["status"] == "Completed"
    later = await put_vendor(world, fleet_of_clients)
    assert later.headers["operation-location"] != answers[0].headers["operation-location"]


async def test_a_tenant_that_is_suspended_and_resumed(fleet: World) -> None:
    api = fleet.api
    body = bodies.tenant()
    tenant = await api.made("/v3/tenants", body)
    vendor = await api.made("/v3/vendors", bodies.vendor(), tenant=body["name"])
    [credential] = [
        (await api.post("/v3/applications", bodies.application(vendor), tenant=body["name"])).json() for _ in range(1)
    ]
    for action, status in (("suspend", 401), ("resume", 200)):
        answer = await api.post(f"/v3/tenants/{tenant}/{action}")
        assert (answer.status_code, "operation-location" in answer.headers) == (204, False)
        assert (await api.grant(credential)).status_code == 401  # before a job has told the provider, and before it
        await fleet.brought_in_line()
        await fleet.assert_agreement()
        assert (await api.grant(credential)).status_code == status


async def test_with_the_built_in_provider_nothing_of_this_is_even_asked(service_url: str) -> None:
    from sqlalchemy import event

    from tests.api.service import serving

    said: list[str] = []
    async with serving(service_url) as api:
        event.listen(
            api.runtime.engine.sync_engine, "before_cursor_execute", lambda *arguments: said.append(arguments[2])
        )
        vendor = await api.made("/v3/vendors", bodies.vendor())
        application = (await api.post("/v3/applications", bodies.application(vendor))).json()
        answer = await api.put(f"/v3/vendors/{vendor}", bodies.vendor(id=vendor, namespacePrefixes="uri://new"))
        assert (answer.status_code, "operation-location" in answer.headers) == (204, False)
        assert (await api.claims(application))["namespacePrefixes"] == "uri://new"
        assert (await api.delete(f"/v3/vendors/{vendor}")).status_code == 204
    assert said
    assert [statement for statement in said if "identity_intents" in statement or "operations" in statement] == []
