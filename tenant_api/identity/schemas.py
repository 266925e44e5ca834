"""Comparisons with the identity provider on the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from tenant_api.identity.agreement import Drift
from tenant_api.identity.report import Found, Reconciliation
from tenant_api.web.rules import Positive
from tenant_api.web.wire import Flag, Int32, ReadModel, WriteModel, like

JOB_ID = "6fc2ba53-6326-47a6-99c1-ac58743bab8c"
CLIENT_ID = "0d3b8a7c-8d58-4b62-9f4e-3d0f7f3f6c21"
NONE = {"count": 0, "clientIds": []}


class ReconciliationRequest(WriteModel):
    """Body of POST: whether to report only, and how many clients may be repaired at most."""

    model_config = like({"dryRun": False, "limit": 100})

    dry_run: Flag = True
    limit: Annotated[Int32 | None, Positive()] = None


class ReconciliationAccepted(ReadModel):
    """Answer to POST."""

    model_config = like({"jobId": JOB_ID})

    job_id: UUID


class DriftRead(ReadModel):
    """How many clients differ in one way, and the ids of the first hundred."""

    count: int
    client_ids: Sequence[str]

    @classmethod
    def of(cls, found: Found) -> Self:
        """The only projection to the wire."""
        return cls(count=found.count, client_ids=found.client_ids)


class DriftsRead(ReadModel):
    """All ways in which clients differ; one client may do so in several."""

    missing: DriftRead
    foreign: DriftRead
    claims_differ: DriftRead
    enabled_differs: DriftRead
    details_differ: DriftRead


class ReconciliationRead(ReadModel):
    """What a comparison has found so far; `comparedAt` is null until it is complete.

    `drifted` counts clients that can be repaired, `underWay` those that a change is on its way to. `repair` is
    `NotAsked`, `NotNeeded`, `TooMuch` (more drift than `limit`: nothing was changed), `Started` (`repairJobId` does it)
    or `Done`; null until it is decided.
    """

    model_config = like(
        {
            "jobId": JOB_ID,
            "dryRun": False,
            "limit": 100,
            "compared": 1200,
            "underWay": 0,
            "drifted": 1,
            "drift": {
                "missing": {"count": 1, "clientIds": [CLIENT_ID]},
                "foreign": NONE,
                "claimsDiffer": NONE,
                "enabledDiffers": NONE,
                "detailsDiffer": NONE,
            },
            "comparedAt": "2026-08-21T13:45:10.120000Z",
            "repair": "Started",
            "repairJobId": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        }
    )

    job_id: UUID
    dry_run: bool
    limit: int
    compared: int
    under_way: int
    drifted: int
    drift: DriftsRead
    compared_at: datetime | None
    repair: str | None
    repair_job_id: UUID | None

    @classmethod
    def of(cls, found: Reconciliation) -> Self:
        """The only projection to the wire."""
        row = found.row
        drift = {kind: DriftRead.of(found.drift[kind]) for kind in Drift}
        return cls(
            job_id=row.operation_id,
            dry_run=row.dry_run,
            limit=row.repair_limit,
            compared=row.compared,
            under_way=row.under_way,
            drifted=row.drifted,
            drift=DriftsRead(
                missing=drift[Drift.MISSING],
                foreign=drift[Drift.FOREIGN],
                claims_differ=drift[Drift.CLAIMS_DIFFER],
                enabled_differs=drift[Drift.ENABLED_DIFFERS],
                details_differ=drift[Drift.DETAILS_DIFFER],
            ),
            compared_at=row.compared_at,
            repair=row.repair,
            repair_job_id=row.repair_job_id,
        )
