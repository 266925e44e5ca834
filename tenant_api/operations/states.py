"""The states of an operation, what may follow which, and their words on the wire."""

from enum import StrEnum


class State(StrEnum):
    """`WAITING` has begun and is due again at `run_after`: between two looks at slow work, or after a failure."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = frozenset({State.QUEUED, State.RUNNING, State.WAITING})
RETRYABLE = frozenset({State.FAILED, State.CANCELLED})

FOLLOWERS: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.RUNNING}),
    State.WAITING: frozenset({State.RUNNING}),
    State.RUNNING: frozenset(State),  # RUNNING again: another worker takes over an expired lease
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset({State.QUEUED}),
    State.CANCELLED: frozenset({State.QUEUED}),
}

JOB_STATUS = {
    State.QUEUED: "Pending",
    State.RUNNING: "InProgress",
    State.WAITING: "InProgress",
    State.SUCCEEDED: "Completed",
    State.FAILED: "Error",
    State.CANCELLED: "Cancelled",
}


def may_follow(before: State, after: State) -> bool:
    """Whether an operation may go from one state to the other."""
    return after in FOLLOWERS[before]
