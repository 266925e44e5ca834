"""The contract as tests: subclass `IdentityProviderContract`, give it a provider, and run pytest.

    class TestMine(IdentityProviderContract):
        @pytest.fixture
        async def provider(self):
            provider = await MyProvider.open(MySettings(...), host)
            yield provider
            await provider.close()

Needs pytest and anyio. What a provider does not declare in its `capabilities` is not demanded of it. The hooks
`stranger`, `set_claims` and `sign` of the harness let the suite prove more; without them it skips and says so.
"""

from idp_providers.suite.clients import ClientRules
from idp_providers.suite.grants import GrantRules
from idp_providers.suite.judgement import JudgementRules
from idp_providers.suite.specs import make_managed_spec, make_secret, make_spec
from idp_providers.suite.texts import payload_of

__all__ = ["IdentityProviderContract", "make_managed_spec", "make_secret", "make_spec", "payload_of"]


class IdentityProviderContract(ClientRules, GrantRules, JudgementRules):
    """What every identity provider must do."""
