"""How a tenant's clients at the provider are brought in line with the rows, a few at a time."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from idp_providers.contract import ClientSpec
from idp_providers.errors import IdpError, IdpRejectedError
from tenant_api.identity.backlog import Backlog, Left
from tenant_api.identity.intents import Hold, IntentRepository
from tenant_api.identity.jobs import SYNC
from tenant_api.identity.upstream import Upstream, doubt_seconds, hold_seconds
from tenant_api.operations.plan import Outcome, Plan, Step, Task, Write
from tenant_api.plugins.claims import wanted_clients

AT_ONCE = 8
"""Clients in one batch, all of which the provider is asked about at the same time."""
LONGEST_LOOK_AWAY = 1.0
"""Seconds between two looks at clients that somebody else holds and may let go at any time."""
SHORTEST_PAUSE, FAILED_PAUSE = 0.1, 1.0
"""Seconds to wait at least where nothing could be had, and where nothing of a batch succeeded."""


async def align(task: Task) -> Outcome:
    """Bring one batch in line. IdpRejectedError once nothing is left but clients that the provider refuses."""
    backlog = Backlog(task.runtime.pool, task.tenant_id)
    held = await backlog.claim(AT_ONCE, hold_seconds=hold_seconds(task.runtime.settings))
    failures = await _aligned(task, held)
    if held:
        await backlog.settle(held, failures, doubt_seconds=doubt_seconds(task.runtime.settings))
    left = await backlog.left(task.operation_id)
    if left.clients == 0:
        return Outcome(message="All clients are as the rows want them.", fraction=1.0)
    if left.clients == left.refused:
        raise IdpRejectedError(_remaining(left))
    return Outcome(
        done=False,
        message=_remaining(left),
        fraction=_fraction(left, in_line=len(held) - len(failures)),
        retry_after=timedelta(seconds=_pause(left, held, failures)),
    )


async def describe_rest(task: Task) -> str:
    """What the deadline left undone."""
    left = await Backlog(task.runtime.pool, task.tenant_id).left(task.operation_id)
    return f"The operation ran out of time. {_remaining(left)}"


def try_again(tenant_id: int) -> Write:
    """Whoever retries the job has removed what stood in the way."""

    async def write(session: AsyncSession) -> None:
        await IntentRepository(session).try_again(tenant_id)

    return write


SYNC_PLAN = Plan(kind=SYNC, steps=(Step(name="align", run=align),), overdue=describe_rest, retried=try_again)


async def _aligned(task: Task, held: Sequence[Hold]) -> dict[str, IdpError]:
    """Ask for all at once; what failed, by client. The rows are read after the holds: they are at least as new."""
    keys = [hold.client_id for hold in held]
    async with task.runtime.pool.connection() as connection:
        wanted = await wanted_clients(connection, keys, role=task.runtime.settings.identity.client_role)
    upstream = Upstream(task.runtime)
    failures = await asyncio.gather(*(_failure(upstream, key, wanted.get(key)) for key in keys))
    return {key: failure for key, failure in zip(keys, failures, strict=True) if failure is not None}


async def _failure(upstream: Upstream, client_id: str, wanted: ClientSpec | None) -> IdpError | None:
    try:
        await upstream.align(client_id, wanted)
    except IdpError as error:
        return error
    return None


def _pause(left: Left, held: Sequence[Hold], failures: dict[str, IdpError]) -> float:
    """Go on at once while it works; a provider that answers for none of a batch is left alone for a moment."""
    if len(failures) < len(held):
        return 0.0
    wait = max(left.wait or 0.0, FAILED_PAUSE if failures else SHORTEST_PAUSE)
    return min(wait, LONGEST_LOOK_AWAY) if left.held else wait


def _fraction(left: Left, *, in_line: int) -> float:
    """How much of all is done, by what this batch took from the rest; it never goes back."""
    before = left.fraction or 0.0
    return max(before, 1 - (1 - before) * left.clients / (left.clients + in_line))


def _remaining(left: Left) -> str:
    clients = "1 client remains" if left.clients == 1 else f"{left.clients} clients remain"
    why = f", for example {left.example}" if left.example else ""
    return f"{clients} to be brought in line at the identity provider{why}."
