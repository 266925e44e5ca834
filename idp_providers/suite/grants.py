"""Who gets a token, and what it grants."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from idp_providers.contract import (
    ClientSecret,
    IdentityProvider,
    TokenRequest,
)
from idp_providers.errors import (
    InvalidClientError,
    UnauthorizedClientError,
)
from idp_providers.suite.harness import AT_ONCE, Harness, at_once
from idp_providers.suite.specs import make_managed_spec, make_secret, make_spec
from idp_providers.suite.texts import payload_of

A_MINUTE = timedelta(minutes=1)
"""By how much the provider's clock may differ from that of the tests."""


class GrantRules(Harness):
    """Tokens are for clients that prove their secret, and say what is true now."""

    async def test_a_secret_that_a_person_chose_works(self, provider: IdentityProvider) -> None:
        if not provider.capabilities.chosen_secrets:
            pytest.skip(f"{provider.name} makes its own secrets")
        spec = make_spec(client_id=f"Chosen-{uuid4()}")
        await provider.create_client(spec, ClientSecret(value="A secret of 32 characters, or +1.", chosen=True))
        assert await self.token(provider, spec.client_id, "A secret of 32 characters, or +1.")
        with pytest.raises(UnauthorizedClientError):
            await self.token(provider, spec.client_id, "A secret of 32 characters, or +2.")

    async def test_a_replaced_secret_stops_working_at_once(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        old = await self.create(provider, spec)
        assert await self.token(provider, spec.client_id, old)
        new = (await provider.replace_secret(spec.client_id, make_secret())).secret
        with pytest.raises(UnauthorizedClientError):
            await self.token(provider, spec.client_id, old)
        assert await self.token(provider, spec.client_id, new)

    async def test_a_deleted_client_gets_no_token(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        secret = await self.create(provider, spec)
        assert await self.token(provider, spec.client_id, secret)
        await provider.delete_clients([spec.client_id])
        with pytest.raises(InvalidClientError):
            await self.token(provider, spec.client_id, secret)

    async def test_a_deleted_id_can_be_taken_again(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        old = await self.create(provider, spec)
        await provider.delete_clients([spec.client_id])
        new = await self.create(provider, spec)
        with pytest.raises(UnauthorizedClientError):
            await self.token(provider, spec.client_id, old)
        assert await self.token(provider, spec.client_id, new)

    async def test_a_disabled_client_gets_no_token_until_enabled(self, provider: IdentityProvider) -> None:
        if not provider.capabilities.enable_disable:
            pytest.skip(f"{provider.name} cannot disable clients")
        spec = make_spec()
        secret = await self.create(provider, spec)
        await provider.update_client(replace(spec, enabled=False))
        with pytest.raises(InvalidClientError):
            await self.token(provider, spec.client_id, secret)
        await provider.update_client(spec)
        assert await self.token(provider, spec.client_id, secret)

    async def test_unknown_client_and_wrong_secret_are_told_apart(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        secret = await self.create(provider, spec)
        for unknown in (str(uuid4()), "nobody", "", "nul\0", "\ud800", "x" * 5000):
            with pytest.raises(InvalidClientError):
                await self.token(provider, unknown, secret)
        for wrong in (secret[:-1], secret.swapcase(), "", "nul\0", "\ud800", "x" * 5000):
            with pytest.raises(UnauthorizedClientError):
                await self.token(provider, spec.client_id, wrong)

    async def test_requested_scopes_narrow_but_never_widen(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        secret = await self.create(provider, spec)
        for requested, granted in (
            (("READONLY",), {"readonly"}),
            (("readonly", "root"), {"readonly"}),
            (("root",), set(spec.scopes)),
        ):
            token = await self.token(provider, spec.client_id, secret, *requested)
            assert (await provider.verify(token)).scopes == granted

    async def test_the_answer_agrees_with_its_token(self, provider: IdentityProvider) -> None:
        self.needs_tokens(provider)
        spec = make_spec()
        secret = await self.create(provider, spec)
        request = TokenRequest(client_id=spec.client_id, client_secret=secret, requested_scopes=("readonly", "root"))
        answer = await provider.token(request)
        principal = await provider.verify(answer.access_token)
        assert set(answer.scopes) == principal.scopes == {"readonly"}
        assert principal.expires_at == datetime.fromtimestamp(payload_of(answer.access_token)["exp"], UTC)
        left = principal.expires_at - datetime.now(UTC)
        assert abs(left - timedelta(seconds=answer.expires_in)) < A_MINUTE

    async def test_an_applications_token_carries_its_claims(self, provider: IdentityProvider) -> None:
        self.needs_claims(provider)
        spec = make_managed_spec()
        token = await self.token(provider, spec.client_id, await self.create(provider, spec))
        claims = (await provider.verify(token)).claims
        assert claims["scope"] == "SISVendor"
        assert claims["namespacePrefixes"] == "uri://ed-fi.org,uri://acme.org"
        assert claims["educationOrganizationIds"] == "255901,19255901"
        assert claims["dataStoreIds"] == "1,2"

    async def test_changed_claims_are_in_the_next_token(self, provider: IdentityProvider) -> None:
        self.needs_claims(provider)
        spec = make_managed_spec()
        secret = await self.create(provider, spec)
        assert spec.claims is not None
        claims = replace(spec.claims, data_store_ids=(7,))
        self.set_claims(spec.client_id, claims)
        await provider.update_client(replace(spec, claims=claims))
        token = await self.token(provider, spec.client_id, secret)
        assert payload_of(token)["dataStoreIds"] == "7"

    async def test_a_client_without_approval_gets_no_token(self, provider: IdentityProvider) -> None:
        spec = make_managed_spec()
        secret = await self.create(provider, spec)
        assert spec.claims is not None
        claims = replace(spec.claims, approved=False)
        self.set_claims(spec.client_id, claims)
        await provider.update_client(replace(spec, claims=claims))
        with pytest.raises(InvalidClientError):
            await self.token(provider, spec.client_id, secret)

    async def test_concurrent_tokens_are_good_and_distinct(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        secret = await self.create(provider, spec)
        ids: list[str] = []

        async def attempt() -> None:
            token = await self.token(provider, spec.client_id, secret)
            ids.append((await provider.verify(token)).token_id)

        self.needs_tokens(provider)
        await at_once(attempt)
        assert len(set(ids)) == AT_ONCE
