"""What a client is after every call that changes it, and by the hand of somebody else."""

from dataclasses import replace
from typing import Any

import pytest

from idp_providers.contract import ClientClaims, ClientSpec, ClientState, IdentityProvider
from idp_providers.errors import InvalidClientError
from idp_providers.suite.harness import Harness
from idp_providers.suite.specs import make_managed_spec, make_secret, make_spec
from idp_providers.suite.texts import payload_of

LONG_NAME = "Grüße aus der Schule, 学校 " + "x" * 80
CLAIMS: tuple[dict[str, Any], ...] = (
    {"data_store_ids": ()},
    {"namespace_prefixes": ()},
    {"education_organization_ids": ()},
    {"data_store_ids": (7,)},
    {"namespace_prefixes": ("uri://b",)},
    {"education_organization_ids": (2**53 + 1,)},
    {"scopes": ("Other",)},
    {"data_store_ids": (), "namespace_prefixes": (), "education_organization_ids": ()},
)
"""What changes about the claims of an application, each by itself. The long number does not fit into a float."""


class StateRules(Harness):
    """A client is what it was wanted to be last, whichever call made it so."""

    async def alter_client(self, client_id: str) -> None:  # noqa: ARG002 - a hook
        """Change what the tokens of an application's client say, as somebody with all rights would, past us.

        Override it if there can be anybody.
        """
        pytest.skip("nobody else can change clients")

    @pytest.mark.parametrize("held_back", ["disabled", "unapproved"])
    async def test_a_client_can_be_made_without_a_right_to_tokens(
        self, provider: IdentityProvider, held_back: str
    ) -> None:
        spec = self._held_back(provider, held_back)
        secret = await self.create(provider, spec)
        assert (await self._found(provider, spec)).enabled == spec.enabled
        with pytest.raises(InvalidClientError):
            await self.token(provider, spec.client_id, secret)

    async def test_an_applications_client_can_be_disabled(self, provider: IdentityProvider) -> None:
        disabled = self._held_back(provider, "disabled")
        secret = await self.create(provider, replace(disabled, enabled=True))
        await provider.update_client(disabled)
        assert not (await self._found(provider, disabled)).enabled
        with pytest.raises(InvalidClientError):
            await self.token(provider, disabled.client_id, secret)

    async def test_a_new_secret_changes_nothing_else(self, provider: IdentityProvider) -> None:
        spec = make_managed_spec()
        await self.create(provider, spec)
        before = await self._found(provider, spec)
        secret = (await provider.replace_secret(spec.client_id, make_secret())).secret
        assert await self._found(provider, spec) == before
        await self._is_in_the_next_token(provider, spec, secret)

    @pytest.mark.parametrize("held_back", ["disabled", "unapproved"])
    async def test_a_new_secret_gives_no_right_to_tokens(self, provider: IdentityProvider, held_back: str) -> None:
        spec = self._held_back(provider, held_back)
        await self.create(provider, spec)
        before = await self._found(provider, spec)
        secret = (await provider.replace_secret(spec.client_id, make_secret())).secret
        assert await self._found(provider, spec) == before
        with pytest.raises(InvalidClientError):
            await self.token(provider, spec.client_id, secret)

    async def test_every_claim_is_brought_into_the_next_token(self, provider: IdentityProvider) -> None:
        spec = make_managed_spec()
        secret = await self.create(provider, spec)
        for changes in CLAIMS:
            claims = replace(_claims(spec), **changes)
            changed = replace(spec, claims=claims, scopes=claims.scopes)
            self.set_claims(spec.client_id, claims)
            await provider.update_client(changed)
            assert (await self._found(provider, changed)).claims in {claims, None}
            await self._is_in_the_next_token(provider, changed, secret)

    async def test_a_client_can_be_made_with_no_claims_but_a_scope(self, provider: IdentityProvider) -> None:
        spec = make_managed_spec()
        spec = replace(spec, claims=replace(_claims(spec), **CLAIMS[-1]))
        await self._is_in_the_next_token(provider, spec, await self.create(provider, spec))

    async def test_names_are_kept_whole(self, provider: IdentityProvider) -> None:
        spec = make_spec(display_name=LONG_NAME)
        await self.create(provider, spec)
        assert (await self._found(provider, spec)).display_name == LONG_NAME
        await provider.update_client(replace(spec, display_name=LONG_NAME[::-1]))
        assert (await self._found(provider, spec)).display_name == LONG_NAME[::-1]

    async def test_what_another_changed_is_seen_and_mended_by_an_update(self, provider: IdentityProvider) -> None:
        spec = make_managed_spec()
        secret = await self.create(provider, spec)
        for _ in range(3):
            before = await self._found(provider, spec)
        await self.alter_client(spec.client_id)
        altered = await self._found(provider, spec)
        assert altered.owned, "a change of another does not make it a client of others"
        assert altered != before, "what its tokens say was changed, and nothing of it shows"
        await provider.update_client(spec)
        assert await self._found(provider, spec) == before
        await self._is_in_the_next_token(provider, spec, secret)

    def _held_back(self, provider: IdentityProvider, how: str) -> ClientSpec:
        spec = make_managed_spec()
        if how == "unapproved":
            return replace(spec, claims=replace(_claims(spec), approved=False))
        if not provider.capabilities.enable_disable:
            pytest.skip(f"{provider.name} cannot disable clients")
        return replace(spec, enabled=False)

    async def _found(self, provider: IdentityProvider, spec: ClientSpec) -> ClientState:
        found = await provider.find_client(spec.client_id)
        assert found is not None, spec.client_id
        return found

    async def _is_in_the_next_token(self, provider: IdentityProvider, spec: ClientSpec, secret: str) -> None:
        """All that an application's token has to say, as far as the provider's tokens say it."""
        if not provider.capabilities.issues_tokens:
            return
        token = await self.token(provider, spec.client_id, secret)
        assert (await provider.verify(token)).scopes == set(_claims(spec).scopes)
        if provider.capabilities.contract_claims:
            said = payload_of(token)
            assert {name: said.get(name) or "" for name in _wanted(spec)} == _wanted(spec)


def _claims(spec: ClientSpec) -> ClientClaims:
    assert spec.claims is not None
    return spec.claims


def _wanted(spec: ClientSpec) -> dict[str, str]:
    claims = _claims(spec)
    return {
        "scope": " ".join(claims.scopes),
        "namespacePrefixes": ",".join(claims.namespace_prefixes),
        "educationOrganizationIds": ",".join(map(str, claims.education_organization_ids)),
        "dataStoreIds": ",".join(map(str, claims.data_store_ids)),
    }
