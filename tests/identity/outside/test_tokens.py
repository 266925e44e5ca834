"""What our rows forbid, no provider is asked for; what it cannot do is said."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from idp_providers.errors import IdpUnsupportedError
from tests.api import bodies
from tests.api.problems import is_problem
from tests.identity.outside.world import Credential, World

pytestmark = pytest.mark.anyio

SEE_ERRORS = "The request could not be processed. See 'errors' for details."
INVALID_CLIENT = "invalid_client. Invalid client or Invalid client credentials"


async def delete(world: World, credential: Credential) -> Any:
    return await world.api.delete(f"/v3/applications/{credential['id']}")


async def disapprove(world: World, credential: Credential) -> Any:
    [client] = (await world.api.get("/v3/apiClients")).json()
    store = await world.api.made("/v3/dataStores", bodies.data_store())
    body = bodies.api_client(credential["id"], [store], id=client["id"], isApproved=False)
    return await world.api.put(f"/v3/apiClients/{client['id']}", body)


@pytest.mark.parametrize("change", [delete, disapprove], ids=["deleted", "not approved"])
async def test_a_client_that_our_rows_forbid_is_refused_before_the_provider_knows(
    world: World, change: Callable[[World, Credential], Awaitable[Any]]
) -> None:
    credential = await world.application(await world.vendor())
    assert (await world.api.grant(credential)).status_code == 200
    assert (await change(world, credential)).status_code == 204
    held = world.at_provider()[credential["key"]]
    assert held.approved
    for key in (credential["key"], credential["key"].upper()):
        answer = await world.api.grant({**credential, "key": key})
        assert is_problem(answer, 401, "security:authentication", SEE_ERRORS)["errors"] == [INVALID_CLIENT]
    await world.brought_in_line()
    assert (await world.api.grant(credential)).status_code == 401


@pytest.mark.parametrize("key", ["nobody", "nul\0", "é", "x" * 5000], ids=["unknown", "nul", "not ascii", "long"])
async def test_clients_that_our_rows_do_not_know_are_the_providers_to_judge(world: World, key: str) -> None:
    answer = await world.api.grant({"key": key, "secret": "x"})
    assert answer.status_code in {400, 401}


async def test_a_change_that_waits_does_not_keep_a_client_from_its_tokens(world: World) -> None:
    vendor = await world.vendor()
    credential = await world.application(vendor)
    await world.api.put(f"/v3/vendors/{vendor}", bodies.vendor(id=vendor, namespacePrefixes="uri://new"))
    assert (await world.api.claims(credential))["namespacePrefixes"] == "uri://ed-fi.org,uri://acme.org"
    await world.brought_in_line()
    assert (await world.api.claims(credential))["namespacePrefixes"] == "uri://new"


async def test_a_provider_that_grants_its_tokens_itself_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_request: Any) -> None:
        raise IdpUnsupportedError

    monkeypatch.setattr(world.api.runtime.idp, "token", refuse, raising=False)
    problem = is_problem(await world.api.grant({"key": "a", "secret": "b"}), 502, "bad-gateway", SEE_ERRORS)
    assert problem["errors"] == [f"The identity provider grants its tokens itself: {world.provider.issuer}"]
