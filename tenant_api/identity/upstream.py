"""One client at the provider: made, renewed, brought in line. Never called inside a transaction."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from idp_providers.contract import ClientSecret, ClientSpec, ClientState
from idp_providers.errors import ClientAlreadyExistsError, IdpError, IdpUnavailableError
from tenant_api.identity.agreement import agrees
from tenant_api.kernel.secrets import generate_client_secret
from tenant_api.settings.tree import Settings
from tenant_api.web.state import Runtime

MARGIN_SECONDS = 10.0
"""What a hold lasts longer than the calls that it protects may take."""


class ForeignClientError(IdpError):
    """A client has our id and no proof that we made it: it is not ours to adopt, change or delete."""

    def __init__(self) -> None:
        super().__init__("The identity provider holds a client of this id that this installation did not make.")


def hold_seconds(settings: Settings) -> float:
    """For how long whoever calls the provider about a client keeps everybody else from doing so."""
    return settings.idp.timeout_seconds + MARGIN_SECONDS


def doubt_seconds(settings: Settings) -> float:
    """For how long after its time limit a call without an answer may still have its effect."""
    return settings.idp.timeout_seconds


class Upstream:
    """The provider, with ownership proved before anything is touched.

    Each call converges when it is repeated, ends within the provider's time limit, and raises errors of the
    provider's family only: IdpUnavailableError may mean that it had its effect.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._idp = runtime.idp
        self._limit = runtime.settings.idp.timeout_seconds
        self._secret_length = runtime.settings.identity.generated_secret_length

    async def create(self, wanted: ClientSpec) -> str:
        """Make a client and answer its secret; one that a lost reply left behind is adopted."""
        async with self._in_time():
            try:
                return (await self._idp.create_client(wanted, self._new_secret())).secret
            except ClientAlreadyExistsError:
                return await self._renew(wanted)

    async def renew(self, wanted: ClientSpec) -> str:
        """Bring a client in line, give it a new secret and answer that; one that vanished is made again."""
        async with self._in_time():
            return await self._renew(wanted)

    async def align(self, client_id: str, wanted: ClientSpec | None) -> None:
        """Let the client be as wanted, or absent if nothing is wanted.

        Nobody knows the secret of a client that has to be made here: resetting the credential shows a new one.
        """
        async with self._in_time():
            state = await self._own(client_id)
            if wanted is None:
                if state is not None:
                    await self._idp.delete_clients([client_id])
            elif state is None:
                await self._idp.create_client(wanted, self._new_secret())
            elif not agrees(state, wanted):
                await self._idp.update_client(wanted)

    async def _renew(self, wanted: ClientSpec) -> str:
        if await self._own(wanted.client_id) is None:
            return (await self._idp.create_client(wanted, self._new_secret())).secret
        await self._idp.update_client(wanted)
        return (await self._idp.replace_secret(wanted.client_id, self._new_secret())).secret

    async def _own(self, client_id: str) -> ClientState | None:
        state = await self._idp.find_client(client_id)
        if state is not None and not state.owned:
            raise ForeignClientError
        return state

    def _new_secret(self) -> ClientSecret:
        return ClientSecret(value=generate_client_secret(self._secret_length))

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._limit):
                yield
        except TimeoutError:
            raise IdpUnavailableError(f"The identity provider took longer than {self._limit:g} s.") from None
