"""The status of a managed data store: it follows from the last operation on it, and nothing else stores it."""

from enum import StrEnum

from tenant_api.operations.states import State

CREATE = "createDataStore"
DELETE = "deleteDataStore"


class Status(StrEnum):
    """The words of the contract. `*Failed` is tried again by itself, `*Error` waits for a decision."""

    PENDING_CREATE = "PendingCreate"
    CREATE_IN_PROGRESS = "CreateInProgress"
    CREATED = "Created"
    CREATE_FAILED = "CreateFailed"
    CREATE_ERROR = "CreateError"
    PENDING_DELETE = "PendingDelete"
    DELETE_IN_PROGRESS = "DeleteInProgress"
    DELETE_FAILED = "DeleteFailed"
    DELETE_ERROR = "DeleteError"
    DELETED = "Deleted"


_ENDS = {
    CREATE: {State.SUCCEEDED: Status.CREATED, State.FAILED: Status.CREATE_ERROR, State.CANCELLED: Status.CREATE_ERROR},
    DELETE: {State.SUCCEEDED: Status.DELETED, State.FAILED: Status.DELETE_ERROR, State.CANCELLED: Status.DELETE_ERROR},
}
_PENDING = {CREATE: Status.PENDING_CREATE, DELETE: Status.PENDING_DELETE}
_RUNNING = {CREATE: Status.CREATE_IN_PROGRESS, DELETE: Status.DELETE_IN_PROGRESS}
_FAILING = {CREATE: Status.CREATE_FAILED, DELETE: Status.DELETE_FAILED}

DELETABLE = frozenset({Status.CREATED, Status.CREATE_ERROR, Status.DELETE_ERROR})

WHY_NOT_DELETE = {
    Status.PENDING_CREATE: "DataStoreManage is being provisioned. Wait for creation to complete.",
    Status.CREATE_IN_PROGRESS: "DataStoreManage is currently being provisioned. Wait for creation to complete.",
    Status.CREATE_FAILED: "DataStoreManage creation failed. It will be retried automatically by the background job.",
    Status.PENDING_DELETE: "DataStoreManage is already queued for deletion.",
    Status.DELETE_IN_PROGRESS: "DataStoreManage is currently being deleted.",
    Status.DELETE_FAILED: "DataStoreManage deletion failed. It will be retried automatically by the background job.",
}


def status_of(kind: str, state: State, attempts: int) -> Status:
    """The status that an operation's kind, state and failed attempts amount to."""
    if state in _ENDS[kind]:
        return _ENDS[kind][state]
    if state is State.QUEUED:
        return _PENDING[kind]
    return _FAILING[kind] if state is State.WAITING and attempts else _RUNNING[kind]


def allowed_actions(status: Status, *, begun: bool) -> list[str]:
    """What a caller may ask for now; nobody is ever without a way out for longer than a deadline.

    `begun`: a worker has had the operation, so that a delete can no longer be called off.
    """
    if status in {Status.PENDING_CREATE, Status.CREATE_IN_PROGRESS, Status.CREATE_FAILED}:
        return ["cancel"]
    if status is Status.PENDING_DELETE and not begun:
        return ["cancel"]
    if status in {Status.CREATE_ERROR, Status.DELETE_ERROR}:
        return ["retry", "delete"]
    return ["delete"] if status is Status.CREATED else []
