"""What the tests of the contract stand on."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import pytest

from idp_providers.contract import ClientClaims, ClientSpec, IdentityProvider, TokenRequest
from idp_providers.suite.leaks import everything_logged
from idp_providers.suite.specs import make_secret

AT_ONCE = 16


class Harness:
    """What the tests need of a subclass: the fixture `provider`, and the hooks where they apply."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    def provider(self) -> IdentityProvider:
        raise NotImplementedError("Override this fixture with an opened provider.")

    @pytest.fixture
    def stranger(self) -> IdentityProvider | None:
        """Another provider with keys of its own, or None."""
        return None

    @pytest.fixture
    def replica(self) -> IdentityProvider | None:
        """What `provider` is in another process of the service: the same system and host. None if there can be none."""
        return None

    @pytest.fixture
    def log(self, caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
        """All that is logged, down to debug."""
        with everything_logged(caplog):
            yield caplog

    def own_secrets(self) -> dict[str, str]:
        """With what the provider itself logs in, by what it is, such as `{"the API key": "..."}`: none may be shown."""
        return {}

    def set_claims(self, client_id: str, claims: ClientClaims) -> None:
        """Let `Host.claims_of` answer so from now on. Providers that store claims need nothing."""

    def sign(self, provider: IdentityProvider, claims: dict[str, Any]) -> str:  # noqa: ARG002 - a hook
        """Sign any claims with the provider's own key, to prove that a good signature alone does not suffice."""
        pytest.skip(f"{provider.name} does not lend its key")

    async def create(self, provider: IdentityProvider, spec: ClientSpec) -> str:
        """Make the client and return its secret."""
        if spec.claims is not None:
            self.set_claims(spec.client_id, spec.claims)
        return (await provider.create_client(spec, make_secret())).secret

    async def token(self, provider: IdentityProvider, client_id: str, secret: str, *scopes: str) -> str:
        self.needs_tokens(provider)
        request = TokenRequest(client_id=client_id, client_secret=secret, requested_scopes=scopes)
        answer = await provider.token(request)
        assert answer.token_type == "Bearer"  # noqa: S105 - the scheme's name
        assert answer.expires_in > 0
        return answer.access_token

    @staticmethod
    def needs_tokens(provider: IdentityProvider) -> None:
        if not provider.capabilities.issues_tokens:
            pytest.skip(f"{provider.name} does not issue tokens")

    @staticmethod
    def needs_claims(provider: IdentityProvider) -> None:
        if not provider.capabilities.contract_claims:
            pytest.skip(f"tokens of {provider.name} carry scopes only")


async def at_once(call: Callable[[], Awaitable[None]]) -> None:
    """Run `AT_ONCE` calls concurrently."""

    async def run() -> None:
        await call()

    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(run)
