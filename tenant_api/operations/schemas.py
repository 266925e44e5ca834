"""Jobs on the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self
from uuid import UUID

from tenant_api.db.tables import Operation, OperationStep
from tenant_api.operations.states import JOB_STATUS, State
from tenant_api.web.wire import ReadModel, like


class JobStepRead(ReadModel):
    """One attempt at one step."""

    name: str
    attempt: int
    started_at: datetime | None
    finished_at: datetime | None


class JobErrorRead(ReadModel):
    """Why a job failed, or why its last attempt did."""

    code: str
    message: str
    retryable: bool


class JobRead(ReadModel):
    """A job as it is shown. `fraction` is between 0 and 1 where the running step knows it."""

    model_config = like(
        {
            "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "kind": "createDataStore",
            "status": "Completed",
            "createdAt": "2026-08-21T13:45:08.000000Z",
            "startedAt": "2026-08-21T13:45:08.300000Z",
            "finishedAt": "2026-08-21T13:45:10.120000Z",
            "deadline": "2026-08-21T14:45:08.000000Z",
            "target": "/v3/dataStores/manage/1",
            "steps": [
                {
                    "name": "provision",
                    "attempt": 1,
                    "startedAt": "2026-08-21T13:45:08.300000Z",
                    "finishedAt": "2026-08-21T13:45:10.120000Z",
                }
            ],
            "message": None,
            "fraction": None,
            "error": None,
            "errorMessage": None,
        }
    )

    id: UUID
    kind: str
    status: str
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    deadline: datetime
    target: str
    steps: list[JobStepRead]
    message: str | None
    fraction: float | None
    error: JobErrorRead | None
    error_message: str | None

    @classmethod
    def of(cls, row: Operation, steps: Sequence[OperationStep]) -> Self:
        """The only projection from row to wire."""
        error = JobErrorRead.model_validate(row.error) if row.error else None
        return cls(
            id=row.id,
            kind=row.kind,
            status=JOB_STATUS[State(row.state)],
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
            deadline=row.deadline,
            target=row.target,
            steps=[
                JobStepRead(
                    name=step.name, attempt=step.attempt, started_at=step.started_at, finished_at=step.finished_at
                )
                for step in steps
            ],
            message=row.message,
            fraction=row.fraction,
            error=error,
            error_message=error.message if error else None,
        )
