"""Managed data stores on the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from db_provisioners.contract import Health
from tenant_api.db.tables import ManagedDataStore, Operation
from tenant_api.kernel import lengths
from tenant_api.managed_data_stores.states import Status, allowed_actions, status_of
from tenant_api.operations.states import OPEN, State
from tenant_api.web.rules import Matches, MaxLength, NotEmpty
from tenant_api.web.wire import ReadModel, Text, WriteModel, like

MANAGED = {"name": "Grand Bend 2027", "databaseTemplate": "Minimal"}
JOB_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


class ManagedDataStoreCreate(WriteModel):
    """Body of POST."""

    model_config = like(MANAGED)

    name: Annotated[
        Text | None,
        NotEmpty(),
        MaxLength(lengths.MANAGED_NAME),
        Matches(r"[A-Za-z0-9 _]+", "'Name' may only contain letters, numbers, spaces, and underscores."),
    ] = ""
    database_template: Annotated[Text | None, NotEmpty()] = ""


class ManagedDataStoreAccepted(ReadModel):
    """The answer to POST: what will be, and the job that makes it."""

    model_config = like({"id": 1, "jobId": JOB_ID})

    id: int
    job_id: UUID


class ManagedDataStoreRead(ReadModel):
    """A managed data store as it is shown."""

    model_config = like(
        {
            "id": 1,
            **MANAGED,
            "dataStoreId": 2,
            "dataStoreName": "Grand Bend 2027",
            "status": "Created",
            "why": None,
            "databaseName": "ta_grandbend_grandbend2027_k3q7x2m4pa",
            "serverVersion": "18.1",
            "sizeBytes": 41943040,
            "jobId": JOB_ID,
            "deadline": None,
            "allowedActions": ["delete"],
            "lastRefreshed": "2026-08-21T13:45:12.300000Z",
            "lastModifiedDate": "2026-08-21T13:45:10.120000Z",
        }
    )

    id: int
    name: str
    data_store_id: int | None
    data_store_name: str | None
    status: Status
    why: str | None
    database_template: str
    database_name: str
    server_version: str | None
    size_bytes: int | None
    job_id: UUID
    deadline: datetime | None
    allowed_actions: list[str]
    last_refreshed: datetime | None
    last_modified_date: datetime | None

    @classmethod
    def of(cls, row: ManagedDataStore, operation: Operation) -> Self:
        """The only projection from rows to wire."""
        assert row.id is not None
        state = State(operation.state)
        status = status_of(operation.kind, state, operation.attempts)
        return cls(
            id=row.id,
            name=row.name,
            data_store_id=row.data_store_id,
            data_store_name=row.name if row.data_store_id is not None else None,
            status=status,
            why=_why(operation, state),
            database_template=row.database_template,
            database_name=row.physical_name,
            server_version=row.server_version,
            size_bytes=row.size_bytes,
            job_id=operation.id,
            deadline=operation.deadline if state in OPEN else None,
            allowed_actions=allowed_actions(status, begun=operation.started_at is not None),
            last_refreshed=row.last_refreshed,
            last_modified_date=row.modified_at or row.created_at,
        )


class HealthRead(ReadModel):
    """How a database is right now. `estimated` names the counts that are estimates."""

    model_config = like(
        {
            "available": True,
            "latencyMs": 3.2,
            "serverVersion": "18.1",
            "uptimeSeconds": 86400,
            "sizeBytes": 41943040,
            "counts": {"edfi.student": 21628, "edfi.school": 6},
            "estimated": [],
            "detail": "",
            "checkedAt": "2026-08-21T13:45:12.300000Z",
        }
    )

    available: bool
    latency_ms: float | None
    server_version: str | None
    uptime_seconds: int | None
    size_bytes: int | None
    counts: Mapping[str, int]
    estimated: list[str]
    detail: str
    checked_at: datetime

    @classmethod
    def of(cls, health: Health, checked_at: datetime) -> Self:
        """What the provisioner measured."""
        return cls(
            available=health.available,
            latency_ms=None if health.latency_ms is None else round(health.latency_ms, 2),
            server_version=health.server_version,
            uptime_seconds=health.uptime_seconds,
            size_bytes=health.size_bytes,
            counts=dict(health.counts),
            estimated=list(health.estimated),
            detail=health.detail,
            checked_at=checked_at,
        )


def _why(operation: Operation, state: State) -> str | None:
    if state is State.CANCELLED:
        return "The job was cancelled; everything that it had made was removed."
    if state is not State.SUCCEEDED and operation.error:
        return str(operation.error["message"])
    return operation.message if state in OPEN else None
