"""Clients of others in the same system are looked at, and nothing more."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from uuid import uuid4

import pytest

from idp_providers.contract import IdentityProvider
from idp_providers.errors import ClientAlreadyExistsError, IdpError, IdpUnavailableError
from idp_providers.suite.harness import Harness
from idp_providers.suite.specs import make_managed_spec, make_secret, make_spec


class ForeignRules(Harness):
    """Ownership is proved by a marker that only this installation could have made; a name proves nothing."""

    async def make_foreign(self, client_id: str) -> None:  # noqa: ARG002 - a hook
        """Put a client into the provider's system as somebody else would. Override it if there can be any."""
        pytest.skip("no client of others can be there")

    async def copy_client(self, client_id: str, stranger: IdentityProvider) -> None:  # noqa: ARG002 - a hook
        """Put a client of `provider` into the system of `stranger`, with all that can be copied, the proof included.

        Override it if `stranger` has the same host and drives another system.
        """
        pytest.skip("nothing can be copied to another system")

    async def copy_proof(self, client_id: str, other_id: str) -> None:  # noqa: ARG002 - a hook
        """Put a client `other_id` into the provider's system that has all of `client_id`, the proof included.

        Override it if there can be clients of others.
        """
        pytest.skip("no client of others can be there")

    def another_installation(self) -> AbstractContextManager[None]:
        """Within it the host of `provider` says another `installation`, and signs with the same keys."""
        pytest.skip("the host is of one installation")

    def rotate_keys(self) -> None:
        """Let the host of `provider` sign with a new key, and go on recognising the old one's signatures."""
        pytest.skip("the host's keys cannot be changed")

    async def test_own_clients_are_known_as_own(self, provider: IdentityProvider) -> None:
        for spec in (make_spec(), make_managed_spec()):
            await self.create(provider, spec)
            found = await provider.find_client(spec.client_id)
            assert found is not None
            assert found.owned
            assert not found.stale

    async def test_a_client_that_was_copied_to_another_system_is_foreign_there(
        self, provider: IdentityProvider, stranger: IdentityProvider | None
    ) -> None:
        if stranger is None:
            pytest.skip("there is no other system")
        spec = make_managed_spec()
        await self.create(provider, spec)
        await self.copy_client(spec.client_id, stranger)
        copied = await stranger.find_client(spec.client_id)
        assert copied is not None
        assert not copied.owned

    async def test_the_proof_of_a_client_proves_nothing_at_another(self, provider: IdentityProvider) -> None:
        spec, other_id = make_managed_spec(), str(uuid4())
        await self.create(provider, spec)
        await self.copy_proof(spec.client_id, other_id)
        copied = await provider.find_client(other_id)
        assert copied is not None
        assert not copied.owned
        with pytest.raises(IdpError):
            await provider.delete_clients([other_id])
        assert await provider.find_client(other_id) == copied

    async def test_a_client_of_another_installation_with_our_keys_is_foreign(self, provider: IdentityProvider) -> None:
        spec = make_managed_spec()
        await self.create(provider, spec)
        with self.another_installation():
            found = await provider.find_client(spec.client_id)
        assert found is not None
        assert not found.owned

    async def test_a_proof_by_an_old_key_stands_and_is_made_anew_by_an_update(self, provider: IdentityProvider) -> None:
        spec = make_managed_spec()
        await self.create(provider, spec)
        self.rotate_keys()
        for stale in (True, False):
            found = await provider.find_client(spec.client_id)
            assert found is not None
            assert (found.owned, found.stale) == (True, stale)
            await provider.update_client(spec)

    async def test_a_foreign_client_is_seen_as_foreign(self, provider: IdentityProvider) -> None:
        await self.make_foreign(client_id := str(uuid4()))
        found = await provider.find_client(client_id)
        assert found is not None
        assert not found.owned

    async def test_a_foreign_id_is_taken(self, provider: IdentityProvider) -> None:
        spec = make_managed_spec()
        await self.make_foreign(spec.client_id)
        with pytest.raises(ClientAlreadyExistsError):
            await provider.create_client(spec, make_secret())

    @pytest.mark.parametrize("call", ["update_client", "replace_secret", "delete_clients"])
    async def test_a_foreign_client_is_neither_changed_nor_removed(self, provider: IdentityProvider, call: str) -> None:
        spec = make_managed_spec()
        await self.make_foreign(spec.client_id)
        before = await provider.find_client(spec.client_id)
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "update_client": lambda: provider.update_client(spec),
            "replace_secret": lambda: provider.replace_secret(spec.client_id, make_secret()),
            "delete_clients": lambda: provider.delete_clients([spec.client_id]),
        }
        with pytest.raises(IdpError) as caught:
            await calls[call]()
        assert not isinstance(caught.value, IdpUnavailableError), "repeating it cannot help"
        assert await provider.find_client(spec.client_id) == before

    @pytest.mark.parametrize("place", ["first", "last"])
    async def test_a_foreign_client_among_several_is_not_removed(self, provider: IdentityProvider, place: str) -> None:
        """Each of them has to prove that it is ours. What becomes of the others is left open: the call failed."""
        spec, foreign_id = make_spec(), str(uuid4())
        await self.create(provider, spec)
        await self.make_foreign(foreign_id)
        before = await provider.find_client(foreign_id)
        ids = [foreign_id, spec.client_id] if place == "first" else [spec.client_id, foreign_id]
        with pytest.raises(IdpError) as caught:
            await provider.delete_clients(ids)
        assert not isinstance(caught.value, IdpUnavailableError), "repeating it cannot help"
        assert await provider.find_client(foreign_id) == before
        await provider.delete_clients([spec.client_id])
        assert await provider.find_client(spec.client_id) is None
