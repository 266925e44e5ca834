"""A right secret that waited behind guesses is judged by what holds when its turn is over."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass

import pytest

from idp_providers.authorization_server import AuthenticatedClient, SecretProof
from idp_providers.contract import ClientSecret
from idp_providers.errors import InvalidClientError, UnauthorizedClientError
from idp_providers.self_hosted.clients import CurrentClient
from idp_providers.self_hosted.provider import SelfHostedProvider
from idp_providers.self_hosted.settings import SelfHostedSettings
from idp_providers.self_hosted.throttle import name_of
from idp_providers.testing import make_secret, make_spec
from tests.clocks import StandingClock, let_checks_take_as_long
from tests.identity.host import LocalHost

pytestmark = pytest.mark.anyio

CHOSEN = ClientSecret(value="ValidClientSecret1234567890!Abcd", chosen=True)
OTHER = ClientSecret(value="AnotherClientSecret1234567890!Ab", chosen=True)
WAITING = """
select count(*) as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
"""


@dataclass(frozen=True)
class Scene:
    """The replica where an owner waits behind a guess, and another one where things change meanwhile."""

    waiting: SelfHostedProvider
    other: SelfHostedProvider
    client_id: str
    owner: asyncio.Task[AuthenticatedClient]
    reads: list[Collection[str]]
    """Of clients, on the replica where the owner waits, since then."""
    clock: StandingClock

    async def answer(self) -> AuthenticatedClient:
        """What the owner gets after all."""
        self.clock.move(SelfHostedSettings().failed_secret_delay_seconds)
        async with asyncio.timeout(60):
            return await self.owner


def authenticate(issuer: SelfHostedProvider, client_id: str, secret: str) -> asyncio.Task[AuthenticatedClient]:
    return asyncio.ensure_future(issuer.authenticate(SecretProof(client_id=client_id, secret=secret)))


@pytest.fixture
async def scene(fresh_host: LocalHost, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    clock, reads = StandingClock(), list[Collection[str]]()
    other = await SelfHostedProvider.open(SelfHostedSettings(), fresh_host)
    monkeypatch.setattr("idp_providers.self_hosted.secrets.Clock", lambda: clock)
    let_checks_take_as_long(monkeypatch)
    waiting = await SelfHostedProvider.open(SelfHostedSettings(), fresh_host)
    await other.create_client(make_spec(client_id="owned"), CHOSEN)
    guess = authenticate(waiting, "owned", "guess")
    await clock.waits(1)
    owner = authenticate(waiting, "owned", CHOSEN.value)
    async with asyncio.timeout(60):
        while waiting._secrets._guesses._lines[name_of("owned")].length < 2:
            await asyncio.sleep(0.001)
    read = waiting._clients._fresh._read_many

    async def counted(client_ids: Collection[str]) -> Mapping[str, CurrentClient]:
        reads.append(client_ids)
        return await read(client_ids)

    monkeypatch.setattr(waiting._clients._fresh, "_read_many", counted)
    yield Scene(waiting, other, "owned", owner, reads, clock)
    with pytest.raises(UnauthorizedClientError):
        await guess
    await waiting.close()
    await other.close()


async def test_a_secret_that_was_replaced_meanwhile_proves_nothing(scene: Scene) -> None:
    await scene.other.replace_secret(scene.client_id, OTHER)
    with pytest.raises(UnauthorizedClientError):
        await scene.answer()


async def test_a_secret_that_was_removed_meanwhile_proves_nothing(scene: Scene) -> None:
    (state,) = await scene.other.secrets(scene.client_id)
    await scene.other.remove_secret(scene.client_id, state.id)
    with pytest.raises(UnauthorizedClientError):
        await scene.answer()


@pytest.mark.parametrize("end", ["disabled", "deleted"])
async def test_a_client_that_was_ended_meanwhile_gets_nothing(scene: Scene, end: str) -> None:
    if end == "disabled":
        await scene.other.enable_service_client(scene.client_id, enabled=False)
    else:
        await scene.other.delete_service_client(scene.client_id)
    with pytest.raises(InvalidClientError):
        await scene.answer()


async def test_a_key_that_was_revoked_meanwhile_signs_no_more(scene: Scene) -> None:
    signing, following = await scene.other.signing_keys()
    await scene.other.revoke_signing_key(signing.kid)
    token = (await scene.waiting.grant(await scene.answer(), ())).access_token
    assert json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"] == following.kid
    assert await scene.other.verify(token)


async def test_a_secret_that_still_counts_is_granted_for_one_read_more(scene: Scene) -> None:
    assert await scene.answer()
    assert len(scene.reads) == 1
    assert await authenticate(scene.waiting, scene.client_id, CHOSEN.value)
    assert len(scene.reads) == 2, "what was proven before waits for nothing, and is read once"


async def test_a_renewal_waits_for_whoever_replaces_the_secret_and_then_nothing_is_granted(
    fresh_host: LocalHost,
) -> None:
    issuer = await SelfHostedProvider.open(SelfHostedSettings(), fresh_host)
    spec = make_spec()
    old = (await issuer.create_client(spec, make_secret())).secret
    fresh_host.rotate_pepper()
    async with fresh_host.unit_of_work():
        await issuer.replace_secret(spec.client_id, make_secret())
        owner = authenticate(issuer, spec.client_id, old)
        async with asyncio.timeout(60):
            while not (await fresh_host.row(WAITING))["waiting"]:
                await asyncio.sleep(0.01)
    with pytest.raises(UnauthorizedClientError):
        await owner
    await issuer.close()
