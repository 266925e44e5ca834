"""The job that brings a tenant's clients in line: one is enough for many changes."""

from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.session import driver_connection
from tenant_api.operations.repository import OperationRepository
from tenant_api.settings.tree import WorkerSettings

SYNC = "identity.sync"

# A job that sleeps, or has not begun, does our work too: locked until we commit, it cannot begin without our intents.
# One that a worker could have taken a second ago is left to the workers, or steady changes would hold it up for ever.
REUSE = """
UPDATE operations SET run_after = now() WHERE number = (
    SELECT number FROM operations o
    WHERE target = %(target)s AND state IN ('queued', 'running', 'waiting') AND NOT cancel_requested AND (
        (state = 'waiting' AND run_after > now())
        OR (state = 'queued' AND (created_at > now() - interval '1 second' OR EXISTS (
            SELECT FROM operations earlier
            WHERE earlier.target = o.target AND earlier.number < o.number
              AND earlier.state IN ('queued', 'running', 'waiting')))))
    ORDER BY number DESC LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING id
"""


def target_of(tenant_id: int) -> str:
    """How operations name a tenant's clients."""
    return f"identity:{tenant_id}"


async def enqueue_sync(session: AsyncSession, tenant_id: int, workers: WorkerSettings) -> UUID:
    """The job that will work off what this transaction recorded, an open one or a new one."""
    operations = OperationRepository(session, tenant_id)
    connection = await driver_connection(session)
    row = await (await connection.execute(REUSE, {"target": target_of(tenant_id)})).fetchone()
    if row is None:
        deadline = timedelta(seconds=workers.operation_deadline_seconds)
        return await operations.enqueue(
            SYNC, target_of(tenant_id), deadline=deadline, max_attempts=workers.max_attempts
        )
    await operations.wake_workers()
    job_id: UUID = row[0]
    return job_id
