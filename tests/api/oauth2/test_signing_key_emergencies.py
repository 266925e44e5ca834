"""Signing keys in an emergency: what ends on one replica ends on all within a second."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from idp_providers.key_keeping import SigningKeyKeeper, signing_key_keeper
from tests.api.oauth2.clients import READER, bearer, token_of
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

WITHIN_SECONDS = 1.0


@pytest.fixture
async def replicas(service_url: str) -> AsyncIterator[list[Api]]:
    async with serving(service_url) as one, serving(service_url) as other:
        yield [one, other]


def keeper(api: Api) -> SigningKeyKeeper:
    found = signing_key_keeper(api.runtime.idp)
    assert found is not None
    return found


def kid_of(token: str) -> str:
    header = token.split(".", maxsplit=1)[0]
    kid: str = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
    return kid


async def status(api: Api, token: str) -> int:
    return (await api.http.get("/v3/vendors", headers=bearer(token))).status_code


async def soon(holds: Callable[[], Awaitable[bool]], seconds: float = WITHIN_SECONDS) -> None:
    """It holds for whoever asks after that time, however long the answer takes."""
    deadline, asked_at = time.monotonic() + seconds, time.monotonic()
    while not await holds():
        assert asked_at < deadline
        await asyncio.sleep(0.02)
        asked_at = time.monotonic()


async def test_a_revoked_key_and_all_its_tokens_end_everywhere(replicas: list[Api]) -> None:
    one, other = replicas
    tokens = [await token_of(api, READER) for api in replicas]
    for api in replicas:
        assert [await status(api, token) for token in tokens] == [200, 200]
    revoked = kid_of(tokens[0])
    await keeper(one).revoke_signing_key(revoked)
    for api in replicas:
        assert [await status(api, token) for token in tokens] == [401, 401]
        fresh = await token_of(api, READER)
        assert kid_of(fresh) != revoked, "no replica signs with it any more"
        assert [await status(replica, fresh) for replica in replicas] == [200, 200]
        published = (await api.http.get("/.well-known/jwks.json")).json()["keys"]
        assert revoked not in {key["kid"] for key in published}
    await keeper(other).revoke_signing_key(revoked)


async def test_a_key_that_a_replica_has_never_seen_is_known_to_it_soon(replicas: list[Api]) -> None:
    one, other = replicas
    for _ in range(2):
        await keeper(one).revoke_signing_key(kid_of(await token_of(one, READER)))
    token = await token_of(one, READER)

    async def accepted() -> bool:
        return await status(other, token) == 200

    await soon(accepted)


async def test_a_rotation_by_hand_strands_no_token_and_reaches_all_replicas(replicas: list[Api]) -> None:
    one, other = replicas
    old = await token_of(other, READER)
    with pytest.raises(Exception, match="must be published"):
        await keeper(one).rotate_signing_key()
    await keeper(one).rotate_signing_key(at_once=True)
    new = await token_of(other, READER)
    assert kid_of(new) != kid_of(old)
    for api in replicas:
        assert [await status(api, old), await status(api, new)] == [200, 200]
    states = [key.state for key in await keeper(other).signing_keys()]
    assert states == ["active", "next", "retired"]


async def test_a_clients_tokens_end_together_everywhere(replicas: list[Api]) -> None:
    one, other = replicas
    old, stranger = await token_of(other, READER), await token_of(other, {**READER, "client_id": "admin"})
    await keeper(one).end_tokens("READER")
    for api in replicas:
        assert [await status(api, old), await status(api, stranger)] == [401, 200]

    async def granted_again() -> bool:
        return await status(other, await token_of(one, READER)) == 200

    await soon(granted_again, 5)


async def test_revoking_is_repeatable_and_needs_a_key(replicas: list[Api]) -> None:
    kid = kid_of(await token_of(replicas[0], READER))
    outcomes = await asyncio.gather(*(keeper(api).revoke_signing_key(kid) for api in replicas * 3))
    assert outcomes == [None] * 6
    states = await keeper(replicas[1]).signing_keys()
    assert [key.state for key in states] == ["active", "next", "revoked"]
    assert states[-1].revoked_at is not None
    with pytest.raises(Exception, match="no signing key"):
        await keeper(replicas[0]).revoke_signing_key("nothing")


@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "EdDSA"])
async def test_every_algorithm_signs_tokens_that_the_published_keys_verify(service_url: str, algorithm: str) -> None:
    async with serving(service_url, IDP__SETTINGS__ALGORITHM=algorithm) as api:
        await api.runtime.idp.maintain()
        old: Any = await token_of(api, READER)
        for _ in range(2):  # first the key that waits already, then one of the new settings
            await keeper(api).rotate_signing_key(at_once=True)
        token = await token_of(api, READER)
        published = {key["kid"]: key for key in (await api.http.get("/.well-known/jwks.json")).json()["keys"]}
        assert published[kid_of(token)]["alg"] == algorithm
        assert published[kid_of(token)]["use"] == "sig"
        assert [await status(api, old), await status(api, token)] == [200, 200]
