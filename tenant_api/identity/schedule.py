"""Compares every tenant's clients from time to time, a few tenants at once."""

import asyncio
from typing import Any

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from tenant_api.identity.repository import KEPT, RECONCILE
from tenant_api.operations.queue import CHANNEL
from tenant_api.web.state import Runtime

EVERY_SECONDS = 5.0
OPEN_AT_ONCE = 2
"""Comparisons that the schedule lets wait or run, of all tenants: workers and provider have other things to do."""

# One replica at a time, or each would let its own few run.
MY_TURN = "SELECT pg_try_advisory_xact_lock(hashtextextended('tenant-api identity schedule', 0)) AS mine"
# A request that was enqueueing a comparison when we looked has a tenant locked, and may have committed before we lock
# it: hence the second look when we enqueue ours.
LOCK_DUE = """
SELECT t.id FROM tenants t
LEFT JOIN LATERAL (
    SELECT o.created_at, o.finished_at FROM operations o WHERE o.tenant_id = t.id AND o.kind = %(kind)s
    ORDER BY o.number DESC LIMIT 1
) last ON true
WHERE (last.created_at IS NULL
       OR (last.finished_at IS NOT NULL AND last.created_at <= now() - make_interval(mins => %(interval)s)))
  AND EXISTS (SELECT FROM vendors v JOIN applications a ON a.vendor_id = v.id
              JOIN api_clients c ON c.application_id = a.id WHERE v.tenant_id = t.id)
ORDER BY last.created_at NULLS FIRST, t.id
LIMIT greatest(0, %(most)s - (SELECT count(*) FROM operations
                              WHERE kind = %(kind)s AND state IN ('queued', 'running', 'waiting')))
FOR NO KEY UPDATE OF t SKIP LOCKED
"""
FORGET = """
DELETE FROM operations o USING (
    SELECT number, row_number() OVER (PARTITION BY tenant_id ORDER BY number DESC) AS age FROM operations
    WHERE tenant_id = ANY(%(tenants)s) AND kind = %(kind)s
) aged
WHERE aged.number = o.number AND aged.age > %(kept)s AND o.finished_at IS NOT NULL
"""
ENQUEUE = """
WITH enqueued AS (
    INSERT INTO operations (id, tenant_id, kind, target, deadline, max_attempts, created_by)
    SELECT gen_random_uuid(), due.id, %(kind)s::text, 'identity-reconciliation:' || due.id,
           now() + make_interval(secs => %(deadline)s), %(attempts)s, 'system'
    FROM unnest(%(tenants)s::bigint[]) AS due (id)
    WHERE NOT EXISTS (SELECT FROM operations o WHERE o.tenant_id = due.id AND o.kind = %(kind)s::text
                      AND (o.finished_at IS NULL OR o.created_at > now() - make_interval(mins => %(interval)s)))
    RETURNING id
)
INSERT INTO identity_reconciliations (operation_id, dry_run, repair_limit)
SELECT id, %(limit)s::integer = 0, %(limit)s::integer FROM enqueued
"""

logger = structlog.get_logger(__name__)


async def enqueue_due(runtime: Runtime) -> int:
    """Enqueue a comparison for tenants whose last one began long enough ago; answers for how many.

    Repeatable, and safe on every replica: one of them looks at a time.
    """
    parameters = _parameters(runtime)
    async with runtime.pool.connection() as connection, connection.transaction():
        turn = await (await connection.execute(MY_TURN)).fetchone()
        if turn is None or not turn["mine"]:
            return 0
        tenants = [row["id"] for row in await (await connection.execute(LOCK_DUE, parameters)).fetchall()]
        if not tenants:
            return 0
        parameters["tenants"] = tenants
        await connection.execute(FORGET, parameters)
        enqueued = (await connection.execute(ENQUEUE, parameters)).rowcount
        await connection.execute(f"NOTIFY {CHANNEL}")
    return enqueued


async def keep_comparing(runtime: Runtime, stop: asyncio.Event) -> None:
    """Until `stop`, every few seconds. A database that is away is asked again."""
    while not stop.is_set():
        try:
            if enqueued := await enqueue_due(runtime):
                logger.info("identity.reconciliation.due", jobs=enqueued)
        except (psycopg.Error, PoolTimeout) as error:
            logger.warning("identity.reconciliation.not_enqueued", error=str(error))
        try:
            async with asyncio.timeout(EVERY_SECONDS):
                await stop.wait()
        except TimeoutError:
            continue


def _parameters(runtime: Runtime) -> dict[str, Any]:
    settings = runtime.settings
    return {
        "kind": RECONCILE,
        "interval": settings.reconciliation.interval_minutes,
        "limit": min(settings.reconciliation.scheduled_limit, settings.reconciliation.maximum_limit),
        "most": OPEN_AT_ONCE,
        "kept": KEPT,
        "deadline": settings.workers.operation_deadline_seconds,
        "attempts": settings.workers.max_attempts,
    }
