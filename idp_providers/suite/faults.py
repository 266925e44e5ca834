"""What a provider says when the system behind it fails: which error of the family, for every call and every fault."""

from contextlib import nullcontext

import pytest

from idp_providers.contract import ClientCredentials
from idp_providers.errors import (
    ClientAlreadyExistsError,
    ClientNotFoundError,
    IdpDeniedError,
    IdpError,
    IdpRejectedError,
    IdpUnavailableError,
)
from idp_providers.suite.broken import CALLS, CHANGING, MANAGING, Broken, Scene
from idp_providers.suite.fault_proxy import Fault
from idp_providers.suite.leaks import leaks
from idp_providers.suite.specs import make_managed_spec, make_secret

AWAY = (
    Fault.REFUSED,
    Fault.LOST_REPLY,
    Fault.HANGING,
    Fault.TRUNCATED,
    Fault.THROTTLED,
    Fault.SERVER_ERROR,
    Fault.BAD_GATEWAY,
    Fault.UNAVAILABLE,
    Fault.GATEWAY_TIMEOUT,
)
SENSELESS = (Fault.LOGIN_PAGE, Fault.EMPTY, Fault.SHAPELESS)


class FaultRules(Broken):
    """No usable answer is `IdpUnavailableError`, a refusal says why, and nothing else ever leaves a provider."""

    @pytest.mark.parametrize("fault", AWAY, ids=str)
    @pytest.mark.parametrize("call", CALLS)
    async def test_no_usable_answer_is_unavailable_and_passes(self, scene: Scene, call: str, fault: Fault) -> None:
        self.needs(scene, call)
        async with self.in_a_hurry(scene) if fault is Fault.HANGING else nullcontext(scene) as seen:
            seen.proxy.plan(fault)
            error = await seen.fails(call)
            assert isinstance(error, IdpUnavailableError), error
            assert error.retryable
            seen.proxy.heal()
            await seen.works_again()

    @pytest.mark.parametrize("call", CALLS)
    async def test_a_page_for_people_is_no_success(self, scene: Scene, call: str) -> None:
        self.needs(scene, call)
        scene.proxy.plan(Fault.LOGIN_PAGE)
        await scene.fails(call)

    @pytest.mark.parametrize("fault", SENSELESS, ids=str)
    @pytest.mark.parametrize("call", ["find_client", "token"])
    async def test_an_answer_without_sense_is_an_error_of_the_family(
        self, scene: Scene, call: str, fault: Fault
    ) -> None:
        self.needs(scene, call)
        scene.proxy.plan(fault)
        error = await scene.fails(call)
        assert not isinstance(error, ClientNotFoundError)
        scene.proxy.heal()
        found = await scene.provider.find_client(scene.spec.client_id)
        assert found is not None

    @pytest.mark.parametrize("call", MANAGING)
    @pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.FORBIDDEN], ids=str)
    async def test_refused_rights_are_denied_and_not_retried(self, scene: Scene, call: str, fault: Fault) -> None:
        scene.proxy.plan(fault, matching=lambda request: not self.logs_in(request))
        before = len(scene.proxy.requests)
        error = await scene.fails(call)
        assert isinstance(error, IdpDeniedError), error
        assert not error.retryable
        assert len(scene.proxy.requests) - before <= 6, "it keeps knocking"

    @pytest.mark.parametrize("call", MANAGING)
    async def test_lost_rights_of_its_own_are_an_error_of_the_family(self, scene: Scene, call: str) -> None:
        """Its credentials ended and it gets no new ones."""
        scene.proxy.plan(Fault.UNAUTHORIZED)
        assert isinstance(await scene.fails(call), IdpError)

    @pytest.mark.parametrize("call", ["create_client", "update_client", "replace_secret"])
    async def test_a_request_called_wrong_is_rejected(self, scene: Scene, call: str) -> None:
        scene.proxy.plan(Fault.BAD_REQUEST, matching=self.changes)
        error = await scene.fails(call)
        assert isinstance(error, IdpRejectedError), error
        assert not error.retryable

    async def test_a_taken_id_is_told_by_its_own_error(self, scene: Scene) -> None:
        scene.proxy.plan(Fault.CONFLICT, matching=self.changes)
        assert isinstance(await scene.fails("create_client"), ClientAlreadyExistsError)

    @pytest.mark.parametrize("call", ["update_client", "replace_secret"])
    async def test_a_conflict_of_a_change_is_an_error_of_the_family(self, scene: Scene, call: str) -> None:
        scene.proxy.plan(Fault.CONFLICT, matching=self.changes)
        assert not isinstance(await scene.fails(call), ClientNotFoundError)

    @pytest.mark.parametrize("call", ["update_client", "replace_secret"])
    async def test_a_client_that_vanishes_in_the_middle_is_not_found(self, scene: Scene, call: str) -> None:
        scene.proxy.plan(Fault.NOT_FOUND, matching=self.changes)
        assert isinstance(await scene.fails(call), ClientNotFoundError)

    async def test_a_client_that_vanishes_before_its_deletion_is_gone(self, scene: Scene) -> None:
        scene.proxy.plan(Fault.NOT_FOUND, matching=self.changes, times=1)
        await scene.succeeds("delete_clients")

    @pytest.mark.parametrize("call", CHANGING)
    async def test_what_was_refused_had_no_effect(self, scene: Scene, call: str) -> None:
        before = await scene.provider.find_client(scene.spec.client_id)
        scene.proxy.plan(Fault.UNAVAILABLE)
        await scene.fails(call)
        scene.proxy.heal()
        assert await scene.provider.find_client(scene.spec.client_id) == before

    async def test_nothing_secret_is_shown_by_what_it_holds(self, scene: Scene) -> None:
        spec, given = make_managed_spec(), make_secret()
        made = await scene.provider.create_client(spec, given)
        assert isinstance(made, ClientCredentials)
        found = await scene.provider.find_client(spec.client_id)
        await scene.succeeds("check")
        scene.shows_no_secret(
            ("repr of the provider", repr(scene.provider)),
            ("repr of the ClientCredentials", repr(made)),
            ("repr of the ClientState", repr(found)),
            given=made.secret,
        )
        held = {"the client's secret": made.secret}
        assert leaks(held, [("repr of what the provider holds", repr(vars(scene.provider)))]) == []
        await scene.provider.delete_clients([spec.client_id])
