"""How clients at the provider are compared with the rows, a batch at a time, while both go on changing."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlmodel.ext.asyncio.session import AsyncSession

from idp_providers.contract import ClientSpec, ClientState
from idp_providers.errors import IdpError
from tenant_api.db.tables import IdentityReconciliation
from tenant_api.identity.agreement import Drift, drift_of
from tenant_api.identity.report import Batch
from tenant_api.identity.repository import ReconciliationRepository
from tenant_api.kernel.errors import NotFoundError
from tenant_api.operations.plan import Outcome, Task, Write
from tenant_api.plugins.claims import wanted_clients
from tenant_api.web.state import Runtime

BATCH = 128
"""Clients whose comparison is saved together."""
AT_ONCE = 8
"""Clients that the provider is asked about at the same time."""
PAUSE = timedelta(seconds=2)
"""What a provider that does not answer is left alone for."""

KEYS = """
SELECT c.client_id, count(*) OVER () AS remaining
FROM api_clients c JOIN applications a ON a.id = c.application_id JOIN vendors v ON v.id = a.vendor_id
WHERE v.tenant_id = %(tenant)s AND c.client_id > %(after)s ORDER BY c.client_id LIMIT %(most)s
"""
OPEN = "SELECT client_id FROM identity_intents WHERE client_id = ANY(%s)"


@dataclass(frozen=True, kw_only=True)
class Page:
    """The next clients, and how many there are from here on."""

    keys: Sequence[str]
    remaining: int


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What the rows want of some clients, and which of these the provider may still have to be told about."""

    wanted: Mapping[str, ClientSpec]
    open: frozenset[str]


async def reconciliation_of(task: Task) -> IdentityReconciliation:
    """The row of the task; NotFoundError if it was deleted meanwhile."""
    async with task.runtime.sessions() as session:
        row = await ReconciliationRepository(session, task.tenant_id).row(task.operation_id)
    if row is None:
        raise NotFoundError("The comparison is gone.")
    return row


async def compare(task: Task) -> Outcome:
    """Compare one batch. What came before a failure counts; a provider that is away is asked again until it is back."""
    row = await reconciliation_of(task)
    if row.compared_at is not None:
        return Outcome()
    page = await _page(task, row.after)
    before = await _rows(task.runtime, page.keys)
    states, failure = await _states(task.runtime, page.keys)
    if failure is not None and not states:
        if not failure.retryable:
            raise failure
        return Outcome(done=False, message=_progress(row.compared, f" {failure}"), retry_after=PAUSE)
    differing = [key for key, state in states.items() if _drift(task.runtime, state, before.wanted.get(key))]
    after = await _rows(task.runtime, differing)
    batch = _judged(task.runtime, states, before, after, last=next(reversed(states), row.after))
    compared = row.compared + batch.compared
    complete = len(states) == page.remaining
    return Outcome(
        done=complete,
        write=_noting(task, batch, complete=complete),
        message=_progress(compared),
        fraction=1.0 if complete else row.compared / (row.compared + page.remaining),
    )


def _judged(
    runtime: Runtime, states: Mapping[str, ClientState | None], before: Rows, after: Rows, *, last: str
) -> Batch:
    """What differs from rows that stood still while the provider was asked.

    Otherwise a change is on its way, and an intent will see to it. What has no row any more is none of our concern.
    """
    drift: dict[str, frozenset[Drift]] = {}
    under_way = 0
    for key, wanted in after.wanted.items():
        kinds = _drift(runtime, states[key], before.wanted.get(key))
        if Drift.FOREIGN in kinds or (key not in before.open | after.open and wanted == before.wanted[key]):
            drift[key] = kinds
        else:
            under_way += 1
    return Batch(last=last, compared=len(states), under_way=under_way, drift=drift)


def _drift(runtime: Runtime, state: ClientState | None, wanted: ClientSpec | None) -> frozenset[Drift]:
    if wanted is None:
        return frozenset()
    return drift_of(state, wanted, live_claims=runtime.idp.capabilities.live_claims)


def _noting(task: Task, batch: Batch, *, complete: bool) -> Write:
    async def write(session: AsyncSession) -> None:
        await ReconciliationRepository(session, task.tenant_id).note(task.operation_id, batch, complete=complete)

    return write


async def _page(task: Task, after: str) -> Page:
    parameters = {"tenant": task.tenant_id, "after": after, "most": BATCH}
    async with task.runtime.pool.connection() as connection:
        rows = await (await connection.execute(KEYS, parameters)).fetchall()
    return Page(keys=[row["client_id"] for row in rows], remaining=rows[0]["remaining"] if rows else 0)


async def _rows(runtime: Runtime, keys: Sequence[str]) -> Rows:
    """Intents first: one that is worked off between the two reads must not look like drift."""
    if not keys:
        return Rows(wanted={}, open=frozenset())
    async with runtime.pool.connection() as connection:
        found = await (await connection.execute(OPEN, (list(keys),))).fetchall()
        wanted = await wanted_clients(connection, keys, role=runtime.settings.identity.client_role)
    return Rows(wanted=wanted, open=frozenset(row["client_id"] for row in found))


async def _states(runtime: Runtime, keys: Sequence[str]) -> tuple[dict[str, ClientState | None], IdpError | None]:
    """What the provider holds of these clients, in order, up to the first one that it could not tell about."""
    states: dict[str, ClientState | None] = {}
    for some in _in_portions(keys):
        answers = await asyncio.gather(*map(partial(_found, runtime), some))
        for key, answer in zip(some, answers, strict=True):
            if isinstance(answer, IdpError):
                return states, answer
            states[key] = answer
    return states, None


async def _found(runtime: Runtime, client_id: str) -> ClientState | IdpError | None:
    try:
        return await runtime.idp.find_client(client_id)
    except IdpError as error:
        return error


def _in_portions(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE))


def _progress(compared: int, more: str = "") -> str:
    return f"{compared} clients compared.{more}"
