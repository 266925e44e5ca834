"""Every state has a name on the wire, and nobody stays in one without a way out."""

from hypothesis import given
from hypothesis import strategies as st

from tenant_api.managed_data_stores.states import (
    CREATE,
    DELETABLE,
    DELETE,
    WHY_NOT_DELETE,
    Status,
    allowed_actions,
    status_of,
)
from tenant_api.operations.states import FOLLOWERS, JOB_STATUS, OPEN, RETRYABLE, State, may_follow

KINDS = st.sampled_from([CREATE, DELETE])
STATES = st.sampled_from(list(State))
ATTEMPTS = st.integers(0, 50)
PATHS = st.lists(STATES, max_size=30)


@given(KINDS, STATES, ATTEMPTS)
def test_every_kind_state_and_number_of_attempts_has_a_status(kind: str, state: State, attempts: int) -> None:
    assert status_of(kind, state, attempts) in Status
    assert JOB_STATUS[state] in {"Pending", "InProgress", "Completed", "Error", "Cancelled"}


@given(KINDS, STATES, ATTEMPTS, st.booleans())
def test_every_state_goes_on_by_itself_or_lets_its_caller_act(
    kind: str, state: State, attempts: int, begun: bool
) -> None:
    status = status_of(kind, state, attempts)
    goes_on = state in OPEN
    assert goes_on or allowed_actions(status, begun=begun) or status is Status.DELETED


@given(KINDS, STATES, ATTEMPTS, st.booleans())
def test_the_actions_that_are_offered_are_the_ones_that_are_accepted(
    kind: str, state: State, attempts: int, begun: bool
) -> None:
    status = status_of(kind, state, attempts)
    offered = allowed_actions(status, begun=begun)
    assert ("delete" in offered) == (status in DELETABLE)
    assert ("retry" in offered) <= (state in RETRYABLE)
    assert ("cancel" in offered) <= (state in OPEN)
    assert status in WHY_NOT_DELETE or status in DELETABLE or status is Status.DELETED


@given(PATHS)
def test_from_every_reachable_state_the_end_can_be_reached(path: list[State]) -> None:
    state = State.QUEUED
    for wanted in path:
        if may_follow(state, wanted):
            state = wanted
    seen = {state}
    frontier = [state]
    while frontier:
        for follower in FOLLOWERS[frontier.pop()] - seen:
            seen.add(follower)
            frontier.append(follower)
    assert State.SUCCEEDED in seen


def test_what_succeeded_is_never_run_again() -> None:
    assert FOLLOWERS[State.SUCCEEDED] == frozenset()
    assert not OPEN & RETRYABLE
    assert frozenset(State) == OPEN | RETRYABLE | {State.SUCCEEDED}
