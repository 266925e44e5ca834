"""A bad line to the database: every call of the built-in issuer ends in an error of the family, soon, and heals."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from idp_providers.authorization_server import RegisteredClient
from idp_providers.contract import Pool, TokenRequest
from idp_providers.errors import IdpError, IdpUnavailableError
from idp_providers.secret_keeping import SecretTerms
from idp_providers.self_hosted.provider import SelfHostedProvider
from idp_providers.self_hosted.settings import SelfHostedSettings
from idp_providers.testing import make_secret, make_spec
from tenant_api.plugins.guard import guarded
from tests.identity.host import LocalHost
from tests.identity.postgresql_line import Line, Proxy, line_to

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 0.5
BOUND_SECONDS = 20.0
"""The deadline, and twice 5 s that the driver waits for a silent server to cancel before it gives a connection up."""


class Scene:
    """An issuer behind the service's guard, on a line that can break, with a client and a token of it."""

    def __init__(self, line: Proxy, issuer: SelfHostedProvider) -> None:
        self.line, self.issuer = line, issuer
        self.spec, self.secret = make_spec(), make_secret()

    @property
    def request(self) -> TokenRequest:
        return TokenRequest(client_id=self.spec.client_id, client_secret=self.secret.value)

    async def begin(self, unguarded: SelfHostedProvider) -> "Scene":
        """However long a busy machine takes for it."""
        await unguarded.create_client(self.spec, self.secret)
        self.token = (await unguarded.token(self.request)).access_token
        return self


@pytest.fixture
async def scene(shared_database_url: str) -> AsyncIterator[Scene]:
    async with line_to(shared_database_url) as line:
        pool: Pool = AsyncConnectionPool(
            line.url,
            min_size=len(CALLS),
            max_size=2 * len(CALLS),
            timeout=DEADLINE_SECONDS,
            reconnect_timeout=0.5,
            open=False,
            kwargs={"autocommit": True, "row_factory": dict_row, "connect_timeout": 2},
        )
        async with pool:
            await pool.wait()  # every call finds a connection that was good
            provider = await SelfHostedProvider.open(SelfHostedSettings(), LocalHost(pool))
            issuer = guarded(provider, family=IdpError, unavailable=IdpUnavailableError, seconds=DEADLINE_SECONDS)
            yield await Scene(line, issuer).begin(provider)
            line.set(Line.REFUSED)
            await provider.close()


CALLS: dict[str, Callable[[Scene], Awaitable[object]]] = {
    "check": lambda scene: scene.issuer.check(),
    "create_client": lambda scene: scene.issuer.create_client(make_spec(), make_secret()),
    "update_client": lambda scene: scene.issuer.update_client(scene.spec),
    "replace_secret": lambda scene: scene.issuer.replace_secret(scene.spec.client_id, scene.secret),
    "delete_clients": lambda scene: scene.issuer.delete_clients(["nobody"]),
    "find_client": lambda scene: scene.issuer.find_client(scene.spec.client_id),
    "token": lambda scene: scene.issuer.token(scene.request),
    "verify": lambda scene: scene.issuer.verify(scene.token),
    "revoke": lambda scene: scene.issuer.revoke(scene.token),
    "maintain": lambda scene: scene.issuer.maintain(),
    "secrets": lambda scene: scene.issuer.secrets(scene.spec.client_id),
    "add_secret": lambda scene: scene.issuer.add_secret(scene.spec.client_id, make_secret(), SecretTerms()),
    "signing_keys": lambda scene: scene.issuer.signing_keys(),
    "service_clients": lambda scene: scene.issuer.service_clients(),
    "registered": lambda scene: scene.issuer.registered(scene.spec.client_id, "x"),
    "register": lambda scene: scene.issuer.register(
        RegisteredClient(
            client_id=make_spec().client_id,
            display_name="Roster",
            role="r",
            scopes=("s",),
            method="client_secret_basic",
        ),
        make_secret(),
        "access token",
    ),
}


async def outcome_of(scene: Scene, call: Callable[[Scene], Awaitable[object]]) -> str:
    began = time.monotonic()
    try:
        await call(scene)
    except IdpError as error:
        outcome = "unavailable" if error.retryable else repr(error)
    else:
        outcome = "succeeded"
    return outcome if time.monotonic() - began <= BOUND_SECONDS else "too late"


@pytest.mark.parametrize("fault", [Line.REFUSED, Line.CUT, Line.FROZEN], ids=lambda fault: fault.value)
async def test_calls_end_soon_in_an_error_of_the_family_and_work_again(scene: Scene, fault: Line) -> None:
    scene.line.set(fault)
    outcomes = await asyncio.gather(*(outcome_of(scene, call) for call in CALLS.values()))
    assert dict(zip(CALLS, outcomes, strict=True)) == dict.fromkeys(CALLS, "unavailable")
    scene.line.set(Line.FINE)
    deadline = time.monotonic() + BOUND_SECONDS
    while True:
        try:
            assert await scene.issuer.token(scene.request)
            assert (await scene.issuer.verify(scene.token)).client_id == scene.spec.client_id
            break
        except IdpUnavailableError:
            assert time.monotonic() < deadline, "it does not heal"
            await asyncio.sleep(0.1)
