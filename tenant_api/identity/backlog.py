"""A tenant's open intents, as its job works them off in small batches."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from idp_providers.errors import ClientAlreadyExistsError, ClientNotFoundError, IdpError
from tenant_api.identity.intents import NOTE_LOST, Hold
from tenant_api.operations.record import operation_error
from tenant_api.web.state import Pool

FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
"""Seconds before a client is tried again whose provider may answer by then; doubled each time."""
FIRST_REFUSED_DELAY, LONGEST_REFUSED_DELAY = 300.0, 3600.0
"""The same where repeating cannot help until somebody has changed something."""

CLAIM = """
UPDATE identity_intents i
SET version = version + 1, held_until = now() + make_interval(secs => %(hold)s),
    run_after = now() + make_interval(secs => %(hold)s)
FROM (
    SELECT client_id FROM identity_intents
    WHERE tenant_id = %(tenant)s AND run_after <= now() AND (held_until IS NULL OR held_until < now())
    ORDER BY run_after LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
) due
WHERE i.client_id = due.client_id
RETURNING i.client_id, i.version, i.held_until, i.attempts
"""

LOCK = "SELECT FROM identity_intents WHERE client_id = ANY(%s) ORDER BY client_id FOR UPDATE"
CLEAR = """
DELETE FROM identity_intents i
USING unnest(%(clients)s::text[], %(versions)s::bigint[], %(untils)s::timestamptz[]) AS done (client_id, version, until)
WHERE i.client_id = done.client_id AND i.version = done.version AND i.held_until = done.until
  AND coalesce(i.doubtful_until < now(), true)
"""
# What was changed meanwhile keeps the time that the change gave it. What is in line but in doubt gets a second look.
RELEASE = """
UPDATE identity_intents i
SET held_until = NULL, attempts = CASE WHEN tried.error IS NULL THEN 0 ELSE attempts + 1 END,
    error = CASE WHEN i.version = tried.version THEN tried.error ELSE i.error END,
    run_after = CASE WHEN i.version <> tried.version THEN i.run_after
                     WHEN tried.error IS NULL THEN i.doubtful_until
                     ELSE now() + make_interval(secs => tried.delay) END,
    doubtful_until = coalesce(now() + make_interval(secs => tried.doubt), i.doubtful_until)
FROM unnest(%(clients)s::text[], %(versions)s::bigint[], %(untils)s::timestamptz[], %(errors)s::jsonb[],
            %(delays)s::float8[], %(doubts)s::float8[]) AS tried (client_id, version, held_until, error, delay, doubt)
WHERE i.client_id = tried.client_id AND i.held_until = tried.held_until
"""

# A client that a request makes right now, and that nobody changed since, is that request's alone. One that only waits
# for its second look holds up no job.
LEFT = """
SELECT count(*) AS clients, count(*) FILTER (WHERE refused) AS refused, count(*) FILTER (WHERE held) AS held,
       extract(epoch FROM min(run_after) FILTER (WHERE NOT refused) - now())::float8 AS wait,
       (array_agg(client_id || ' (' || (error->>'message') || ')' ORDER BY since, client_id)
        FILTER (WHERE error IS NOT NULL))[1] AS example,
       (SELECT fraction FROM operations WHERE id = %(operation)s) AS fraction
FROM (SELECT *, coalesce(held_until > now(), false) AS held,
             NOT coalesce((error->>'retryable')::boolean, true) AND run_after > now()
             AND coalesce(held_until < now(), true) AS refused
      FROM identity_intents WHERE tenant_id = %(tenant)s) open
WHERE NOT (held AND version = 1)
  AND NOT coalesce(doubtful_until > now() AND run_after > now() AND error IS NULL AND NOT held, false)
"""


@dataclass(frozen=True, kw_only=True)
class Left:
    """What is still to do. `wait`: seconds until the next client is due that was not refused; `example` names one."""

    clients: int
    refused: int
    held: int
    wait: float | None
    example: str | None
    fraction: float | None


class Backlog:
    """The intents of one tenant."""

    def __init__(self, pool: Pool, tenant_id: int) -> None:
        self._pool = pool
        self._tenant_id = tenant_id

    async def claim(self, most: int, *, hold_seconds: float) -> Sequence[Hold]:
        """Hold up to `most` clients that are due and that nobody holds, the longest due first."""
        parameters = {"tenant": self._tenant_id, "most": most, "hold": hold_seconds}
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(CLAIM, parameters)).fetchall()
        return [Hold(**row) for row in rows]

    async def settle(self, holds: Collection[Hold], failures: Mapping[str, IdpError], *, doubt_seconds: float) -> None:
        """Forget what is in line, let go of the rest: due later where it failed, now where it was changed meanwhile.

        What we did not hold to the end is due now, too: somebody else may have been at it.
        """
        done = [hold for hold in holds if hold.client_id not in failures]
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(LOCK, ([hold.client_id for hold in holds],))
            await connection.execute(NOTE_LOST, {"tenant": self._tenant_id, **_held(holds)})
            await connection.execute(CLEAR, _held(done))
            await connection.execute(RELEASE, _tried(holds, failures, doubt_seconds))

    async def left(self, operation_id: UUID) -> Left:
        """What is to do now, and how far this job had come before."""
        parameters = {"tenant": self._tenant_id, "operation": operation_id}
        async with self._pool.connection() as connection:
            row = await (await connection.execute(LEFT, parameters)).fetchone()
        assert row is not None
        return Left(**row)


def _held(holds: Collection[Hold]) -> dict[str, list[Any]]:
    return {
        "clients": [hold.client_id for hold in holds],
        "versions": [hold.version for hold in holds],
        "untils": [hold.held_until for hold in holds],
    }


def _tried(holds: Collection[Hold], failures: Mapping[str, IdpError], doubt: float) -> dict[str, list[Any]]:
    errors = [failures.get(hold.client_id) for hold in holds]
    return {
        **_held(holds),
        "errors": [error and _described(error) for error in errors],
        "doubts": [doubt if error and error.retryable else None for error in errors],
        "delays": [_delay(hold.attempts, error) if error else 0.0 for hold, error in zip(holds, errors, strict=True)],
    }


def _described(error: IdpError) -> Jsonb:
    return Jsonb(operation_error("identity-provider", str(error), retryable=_may_pass(error)))


def _delay(attempts: int, error: IdpError) -> float:
    passing = _may_pass(error)
    first, longest = (FIRST_DELAY, LONGEST_DELAY) if passing else (FIRST_REFUSED_DELAY, LONGEST_REFUSED_DELAY)
    return min(longest, first * 2.0 ** min(attempts, 20))


def _may_pass(error: IdpError) -> bool:
    """A client that came or went while we looked is looked at again."""
    return error.retryable or isinstance(error, ClientAlreadyExistsError | ClientNotFoundError)
