"""Credentials that a caller waits for: made, renewed, or taken back as if nothing had been asked."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from idp_providers.contract import ClientCredentials, ClientSecret, ClientSpec
from idp_providers.memory import Fault
from tests.api import bodies
from tests.api.problems import is_problem
from tests.api.service import Api
from tests.engine.jobs import until
from tests.identity.outside.world import World, outside

pytestmark = pytest.mark.anyio

SEE_ERRORS = "The request could not be processed. See 'errors' for details."
UNEXPECTED = "The identity provider returned an unexpected response."
FOREIGN = "The identity provider holds a client of this id that this installation did not make."


@pytest.fixture
def chosen_key(monkeypatch: pytest.MonkeyPatch) -> str:
    """The key that the next API clients get, known before they are made."""
    key = str(uuid4())
    monkeypatch.setattr("tenant_api.api_clients.repository.uuid4", lambda: UUID(key))
    return key


def spec(key: str) -> ClientSpec:
    return ClientSpec(client_id=key, display_name="Somebody's", role="theirs", scopes=("theirs",))


async def test_a_credential_works_at_once_and_leaves_no_intent(world: World) -> None:
    credential = await world.application(await world.vendor())
    assert (await world.api.claims(credential))["namespacePrefixes"] == "uri://ed-fi.org,uri://acme.org"
    second = (await world.api.post("/v3/apiClients", bodies.api_client(credential["id"], [await _store(world)]))).json()
    assert (await world.api.grant(second)).status_code == 200
    assert await world.intents() == []
    assert await world.jobs() == []
    await world.assert_agreement()


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.LOST_REPLY, Fault.HANGING])
async def test_an_application_without_credential_is_taken_back(service_url: str, fault: Fault) -> None:
    async with outside(service_url, IDP__TIMEOUT_SECONDS="0.3") as world:
        vendor = await world.vendor()
        world.fail("create_client", fault)
        answer = await world.api.post("/v3/applications", bodies.application(vendor))
        assert is_problem(answer, 502, "bad-gateway", SEE_ERRORS)["errors"] == [UNEXPECTED]
        assert "operation-location" not in answer.headers
        assert (await world.api.get("/v3/applications")).json() == []
        assert (await world.api.get("/v3/apiClients")).json() == []
        await world.brought_in_line()
        assert world.at_provider() == {}


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.LOST_REPLY])
async def test_an_api_client_is_taken_back_without_its_application(world: World, fault: Fault) -> None:
    credential = await world.application(await world.vendor())
    world.fail("create_client", fault)
    answer = await world.api.post("/v3/apiClients", bodies.api_client(credential["id"], [await _store(world)]))
    is_problem(answer, 502, "bad-gateway", SEE_ERRORS)
    assert [client["clientId"] for client in (await world.api.get("/v3/apiClients")).json()] == [credential["key"]]
    await world.brought_in_line()
    await world.assert_agreement()
    assert (await world.api.grant(credential)).status_code == 200


async def test_a_creation_that_takes_effect_long_after_it_failed_leaves_no_client(
    world: World, chosen_key: str
) -> None:
    vendor = await world.vendor()
    world.fail("create_client", Fault.REFUSED)
    assert (await world.api.post("/v3/applications", bodies.application(vendor))).status_code == 502
    [job] = await world.jobs()
    assert (await world.end_of(f"/v3/jobs/{job['id']}"))["status"] == "Completed"
    assert chosen_key not in world.provider.held
    await world.provider.create_client(spec(chosen_key), ClientSecret(value="of a call that was given up"))
    await world.brought_in_line()
    assert chosen_key not in world.provider.held


async def test_an_application_that_got_another_client_meanwhile_stays(world: World) -> None:
    vendor, store = await world.vendor(), await _store(world)
    world.fail("create_client", Fault.HANGING)
    wanted = bodies.application(vendor)
    making = asyncio.create_task(world.api.post("/v3/applications", wanted))
    await until(lambda: _hangs(world))
    listed = (await world.api.get("/v3/applications")).json()
    other = await world.api.post("/v3/apiClients", bodies.api_client(listed[0]["id"], [store]))
    world.provider.faults.release()
    assert (await making).status_code == 502
    assert [client["clientId"] for client in (await world.api.get("/v3/apiClients")).json()] == [other.json()["key"]]
    await world.brought_in_line()
    await world.assert_agreement()


async def test_a_client_of_ours_with_that_id_is_adopted_with_a_new_secret(world: World, chosen_key: str) -> None:
    await world.provider.create_client(spec(chosen_key), ClientSecret(value="of a request that nobody heard of"))
    credential = await world.application(await world.vendor())
    assert credential["key"] == chosen_key
    assert (await world.api.grant(credential)).status_code == 200
    await world.assert_agreement()


async def test_a_provider_that_makes_its_own_secrets_has_them_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = world.provider.create_client

    async def with_its_own(spec: ClientSpec, _secret: ClientSecret) -> ClientCredentials:
        return await create(spec, ClientSecret(value="made by the provider"))

    monkeypatch.setattr(world.api.runtime.idp, "create_client", with_its_own, raising=False)
    credential = await world.application(await world.vendor())
    assert credential["secret"] == "made by the provider"
    assert (await world.api.grant(credential)).status_code == 200


async def test_a_client_that_somebody_else_made_is_left_as_it_is(world: World, chosen_key: str) -> None:
    world.provider.plant(spec(chosen_key), "theirs")
    vendor = await world.vendor()
    answer = await world.api.post("/v3/applications", bodies.application(vendor))
    assert is_problem(answer, 502, "bad-gateway", SEE_ERRORS)["errors"] == [FOREIGN]
    assert (await world.api.get("/v3/applications")).json() == []
    [job] = await world.jobs()
    ended = await world.end_of(f"/v3/jobs/{job['id']}")
    assert ended["status"] == "Error"
    assert chosen_key in ended["errorMessage"]
    [intent] = await world.intents()
    assert (intent["client_id"], intent["error"]["message"]) == (chosen_key, FOREIGN)
    assert world.provider.held[chosen_key].role == "theirs"
    theirs = {"key": chosen_key, "secret": "theirs"}
    assert (await world.api.grant(theirs)).status_code == 401  # our rows know that it is none of ours


async def test_a_reset_credential_works_and_the_old_one_does_not(world: World) -> None:
    old, new = await _reset(world)
    assert (await world.api.grant(new)).status_code == 200
    assert (await world.api.grant(old)).status_code == 401
    assert await world.intents() == []


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.LOST_REPLY])
async def test_a_reset_that_fails_can_be_repeated(world: World, fault: Fault) -> None:
    world.fail("replace_secret", fault)
    credential = await world.application(await world.vendor())
    answer = await world.api.put(f"{await _path(world.api)}/reset-credential")
    is_problem(answer, 502, "bad-gateway", SEE_ERRORS)
    repeated = (await world.api.put(f"{await _path(world.api)}/reset-credential")).json()
    assert (await world.api.grant(repeated)).status_code == 200
    assert repeated["key"] == credential["key"]


async def test_a_reset_mends_a_client_that_vanished(world: World) -> None:
    credential = await world.application(await world.vendor())
    await world.provider.delete_clients([credential["key"]])
    renewed = (await world.api.put(f"{await _path(world.api)}/reset-credential")).json()
    assert (await world.api.grant(renewed)).status_code == 200
    await world.assert_agreement()


async def test_a_reset_while_another_is_under_way_is_refused(world: World) -> None:
    await world.application(await world.vendor())
    path = f"{await _path(world.api)}/reset-credential"
    world.fail("replace_secret", Fault.HANGING)
    first = asyncio.create_task(world.api.put(path))
    await until(lambda: _hangs(world))
    is_problem(await world.api.put(path), 409, "conflict")
    world.provider.faults.release()
    assert (await first).status_code == 502


async def test_a_reset_forgets_no_change_that_waited(world: World) -> None:
    vendor = await world.vendor()
    credential = await world.application(vendor)
    await world.api.put(f"/v3/vendors/{vendor}", bodies.vendor(id=vendor, namespacePrefixes="uri://new"))
    renewed = (await world.api.put(f"{await _path(world.api)}/reset-credential")).json()
    assert (await world.api.claims(renewed))["namespacePrefixes"] == "uri://new"
    assert renewed["key"] == credential["key"]
    await world.brought_in_line()
    await world.assert_agreement()


async def test_a_change_during_a_creation_reaches_the_client(world: World) -> None:
    vendor = await world.vendor()
    first = await world.application(vendor)
    world.fail("replace_secret", Fault.HANGING)
    resetting = asyncio.create_task(world.api.put(f"{await _path(world.api)}/reset-credential"))
    await until(lambda: _hangs(world))
    answer = await world.api.put(f"/v3/vendors/{vendor}", bodies.vendor(id=vendor, namespacePrefixes="uri://new"))
    ending = asyncio.create_task(world.ended(answer))
    await until(lambda: _is_under_way(world, answer))
    world.provider.faults.release()
    assert (await ending)["status"] == "Completed"
    assert world.at_provider()[first["key"]].namespace_prefixes == ("uri://new",)
    assert (await resetting).status_code == 502


async def test_no_secret_of_an_intent_is_stored_or_logged(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    credential = await world.application(await world.vendor())
    world.fail("create_client", Fault.LOST_REPLY)
    assert (await world.api.post("/v3/applications", bodies.application(await world.vendor()))).status_code == 502
    stored = str(await world.intents()) + str(await world.rows("SELECT * FROM operations"))
    assert credential["secret"] not in stored + "".join(capsys.readouterr())


async def _store(world: World) -> int:
    return await world.api.made("/v3/dataStores", bodies.data_store())


async def _hangs(world: World) -> bool:
    return world.provider.faults.planned == 0


async def _is_under_way(world: World, answer: Any) -> bool:
    return bool((await world.job(answer))["status"] == "InProgress")


async def _path(api: Api) -> str:
    [client] = (await api.get("/v3/apiClients")).json()
    return f"/v3/apiClients/{client['id']}"


async def _reset(world: World) -> tuple[dict[str, str], dict[str, str]]:
    old = await world.application(await world.vendor())
    return old, (await world.api.put(f"{await _path(world.api)}/reset-credential")).json()
