"""Finds clients that are due and that no job will see to: left by requests that died, or by jobs that failed."""

import asyncio

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from tenant_api.identity.jobs import SYNC
from tenant_api.operations.queue import CHANNEL
from tenant_api.web.state import Runtime

EVERY_SECONDS = 10.0

# The lock lets one of several sweepers have a tenant; foreign keys do not wait for it.
SWEEP = """
INSERT INTO operations (id, tenant_id, kind, target, deadline, max_attempts, created_by)
SELECT gen_random_uuid(), t.id, %(kind)s, 'identity:' || t.id, now() + make_interval(secs => %(deadline)s),
       %(attempts)s, 'system'
FROM tenants t
WHERE t.id IN (SELECT tenant_id FROM identity_intents
               WHERE run_after <= now() AND (held_until IS NULL OR held_until < now()))
  AND NOT EXISTS (SELECT FROM operations o WHERE o.target = 'identity:' || t.id
                  AND o.state IN ('queued', 'running', 'waiting'))
FOR NO KEY UPDATE OF t SKIP LOCKED
"""

logger = structlog.get_logger(__name__)


async def sweep(runtime: Runtime) -> int:
    """Enqueue a job for each tenant that needs one; answers how many. Repeatable, and safe on every replica."""
    workers = runtime.settings.workers
    parameters = {"kind": SYNC, "deadline": workers.operation_deadline_seconds, "attempts": workers.max_attempts}
    async with runtime.pool.connection() as connection, connection.transaction():
        found = (await connection.execute(SWEEP, parameters)).rowcount
        if found:
            await connection.execute(f"NOTIFY {CHANNEL}")
    return found


async def keep_sweeping(runtime: Runtime, stop: asyncio.Event) -> None:
    """Until `stop`, at once and then every few seconds. A database that is away is asked again."""
    while not stop.is_set():
        try:
            if found := await sweep(runtime):
                logger.info("identity.sweep", jobs=found)
        except (psycopg.Error, PoolTimeout) as error:
            logger.warning("identity.sweep.failed", error=str(error))
        try:
            async with asyncio.timeout(EVERY_SECONDS):
                await stop.wait()
        except TimeoutError:
            continue
