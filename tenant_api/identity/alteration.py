"""A client that somebody changed at the provider, found out when it asked for a token."""

import structlog

from tenant_api.identity.clients import client_at_rest
from tenant_api.identity.intents import IntentRepository
from tenant_api.identity.jobs import enqueue_sync
from tenant_api.web.state import Runtime

logger = structlog.get_logger(__name__)


async def note_alteration(runtime: Runtime, client_id: str) -> None:
    """Let a job bring the client of an application in line. One that is about to, or at it, is enough.

    The service's own clients have no rows that say what they must be: those are brought in line at the next start.
    """
    logger.warning("identity.client.altered", client=client_id)
    async with runtime.sessions.begin() as session:
        for tenant_id in await IntentRepository(session).record(client_at_rest(client_id)):
            await enqueue_sync(session, tenant_id, runtime.settings.workers)
