"""Lost answers, repeated calls, credentials that end, and how many requests a call may cost."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import anyio
import pytest

from idp_providers.contract import ClientSpec, IdentityProvider
from idp_providers.errors import ClientAlreadyExistsError, IdpError, IdpUnavailableError
from idp_providers.suite.broken import CALLS, CHANGING, MANAGING, PATIENCE_SECONDS, Broken, Scene
from idp_providers.suite.fault_proxy import Fault, Request
from idp_providers.suite.harness import at_once
from idp_providers.suite.specs import make_managed_spec, make_secret

MOST_REQUESTS = {
    "check": 3,
    "create_client": 2,
    "update_client": 3,
    "replace_secret": 3,
    "delete_clients": 2,
    "find_client": 2,
    "token": 1,
}
"""Requests of one call on a provider that is logged in already."""


class RetryRules(Broken):
    """A repeated call converges, whatever became of the first."""

    @pytest.mark.parametrize("call", CALLS)
    async def test_a_call_costs_few_requests(self, scene: Scene, call: str) -> None:
        self.needs(scene, call)
        await scene.succeeds("check")
        before = len(scene.proxy.requests)
        await scene.succeeds(call)
        made = [request for request in scene.proxy.requests[before:] if call == "token" or not self.logs_in(request)]
        assert 0 < len(made) <= MOST_REQUESTS[call], [f"{request.method} {request.target}" for request in made]

    async def test_many_clients_do_not_make_a_call_dearer(self, scene: Scene) -> None:
        """Clients are looked up by id, never by listing."""
        costs = []
        for _ in range(2):
            before = len(scene.proxy.requests)
            await scene.provider.find_client(scene.spec.client_id)
            costs.append(len(scene.proxy.requests) - before)
            for _ in range(12):
                await scene.provider.create_client(make_managed_spec(), make_secret())
        assert costs[0] == costs[1]

    async def test_a_lost_answer_to_a_create_is_found_as_our_own(self, scene: Scene) -> None:
        spec = make_managed_spec()
        await self._loses(scene, lambda: scene.provider.create_client(spec, make_secret()))
        found = await scene.provider.find_client(spec.client_id)
        assert found is not None
        assert found.owned
        with pytest.raises(ClientAlreadyExistsError):
            await scene.provider.create_client(spec, make_secret())
        await self._works_with_a_new_secret(scene.provider, spec)

    async def test_a_lost_answer_to_an_update_is_mended_by_repeating_it(self, scene: Scene) -> None:
        wanted = replace(scene.spec, display_name="Renamed")
        await self._loses(scene, lambda: scene.provider.update_client(wanted))
        await scene.provider.update_client(wanted)
        found = await scene.provider.find_client(wanted.client_id)
        assert found is not None
        assert found.display_name == "Renamed"

    async def test_a_lost_answer_to_a_new_secret_is_mended_by_repeating_it(self, scene: Scene) -> None:
        await self._loses(scene, lambda: scene.provider.replace_secret(scene.spec.client_id, make_secret()))
        await self._works_with_a_new_secret(scene.provider, scene.spec)

    async def test_a_lost_answer_to_a_delete_is_mended_by_repeating_it(self, scene: Scene) -> None:
        await self._loses(scene, lambda: scene.provider.delete_clients([scene.spec.client_id]))
        await scene.provider.delete_clients([scene.spec.client_id])
        assert await scene.provider.find_client(scene.spec.client_id) is None

    @pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.UNAVAILABLE, Fault.THROTTLED], ids=str)
    @pytest.mark.parametrize("call", CHANGING)
    async def test_a_call_that_failed_works_when_repeated(self, scene: Scene, call: str, fault: Fault) -> None:
        scene.proxy.plan(fault)
        await scene.fails(call)
        scene.proxy.heal()
        await scene.succeeds(call)

    @pytest.mark.parametrize("call", MANAGING)
    async def test_credentials_that_ended_are_renewed_within_the_call(self, scene: Scene, call: str) -> None:
        await scene.succeeds("check")
        self.needs_logins(scene)
        scene.proxy.plan(Fault.UNAUTHORIZED, matching=lambda request: not self.logs_in(request), times=1)
        await scene.succeeds(call)

    async def test_concurrent_calls_share_one_login(self, scene: Scene) -> None:
        await scene.succeeds("check")
        self.needs_logins(scene)
        before = len(scene.proxy.requests)
        spent = {request.headers.get("authorization") for request in scene.proxy.requests}

        def with_spent_credentials(request: Request) -> bool:
            return not self.logs_in(request) and request.headers.get("authorization") in spent

        scene.proxy.plan(Fault.UNAUTHORIZED, matching=with_spent_credentials)

        async def look() -> None:
            assert await scene.provider.find_client(scene.spec.client_id) is not None

        await at_once(look)
        logins = [request for request in scene.proxy.requests[before:] if self.logs_in(request)]
        assert 0 < len(logins) <= 2, len(logins)

    async def test_one_login_serves_many_calls(self, scene: Scene) -> None:
        await scene.succeeds("check")
        self.needs_logins(scene)
        before = len(scene.proxy.requests)
        for _ in range(4):
            await scene.provider.find_client(scene.spec.client_id)
        logins = [request for request in scene.proxy.requests[before:] if self.logs_in(request)]
        assert len(logins) <= 1, "it logs in for every call"

    async def test_a_call_that_was_given_up_harms_no_other(self, scene: Scene) -> None:
        """Once at its first request, which is the login of those that log in, and once at another."""
        provider = await self.open_through(scene.proxy.url)
        try:
            for _ in range(2):
                await self._gives_up(scene, provider)
                with anyio.fail_after(PATIENCE_SECONDS):
                    await provider.check()
        finally:
            await provider.close()

    async def test_creations_through_a_lossy_line_end_in_exactly_those_clients(self, scene: Scene) -> None:
        """Every third answer is lost; whoever sees no answer looks, and adopts what is its own."""
        specs = [make_managed_spec() for _ in range(30)]
        lost = iter(range(1_000_000))
        scene.proxy.plan(Fault.LOST_REPLY, matching=lambda request: self.changes(request) and next(lost) % 3 == 0)
        limit = anyio.CapacityLimiter(8)

        async def make(spec: ClientSpec) -> None:
            async with limit:
                await _made(scene.provider, spec)

        async with anyio.create_task_group() as tasks:
            for spec in specs:
                tasks.start_soon(make, spec)
        scene.proxy.heal()
        for spec in specs:
            found = await scene.provider.find_client(spec.client_id)
            assert found is not None
            assert found.owned
        await scene.provider.delete_clients([spec.client_id for spec in specs])
        for spec in specs:
            assert await scene.provider.find_client(spec.client_id) is None

    async def _gives_up(self, scene: Scene, provider: IdentityProvider) -> None:
        """Cancel a call while its first request waits for an answer."""
        arrived = anyio.Event()

        def arrives(_: Request) -> bool:
            arrived.set()
            return True

        async def cancel() -> None:
            await arrived.wait()
            tasks.cancel_scope.cancel()

        scene.proxy.plan(Fault.HANGING, matching=arrives)
        with anyio.fail_after(PATIENCE_SECONDS):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(cancel)
                await provider.check()
                pytest.fail("a call that was cancelled went on")
        scene.proxy.heal()

    async def _loses(self, scene: Scene, call: Callable[[], Awaitable[object]]) -> None:
        """Make a call whose answer is lost; a provider may hide that if it knows its own work again."""
        scene.proxy.plan(Fault.LOST_REPLY, matching=self.changes, times=1)
        with suppress(IdpUnavailableError):
            await call()
        scene.proxy.heal()

    async def _works_with_a_new_secret(self, provider: IdentityProvider, spec: ClientSpec) -> None:
        secret = (await provider.replace_secret(spec.client_id, make_secret())).secret
        if provider.capabilities.issues_tokens:
            assert await self.token(provider, spec.client_id, secret)


async def _made(provider: IdentityProvider, spec: ClientSpec) -> None:
    """Make a client as the service does: look after a lost answer, and repeat."""
    for _ in range(12):
        try:
            await provider.create_client(spec, make_secret())
        except ClientAlreadyExistsError:
            return
        except IdpUnavailableError:
            continue
        except IdpError as error:
            raise AssertionError(f"{spec.client_id}: {error!r}") from error
        else:
            return
    raise AssertionError(f"{spec.client_id}: never made")
