"""With a provider outside our database: intent and rows, commit, call, clear (ADR 17).

The one place besides the edge of a request that commits: no transaction is open while the provider is called, and
whatever dies in between leaves an intent, by which a job brings the provider to the rows.
"""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog
from psycopg import Error
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel.ext.asyncio.session import AsyncSession

from idp_providers.contract import ClientSpec
from idp_providers.errors import IdpError
from tenant_api.api_clients.undoing import forget_api_client
from tenant_api.db.session import driver_connection
from tenant_api.identity.clients import Clients, these_clients
from tenant_api.identity.intents import Hold, IntentRepository
from tenant_api.identity.jobs import enqueue_sync
from tenant_api.identity.upstream import ForeignClientError, Upstream, doubt_seconds, hold_seconds
from tenant_api.kernel.errors import BadGatewayError
from tenant_api.plugins.claims import wanted_clients
from tenant_api.web.state import Runtime

UNEXPECTED = "The identity provider returned an unexpected response."
Announce = Callable[[UUID], None]
"""Takes the id of the job that will complete a change."""
AWAY = (Error, PoolTimeout, SQLAlchemyError)

logger = structlog.get_logger(__name__)


class IssuingOutside:
    """Records what the provider has to be told; only what a caller waits for is told at once."""

    def __init__(self, session: AsyncSession, runtime: Runtime, tenant_id: int, announce: Announce) -> None:
        self._session = session
        self._runtime = runtime
        self._tenant_id = tenant_id
        self._announce = announce
        self._intents = IntentRepository(session)
        self._upstream = Upstream(runtime)

    async def create(self, key: str, *, with_application: bool = False) -> str:
        hold, wanted = await self._committed(key)

        async def undo(session: AsyncSession) -> None:
            await forget_api_client(session, key, with_application=with_application)

        return await self._told(hold, self._upstream.create(wanted), undo)

    async def renew(self, key: str) -> str:
        hold, wanted = await self._committed(key)

        async def nothing(_session: AsyncSession) -> None:
            """The old secret may be gone: repeating the request shows a new one."""

        return await self._told(hold, self._upstream.renew(wanted), nothing)

    async def delete(self, keys: Sequence[str]) -> None:
        await self.changed(these_clients(keys, self._tenant_id))

    async def changed(self, clients: Clients) -> None:
        for tenant_id in await self._intents.record(clients):
            job_id = await enqueue_sync(self._session, tenant_id, self._runtime.settings.workers)
            if tenant_id == self._tenant_id:  # the job of another tenant could not be read at this address
                self._announce(job_id)

    async def _committed(self, key: str) -> tuple[Hold, ClientSpec]:
        """End the unit of work with an intent that nobody else takes up before the call has had its time."""
        await self._session.flush()
        hold = await self._intents.hold(key, self._tenant_id, seconds=hold_seconds(self._runtime.settings))
        connection = await driver_connection(self._session)
        wanted = await wanted_clients(connection, [key], role=self._runtime.settings.identity.client_role)
        await self._session.commit()
        return hold, wanted[key]

    async def _told(self, hold: Hold, call: Awaitable[str], undo: Callable[[AsyncSession], Awaitable[None]]) -> str:
        """The secret that the provider set. What becomes of the intent is no longer the caller's concern."""
        try:
            secret = await call
        except IdpError as error:
            await self._settled(hold, undo)
            said = str(error) if isinstance(error, ForeignClientError) else UNEXPECTED
            raise BadGatewayError(errors=[said]) from error
        await self._settled(hold)
        return secret

    async def _settled(self, hold: Hold, undo: Callable[[AsyncSession], Awaitable[None]] | None = None) -> None:
        """Clear the intent, or take back the rows and leave it to a job. If we cannot, its hold runs out."""
        try:
            async with self._runtime.sessions.begin() as session:
                intents = IntentRepository(session)
                if undo is None:
                    await intents.clear(hold, self._tenant_id)
                    return
                await undo(session)
                await intents.give_up(hold, self._tenant_id, doubt_seconds=doubt_seconds(self._runtime.settings))
                await enqueue_sync(session, self._tenant_id, self._runtime.settings.workers)
        except AWAY as error:
            logger.warning("identity.intent.left", client=hold.client_id, error=type(error).__name__)
