"""With a provider that writes in the request's own transaction, a credential exists exactly if its row does."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlmodel.ext.asyncio.session import AsyncSession

from idp_providers.contract import ClientSecret, ClientSpec
from idp_providers.errors import ClientNotFoundError, IdpError
from tenant_api.db.session import driver_connection
from tenant_api.identity.clients import Clients
from tenant_api.kernel.secrets import generate_client_secret
from tenant_api.plugins.claims import wanted_clients
from tenant_api.plugins.unit_of_work import joined
from tenant_api.web.gateway import failure_of
from tenant_api.web.state import Runtime


class IssuingInside:
    """Calls the provider at once. Its tokens say what the rows say, so a change of these needs no call."""

    def __init__(self, session: AsyncSession, runtime: Runtime) -> None:
        self._session = session
        self._idp = runtime.idp
        self._identity = runtime.settings.identity

    async def create(self, key: str, *, with_application: bool = False) -> str:  # noqa: ARG002 - rolled back with it
        spec = await self._spec(key)
        async with self._provider_call():
            return (await self._idp.create_client(spec, self._new_secret())).secret

    async def renew(self, key: str) -> str:
        spec = await self._spec(key)
        async with self._provider_call():
            try:
                return (await self._idp.replace_secret(key, self._new_secret())).secret
            except ClientNotFoundError:
                return (await self._idp.create_client(spec, self._new_secret())).secret

    async def delete(self, keys: Sequence[str]) -> None:
        async with self._provider_call():
            await self._idp.delete_clients(keys)

    async def changed(self, clients: Clients) -> None:
        """Nothing to do."""

    @asynccontextmanager
    async def _provider_call(self) -> AsyncIterator[None]:
        try:
            with joined(self._session):
                yield
        except IdpError as error:
            raise failure_of(self._idp, error) from error

    async def _spec(self, key: str) -> ClientSpec:
        """The wanted client as the rows of this transaction say."""
        await self._session.flush()
        connection = await driver_connection(self._session)
        return (await wanted_clients(connection, [key], role=self._identity.client_role))[key]

    def _new_secret(self) -> ClientSecret:
        return ClientSecret(value=generate_client_secret(self._identity.generated_secret_length))
