"""API clients prove themselves with public keys of their own."""

from typing import Any

import pytest

from tests.api.credentials.world import Credential
from tests.api.oauth2.clients import ask, asserted, assertion, claims, public, refused
from tests.api.problems import is_problem
from tests.api.service import Api

pytestmark = pytest.mark.anyio


async def test_keys_are_set_shown_used_and_removed(shared: Api, credential: Credential) -> None:
    path = f"/v3/apiClients/{credential.id}/keys"
    assert (await shared.get(path)).json() == {"keys": []}
    keys = [public("ES256", kid="one"), public("EdDSA", kid="two")]
    sent = [{**keys[0], "x5c": ["left out"]}, keys[1]]
    assert (await shared.put(path, {"keys": sent})).status_code == 204
    assert (await shared.get(path, caller="reader")).json() == {"keys": keys}
    answer = await ask(shared, "token", asserted(assertion("ES256", claims(credential.key), kid="one")))
    assert answer.json()["scope"] == "SISVendor"
    assert await credential.works(shared)
    assert (await shared.delete(path)).status_code == 204
    text = assertion("ES256", claims(credential.key))
    refused(await ask(shared, "token", asserted(text)), 401, "invalid_client")


async def test_an_api_client_that_is_not_approved_cannot_assert(shared: Api, credential: Credential) -> None:
    from tests.api import bodies

    await shared.put(f"/v3/apiClients/{credential.id}/keys", {"keys": [public("EdDSA")]})
    found = (await shared.get(f"/v3/apiClients/{credential.id}")).json()
    store_id = await shared.made("/v3/dataStores", bodies.data_store())
    changed = bodies.api_client(found["applicationId"], [store_id], id=credential.id, isApproved=False)
    assert (await shared.put(f"/v3/apiClients/{credential.id}", changed)).status_code == 204
    text = assertion("EdDSA", claims(credential.key))
    refused(await ask(shared, "token", asserted(text)), 401, "invalid_client")


@pytest.mark.parametrize(
    "keys",
    [[{"kty": "oct", "k": "AA"}], [{}], [public("EdDSA")] * 11, [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]],
    ids=["shared", "empty", "too many", "weak"],
)
async def test_a_key_that_cannot_be_used_is_named(shared: Api, credential: Credential, keys: list[Any]) -> None:
    answer = await shared.put(f"/v3/apiClients/{credential.id}/keys", {"keys": keys})
    is_problem(answer, 400, "bad-request:data")
    assert list(answer.json()["validationErrors"]) == ["Keys"]


@pytest.mark.parametrize("member", ["kid", "x"])
async def test_a_key_that_cannot_be_stored_is_named(shared: Api, credential: Credential, member: str) -> None:
    good = public("EdDSA", kid="good")
    bad = {**good, "kid": "bad", member: f"{good[member]}\0"}
    answer = await shared.put(f"/v3/apiClients/{credential.id}/keys", {"keys": [good, bad]})
    said = f"Key 2: '{member}' holds characters that cannot be stored."
    assert answer.json()["validationErrors"] == {"Keys": [said]}


async def test_keys_survive_a_reset(shared: Api, credential: Credential) -> None:
    await shared.put(f"/v3/apiClients/{credential.id}/keys", {"keys": [public("EdDSA")]})
    await shared.put(f"/v3/apiClients/{credential.id}/reset-credential")
    answer = await ask(shared, "token", asserted(assertion("EdDSA", claims(credential.key))))
    assert answer.status_code == 200
