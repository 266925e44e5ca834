"""What the rules about faults stand on: a proxy before the provider's system, and every call with its arguments."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import anyio
import pytest

from idp_providers.contract import ClientSecret, ClientSpec, IdentityProvider, TokenRequest
from idp_providers.errors import IdpError, IdpUnavailableError
from idp_providers.suite.fault_proxy import FaultProxy, Request
from idp_providers.suite.harness import Harness
from idp_providers.suite.leaks import Shown, leaks, shown_by_error, shown_by_log
from idp_providers.suite.specs import make_managed_spec, make_secret

PATIENCE_SECONDS = 8.0
"""How long one call may take when no request of it waits for its limit."""
HURRY_SECONDS = 0.25
"""The limit per request where a test waits until it has passed."""


@dataclass(frozen=True)
class Scene:
    """A provider behind the proxy with one client, made before anything broke."""

    provider: IdentityProvider
    proxy: FaultProxy
    spec: ClientSpec
    secret: ClientSecret
    log: pytest.LogCaptureFixture
    patience: float = PATIENCE_SECONDS
    hurried: bool = False
    own_secrets: dict[str, str] = field(default_factory=dict)

    async def fails(self, call: str) -> IdpError:
        """Make the call and hand over its error, after proving that it tells no secret and came in time."""
        given = make_secret()
        with anyio.fail_after(self.patience), pytest.raises(IdpError) as caught:
            await CALLS[call](self, given)
        self.shows_no_secret(*shown_by_error(caught.value), given=given.value)
        return caught.value

    def shows_no_secret(self, *shown: Shown, given: str) -> None:
        """Neither here nor in the log; credentials of the provider's own that went over the line count as well."""
        secrets = {"the given secret": given, "the client's secret": self.secret.value, **self.own_secrets}
        for bearer in {bearer for request in self.proxy.requests if (bearer := bearer_of(request))}:
            secrets[f"its own bearer token {bearer[:12]}..."] = bearer
        assert leaks(secrets, [*shown, *shown_by_log(self.log)]) == []

    async def succeeds(self, call: str) -> None:
        """Make the call with a new secret."""
        with anyio.fail_after(self.patience):
            await CALLS[call](self, make_secret())

    async def works_again(self) -> None:
        """At once. A provider in a hurry is asked again, but only after answers that did not come in its time."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while True:
                began = time.monotonic()
                try:
                    return await self.provider.check()
                except IdpUnavailableError:
                    if not self.hurried or time.monotonic() - began < HURRY_SECONDS:
                        raise


def bearer_of(request: Request) -> str:
    """The bearer token that came along; empty without one."""
    scheme, _, value = str(request.headers.get("authorization", "")).partition(" ")
    return value if scheme.casefold() == "bearer" else ""


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

    limit_seconds: float = 3.0
    """The limit per request for `open_through`; shorter in tests that wait until it has passed."""

    @pytest.fixture
    def upstream(self) -> str:
        """The address of the system that the provider drives, such as `http://127.0.0.1:8080`."""
        raise NotImplementedError("Override this fixture.")

    async def open_through(self, url: str) -> IdentityProvider:
        """Open a provider whose every request goes to `url`, with a limit of `limit_seconds` per request.

        A fixed limit of a second will do, and lets some tests wait longer.
        """
        raise NotImplementedError("Override this together with `upstream`.")

    def changes(self, request: Request) -> bool:
        """Whether a request changes clients. Override it where the method does not tell."""
        return request.method in {"POST", "PUT", "PATCH", "DELETE"} and not request.is_form

    def logs_in(self, request: Request) -> bool:
        """Whether a request fetches the provider's own credentials. Override it where none is a form.

        Let it answer False to all if it has credentials that never end.
        """
        return request.is_form

    def needs_logins(self, scene: Scene) -> None:
        """Skip for providers that do not log in; fail if one seems to, in a way that `logs_in` does not know."""
        requests = scene.proxy.requests
        if any(self.logs_in(request) for request in requests):
            return
        if type(self).logs_in is Broken.logs_in and any(map(bearer_of, requests)):
            seen = ", ".join(dict.fromkeys(f"{request.method} {request.target}" for request in requests))
            pytest.fail(
                f"{scene.provider.name} sends bearer tokens, and none of its requests looks like a login: override "
                f"`logs_in` to tell which of these is one, or to say that none is: {seen}"
            )
        pytest.skip(f"{scene.provider.name} does not log in")

    @pytest.fixture
    async def replica(self, upstream: str) -> AsyncIterator[IdentityProvider]:
        provider = await self.open_through(upstream)
        yield provider
        await provider.close()

    @pytest.fixture
    async def scene(self, upstream: str, log: pytest.LogCaptureFixture) -> AsyncIterator[Scene]:
        async with FaultProxy(upstream) as proxy:
            provider = await self.open_through(proxy.url)
            try:
                spec, secret = make_managed_spec(), make_secret()
                made = await provider.create_client(spec, secret)
                secret = ClientSecret(value=made.secret)
                yield Scene(provider, proxy, spec, secret, log, own_secrets=self.own_secrets())
                proxy.heal()
                await provider.delete_clients([spec.client_id])
            finally:
                await provider.close()

    @asynccontextmanager
    async def in_a_hurry(self, scene: Scene) -> AsyncIterator[Scene]:
        """The same scene seen by a provider that does not wait for long."""
        self.limit_seconds = HURRY_SECONDS
        provider = await self.open_through(scene.proxy.url)
        try:
            yield replace(scene, provider=provider, patience=PATIENCE_SECONDS / 2, hurried=True)
        finally:
            await provider.close()

    def needs(self, scene: Scene, call: str) -> None:
        """Skip what the provider does not claim to do."""
        if call == "token":
            self.needs_tokens(scene.provider)
