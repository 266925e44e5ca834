"""What the rules about faults stand on: a proxy before the provider's system, and every call with its arguments."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import anyio
import pytest

from idp_providers.contract import ClientSecret, ClientSpec, IdentityProvider, TokenRequest
from idp_providers.errors import IdpError
from idp_providers.suite.fault_proxy import FaultProxy, Request
from idp_providers.suite.harness import Harness
from idp_providers.suite.specs import make_managed_spec, make_secret
from idp_providers.suite.texts import chain_of

PATIENCE_SECONDS = 8.0
"""How long one call may take when the provider was opened with a limit of a second per request."""


@dataclass(frozen=True)
class Scene:
    """A provider behind the proxy with one client, made before anything broke."""

    provider: IdentityProvider
    proxy: FaultProxy
    spec: ClientSpec
    secret: ClientSecret
    log: pytest.LogCaptureFixture

    async def fails(self, call: str) -> IdpError:
        """Make the call and hand over its error, after proving that it tells no secret and came in time."""
        given = make_secret()
        with anyio.fail_after(PATIENCE_SECONDS), pytest.raises(IdpError) as caught:
            await CALLS[call](self, given)
        shown = [*chain_of(caught.value), self.log.text]
        assert not [text for text in shown for secret in (given, self.secret) if secret.value in text]
        return caught.value

    async def succeeds(self, call: str) -> None:
        """Make the call with a new secret."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await CALLS[call](self, make_secret())


CALLS: dict[str, Callable[[Scene, ClientSecret], Awaitable[object]]] = {
    "check": lambda scene, _: scene.provider.check(),
    "create_client": lambda scene, given: scene.provider.create_client(make_managed_spec(), given),
    "update_client": lambda scene, _: scene.provider.update_client(replace(scene.spec, display_name="Renamed")),
    "replace_secret": lambda scene, given: scene.provider.replace_secret(scene.spec.client_id, given),
    "delete_clients": lambda scene, _: scene.provider.delete_clients([scene.spec.client_id]),
    "find_client": lambda scene, _: scene.provider.find_client(scene.spec.client_id),
    "token": lambda scene, _: scene.provider.token(
        TokenRequest(client_id=scene.spec.client_id, client_secret=scene.secret.value)
    ),
}
MANAGING = tuple(call for call in CALLS if call != "token")
CHANGING = ("create_client", "update_client", "replace_secret", "delete_clients")


class Broken(Harness):
    """What the subclass gives besides the fixture `provider`."""

    @pytest.fixture
    def upstream(self) -> str:
        """The address of the system that the provider drives, such as `http://127.0.0.1:8080`."""
        raise NotImplementedError("Override this fixture.")

    async def open_through(self, url: str) -> IdentityProvider:
        """Open a provider whose every request goes to `url`, with a limit of at most a second per request."""
        raise NotImplementedError("Override this together with `upstream`.")

    def changes(self, request: Request) -> bool:
        """Whether a request changes clients. Override it where the method does not tell."""
        return request.method in {"POST", "PUT", "PATCH", "DELETE"} and not request.is_form

    def logs_in(self, request: Request) -> bool:
        """Whether a request fetches the provider's own credentials. Override it where none is a form."""
        return request.is_form

    @pytest.fixture
    async def scene(self, upstream: str, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Scene]:
        caplog.set_level(logging.DEBUG)
        async with FaultProxy(upstream) as proxy:
            provider = await self.open_through(proxy.url)
            try:
                spec, secret = make_managed_spec(), make_secret()
                made = await provider.create_client(spec, secret)
                yield Scene(provider, proxy, spec, ClientSecret(value=made.secret), caplog)
                proxy.heal()
                await provider.delete_clients([spec.client_id])
            finally:
                await provider.close()

    def needs(self, scene: Scene, call: str) -> None:
        """Skip what the provider does not claim to do."""
        if call == "token":
            self.needs_tokens(scene.provider)
