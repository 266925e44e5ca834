"""The queue: which operation runs next, and whose it is. Hot path, hence plain SQL.

Times are the database's. A claim raises the fence; whoever holds an older fence can no longer write.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import errors as pg

from tenant_api.web.state import Pool

CHANNEL = "operations"

CLAIM = """
WITH due AS (
    SELECT number FROM operations o
    WHERE (state = 'running' AND lease_until < now())
       OR (state IN ('queued', 'waiting') AND run_after <= now() AND NOT EXISTS (
               SELECT FROM operations earlier
               WHERE earlier.target = o.target AND earlier.number < o.number
                 AND earlier.state IN ('queued', 'running', 'waiting')))
    ORDER BY number
    FOR UPDATE SKIP LOCKED
    LIMIT %(room)s
)
UPDATE operations o
SET state = 'running', fence = fence + 1, lease_owner = %(worker)s,
    lease_until = now() + make_interval(secs => %(lease)s), started_at = coalesce(started_at, now())
FROM due WHERE o.number = due.number
RETURNING o.number, o.id, o.tenant_id, o.kind, o.target, o.fence, o.attempts, o.max_attempts, o.undo
"""

# What its own worker has just ended has no lease any more, but is not lost: nobody else holds a newer fence.
RENEW = """
UPDATE operations o
SET lease_until = CASE o.state WHEN 'running' THEN now() + make_interval(secs => %(lease)s) ELSE o.lease_until END
FROM unnest(%(numbers)s::bigint[], %(fences)s::bigint[]) AS held (number, fence)
WHERE o.number = held.number AND o.fence = held.fence
RETURNING o.number
"""

HAND_BACK = """
UPDATE operations SET state = CASE WHEN step IS NULL THEN 'queued' ELSE 'waiting' END, run_after = now(),
    lease_owner = NULL, lease_until = NULL
WHERE number = %s AND fence = %s AND state = 'running'
"""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """An operation that this worker holds until its lease ends."""

    number: int
    id: UUID
    tenant_id: int
    kind: str
    target: str
    fence: int
    attempts: int
    max_attempts: int
    undo: str | None


async def claim(pool: Pool, *, worker: str, room: int, lease_seconds: float) -> list[Claim]:
    """Take up to `room` operations: those whose worker died first, then the heads of their targets' queues."""
    parameters = {"worker": worker, "room": room, "lease": lease_seconds}
    try:
        async with pool.connection() as connection:
            rows = await (await connection.execute(CLAIM, parameters)).fetchall()
    except pg.UniqueViolation:  # two workers saw different heads of one target; the index let one through
        return []
    return [Claim(**row) for row in sorted(rows, key=lambda row: row["number"])]


def renewal(claims: Iterable[Claim], lease_seconds: float) -> dict[str, Any]:
    """Parameters of `RENEW`."""
    held = list(claims)
    return {
        "lease": lease_seconds,
        "numbers": [claim.number for claim in held],
        "fences": [claim.fence for claim in held],
    }


async def hand_back(pool: Pool, held: Claim) -> None:
    """Let another worker have it at once."""
    async with pool.connection() as connection, connection.transaction():
        await connection.execute(HAND_BACK, (held.number, held.fence))
        await connection.execute(f"NOTIFY {CHANNEL}")
