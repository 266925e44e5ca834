"""The contract as tests: subclass `IdentityProviderContract`, give it a provider, and run pytest.

    class TestMine(IdentityProviderContract):
        @pytest.fixture
        async def provider(self):
            provider = await MyProvider.open(MySettings(...), host)
            yield provider
            await provider.close()

A provider that drives another system over HTTP subclasses `RemoteIdentityProviderContract` and also gives the fixture
`upstream` and `open_through`: the suite then puts a proxy between the two that breaks answers
(`suite/fault_proxy.py`), and proves what becomes of every call.
`make_foreign`, `copy_client`, `copy_proof`, `another_installation` and `rotate_keys` let it prove that clients of
others are left alone, and ours known; `alter_client`, that what others changed is seen and mended.
`KitHost` is a host that needs no database.

A provider that declares `multiple_secrets` subclasses `SecretKeeperContract` as well.

Needs the extra `testing` of this package. What a provider does not declare in its `capabilities` is not demanded of
it. The hooks `stranger`, `replica`, `set_claims`, `sign`, `rotate_issuer_keys` and `own_secrets` let the suite prove
more; without them it skips and says so.
"""

from idp_providers.suite.clients import ClientRules
from idp_providers.suite.faults import FaultRules
from idp_providers.suite.foreign import ForeignRules
from idp_providers.suite.grants import GrantRules
from idp_providers.suite.host import KitHost
from idp_providers.suite.judgement import JudgementRules
from idp_providers.suite.keeping import KeepingRules
from idp_providers.suite.retries import RetryRules
from idp_providers.suite.specs import make_managed_spec, make_secret, make_spec
from idp_providers.suite.states import StateRules
from idp_providers.suite.texts import payload_of

__all__ = [
    "IdentityProviderContract",
    "KitHost",
    "RemoteIdentityProviderContract",
    "SecretKeeperContract",
    "make_managed_spec",
    "make_secret",
    "make_spec",
    "payload_of",
]


class IdentityProviderContract(ClientRules, StateRules, ForeignRules, GrantRules, JudgementRules):
    """What every identity provider must do."""


class RemoteIdentityProviderContract(IdentityProviderContract, FaultRules, RetryRules):
    """And what one must do that drives another system over HTTP, when the line or the system breaks."""


class SecretKeeperContract(KeepingRules):
    """What a provider must do besides that keeps several secrets per client (`secret_keeping`)."""
