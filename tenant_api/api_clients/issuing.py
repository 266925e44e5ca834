"""Credentials at the identity provider, kept in step with our rows.

The built-in provider writes in the request's own transaction, so a credential exists exactly if its row does.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from psycopg.rows import dict_row
from sqlmodel.ext.asyncio.session import AsyncSession

from idp_providers.contract import ClientSecret, ClientSpec
from idp_providers.errors import ClientNotFoundError, IdpError
from tenant_api.db.session import driver_connection
from tenant_api.kernel.errors import BadGatewayError
from tenant_api.kernel.secrets import generate_client_secret
from tenant_api.plugins.claims import CLAIMS, claims_from
from tenant_api.plugins.unit_of_work import joined
from tenant_api.web.state import Runtime

UNEXPECTED = "The identity provider returned an unexpected response."


class Issuing:
    """Makes, renews and removes the OAuth clients behind API clients. The secret is shown once, never stored."""

    def __init__(self, session: AsyncSession, runtime: Runtime) -> None:
        self._session = session
        self._idp = runtime.idp
        self._identity = runtime.settings.identity

    async def create(self, key: str) -> str:
        """Make the client of an API client and answer its secret; BadGatewayError if the provider fails."""
        spec = await self._spec(key)
        async with self._provider_call():
            return (await self._idp.create_client(spec, self._new_secret())).secret

    async def renew(self, key: str) -> str:
        """Give a client a new secret; the old one stops working at once. Mends a client that vanished."""
        spec = await self._spec(key)
        async with self._provider_call():
            try:
                return (await self._idp.replace_secret(key, self._new_secret())).secret
            except ClientNotFoundError:
                return (await self._idp.create_client(spec, self._new_secret())).secret

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove clients; those that are gone already are no error."""
        async with self._provider_call():
            await self._idp.delete_clients(keys)

    @asynccontextmanager
    async def _provider_call(self) -> AsyncIterator[None]:
        try:
            with joined(self._session):
                yield
        except IdpError as error:
            raise BadGatewayError(errors=[UNEXPECTED]) from error

    async def _spec(self, key: str) -> ClientSpec:
        """The wanted client as the rows of this transaction say. Its approval is a claim, hence live."""
        await self._session.flush()
        connection = await driver_connection(self._session)
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(CLAIMS, ([key],))
            row = await cursor.fetchone()
        assert row is not None, "callers hold a lock on the application"
        claims = claims_from(row)
        return ClientSpec(
            client_id=key,
            display_name=claims.display_name,
            role=self._identity.client_role,
            scopes=claims.scopes,
            claims=claims,
        )

    def _new_secret(self) -> ClientSecret:
        return ClientSecret(value=generate_client_secret(self._identity.secret_minimum_length))
