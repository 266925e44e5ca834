"""What an operation does, as its feature describes it. The engine owns order, retries, leases and saving."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.web.state import Runtime

Write = Callable[[AsyncSession], Awaitable[None]]
"""Changes to the feature's rows, run in the transaction that records the step, and only if the fence holds."""


async def nothing(_session: AsyncSession) -> None:
    """No change."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """An operation in the hands of a worker, as far as a step may know it."""

    runtime: Runtime
    operation_id: UUID
    tenant_id: int
    target: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one call of a step achieved. A step that is not done is called again after `retry_after`."""

    done: bool = True
    write: Write = nothing
    message: str | None = None
    fraction: float | None = None
    retry_after: timedelta = timedelta(0)


Run = Callable[[Task], Awaitable[Outcome]]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step. It must converge when it is run again: a worker can die after its effect, before its record."""

    name: str
    run: Run


End = Callable[[Task], Write]


def no_end(_task: Task) -> Write:
    """Nothing to do at the end."""
    return nothing


Explain = Callable[[Task], Awaitable[str]]


async def out_of_time(_task: Task) -> str:
    """All that can be said in general."""
    return "The operation ran out of time."


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The life of one kind of operation.

    `undo` takes back what the steps made: after a cancellation, or when a step raises one of `worthless`.
    Without `undo` an operation can be cancelled only before its first step. `cancelled` runs with the final record.
    `overdue` says what the deadline left undone. `retried` runs, for a tenant, with the wish to try a failed one again.
    """

    kind: str
    steps: tuple[Step, ...]
    undo: tuple[Step, ...] = ()
    worthless: tuple[type[Exception], ...] = ()
    cancelled: End = no_end
    overdue: Explain = out_of_time
    retried: Callable[[int], Write] | None = None


Plans = Mapping[str, Plan]
