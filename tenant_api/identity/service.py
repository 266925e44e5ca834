"""Rules about comparisons with the identity provider; knows no HTTP and no SQL."""

from datetime import timedelta
from uuid import UUID

from tenant_api.identity.report import Reconciliation
from tenant_api.identity.repository import RECONCILE, ReconciliationRepository, target_of
from tenant_api.kernel.errors import ConflictError, DataError, NotFoundError
from tenant_api.operations.repository import OperationRepository
from tenant_api.settings.tree import Settings


class ReconciliationService:
    """Comparisons of the addressed tenant, one at a time, each made by a job."""

    def __init__(
        self,
        reconciliations: ReconciliationRepository,
        operations: OperationRepository,
        settings: Settings,
        tenant_id: int,
    ) -> None:
        self._reconciliations = reconciliations
        self._operations = operations
        self._limits = settings.reconciliation
        self._workers = settings.workers
        self._tenant_id = tenant_id

    async def start(self, *, dry_run: bool, limit: int | None) -> UUID:
        """Enqueue a comparison; answers the id of its job.

        DataError for a limit above the greatest, ConflictError while a comparison of the tenant has not ended.
        """
        most = self._limits.maximum_limit
        if limit is not None and limit > most:
            raise DataError.of("Limit", f"'Limit' must be less than or equal to '{most}'.")
        await self._reconciliations.lock()
        if job_id := await self._reconciliations.open_job():
            raise ConflictError(f"Job {job_id} compares the clients of this tenant and has not ended.")
        await self._reconciliations.forget_old()
        job_id = await self._operations.enqueue(
            RECONCILE,
            target_of(self._tenant_id),
            deadline=timedelta(seconds=self._workers.operation_deadline_seconds),
            max_attempts=self._workers.max_attempts,
        )
        self._reconciliations.add(job_id, dry_run=dry_run, limit=limit or self._limits.default_limit)
        return job_id

    async def get(self, job_id: UUID) -> Reconciliation:
        """One comparison; NotFoundError, also for one that was forgotten."""
        found = await self._reconciliations.find(job_id)
        if found is None:
            raise NotFoundError(f"Reconciliation {job_id} not found.")
        return found
