"""The life of clients."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from idp_providers.contract import (
    API_VERSION,
    Capabilities,
    IdentityProvider,
    TokenRequest,
)
from idp_providers.errors import (
    ClientAlreadyExistsError,
    ClientNotFoundError,
    IdpError,
)
from idp_providers.suite.harness import AT_ONCE, Harness, at_once
from idp_providers.suite.leaks import Shown, leaks, shown_by_error, shown_by_log
from idp_providers.suite.specs import make_managed_spec, make_secret, make_spec
from idp_providers.suite.texts import forged_signature


class ClientRules(Harness):
    """Clients are made once, found, changed in place, and gone when deleted."""

    async def test_has_the_shape_of_the_contract(self, provider: IdentityProvider) -> None:
        assert isinstance(provider, IdentityProvider)
        assert provider.api_version == API_VERSION
        assert provider.name
        assert isinstance(provider.capabilities, Capabilities)
        assert provider.issuer
        assert provider.settings_model.model_json_schema()
        await provider.check()

    async def test_a_created_client_is_found_with_its_state(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        credentials = await provider.create_client(spec, make_secret())
        found = await provider.find_client(spec.client_id)
        assert found is not None
        assert (found.client_id, found.display_name, found.role) == (spec.client_id, spec.display_name, spec.role)
        assert sorted(found.scopes) == sorted(spec.scopes)
        assert found.enabled
        assert credentials.client_id == spec.client_id

    async def test_the_state_tells_the_claims_that_the_provider_keeps(self, provider: IdentityProvider) -> None:
        for spec in (make_spec(), make_managed_spec()):
            await self.create(provider, spec)
            found = await provider.find_client(spec.client_id)
            assert found is not None
            kept = None if provider.capabilities.live_claims else spec.claims
            assert found.claims in {kept, None}
            await provider.update_client(spec)
            assert await provider.find_client(spec.client_id) == found

    async def test_the_given_secret_is_taken(self, provider: IdentityProvider) -> None:
        if not provider.capabilities.chosen_secrets:
            pytest.skip(f"{provider.name} makes its own secrets")
        spec, secret = make_spec(), make_secret()
        assert (await provider.create_client(spec, secret)).secret == secret.value
        other = make_secret()
        assert (await provider.replace_secret(spec.client_id, other)).secret == other.value

    async def test_an_unknown_client_is_not_found(self, provider: IdentityProvider) -> None:
        assert await provider.find_client(str(uuid4())) is None

    async def test_an_id_can_be_taken_once_whatever_its_case(self, provider: IdentityProvider) -> None:
        spec = make_spec(client_id=f"Mixed-{uuid4()}")
        await self.create(provider, spec)
        for taken in (spec.client_id, spec.client_id.upper()):
            with pytest.raises(ClientAlreadyExistsError):
                await provider.create_client(replace(spec, client_id=taken), make_secret())
        found = await provider.find_client(spec.client_id.upper())
        assert found is not None
        assert found.client_id == spec.client_id

    async def test_a_taken_id_leaves_the_first_client_as_it_was(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        secret = await self.create(provider, spec)
        with pytest.raises(ClientAlreadyExistsError):
            await provider.create_client(replace(spec, display_name="Other"), make_secret())
        found = await provider.find_client(spec.client_id)
        assert found is not None
        assert found.display_name == spec.display_name
        assert await self.token(provider, spec.client_id, secret)

    async def test_concurrent_creates_of_one_id_have_one_winner(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        outcomes: list[type[IdpError] | None] = []

        async def attempt() -> None:
            try:
                await provider.create_client(spec, make_secret())
            except IdpError as error:
                outcomes.append(type(error))
            else:
                outcomes.append(None)

        await at_once(attempt)
        assert outcomes.count(None) == 1
        assert outcomes.count(ClientAlreadyExistsError) == AT_ONCE - 1

    async def test_a_lost_answer_is_resolved_by_looking(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        await self.create(provider, spec)
        with pytest.raises(ClientAlreadyExistsError):
            await self.create(provider, spec)
        assert await provider.find_client(spec.client_id) is not None
        secret = (await provider.replace_secret(spec.client_id, make_secret())).secret
        assert await self.token(provider, spec.client_id, secret)

    async def test_updating_twice_is_as_updating_once_and_keeps_the_secret(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        secret = await self.create(provider, spec)
        changed = replace(spec, display_name="Renamed", scopes=("readonly",))
        await provider.update_client(changed)
        once = await provider.find_client(spec.client_id)
        await provider.update_client(changed)
        assert await provider.find_client(spec.client_id) == once
        assert once is not None
        assert (once.display_name, once.scopes) == ("Renamed", ("readonly",))
        assert (await provider.verify(await self.token(provider, spec.client_id, secret))).scopes == {"readonly"}

    async def test_a_client_is_changed_whatever_the_case_of_its_id(self, provider: IdentityProvider) -> None:
        spec = make_spec(client_id=f"Mixed-{uuid4()}")
        await self.create(provider, spec)
        folded = spec.client_id.lower()
        await provider.update_client(replace(spec, client_id=folded, display_name="Renamed"))
        secret = (await provider.replace_secret(folded, make_secret())).secret
        found = await provider.find_client(folded)
        assert found is not None
        assert (found.client_id, found.display_name) == (spec.client_id, "Renamed")
        assert await self.token(provider, spec.client_id, secret)

    async def test_changing_an_unknown_client_says_so(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        with pytest.raises(ClientNotFoundError):
            await provider.update_client(spec)
        with pytest.raises(ClientNotFoundError):
            await provider.replace_secret(spec.client_id, make_secret())
        assert await provider.find_client(spec.client_id) is None

    async def test_deleting_twice_is_as_deleting_once(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        await self.create(provider, spec)
        await provider.delete_clients([spec.client_id.upper()])
        await provider.delete_clients([spec.client_id])
        assert await provider.find_client(spec.client_id) is None

    async def test_absent_clients_among_several_do_not_save_the_others(self, provider: IdentityProvider) -> None:
        own = [make_spec() for _ in range(3)]
        for spec in own:
            await self.create(provider, spec)
        ids = [spec.client_id for spec in own]
        await provider.delete_clients([ids[0], str(uuid4()), ids[1], str(uuid4()), ids[2]])
        assert [await provider.find_client(client_id) for client_id in ids] == [None] * 3

    async def test_secrets_stay_out_of_texts_and_logs(
        self, provider: IdentityProvider, log: pytest.LogCaptureFixture
    ) -> None:
        spec, given, wrong = make_spec(), make_secret(), make_secret()
        credentials = await provider.create_client(spec, given)
        secrets = {"the given secret": given.value, "a wrong secret": wrong.value, **self.own_secrets()}
        shown: list[Shown] = [
            ("repr of the ClientSecret", repr(given)),
            ("repr of the ClientCredentials", repr(credentials)),
            ("repr of the ClientState", repr(await provider.find_client(spec.client_id))),
            ("repr of the provider", repr(provider)),
        ]
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: provider.create_client(spec, given),
            lambda: provider.create_client(replace(spec, client_id="nul\0", display_name="\ud800"), given),
            lambda: provider.replace_secret(str(uuid4()), given),
        ]
        if provider.capabilities.issues_tokens:
            token = await self.token(provider, spec.client_id, credentials.secret)
            await provider.verify(token)
            secrets |= {"the client's secret": credentials.secret, "a token": token}
            calls += [
                lambda: provider.verify(forged_signature(token)),
                lambda: provider.revoke(token),
                lambda: provider.verify(token),
                lambda: provider.token(TokenRequest(client_id=spec.client_id, client_secret=wrong.value)),
                lambda: provider.token(TokenRequest(client_id=str(uuid4()), client_secret=given.value)),
                lambda: provider.verify(f"{given.value}.{wrong.value}.x"),
            ]
        for call in calls:
            try:
                await call()
            except IdpError as error:
                shown += shown_by_error(error)
        assert leaks(secrets, [*shown, *shown_by_log(log)]) == []

    async def test_maintaining_breaks_nothing(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        token = await self.token(provider, spec.client_id, await self.create(provider, spec))
        await at_once(provider.maintain)
        assert await provider.verify(token)

    async def test_closing_twice_does_no_harm(self, provider: IdentityProvider) -> None:
        await provider.close()
        await provider.close()
