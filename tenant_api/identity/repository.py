"""Comparisons as rows, beside the jobs that make them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.tables import IdentityDrift, IdentityReconciliation, Operation, Tenant
from tenant_api.identity.agreement import Drift
from tenant_api.identity.report import COUNTED, Batch, Found, Reconciliation, Repair

RECONCILE = "identity.reconcile"
LISTED = 100
"""Client ids that a report names of each kind."""
KEPT = 10
"""Comparisons of a tenant that are kept when another one begins: the newest."""


def target_of(tenant_id: int) -> str:
    """How operations name comparisons of a tenant; not its clients, or changes of these would wait for them."""
    return f"identity-reconciliation:{tenant_id}"


class ReconciliationRepository:
    """The comparisons of one tenant."""

    def __init__(self, session: AsyncSession, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id

    async def lock(self) -> None:
        """Let nobody else begin a comparison until the transaction ends."""
        own = select(Tenant.id).where(col(Tenant.id) == self._tenant_id)
        await self._session.exec(own.with_for_update(key_share=True))

    async def open_job(self) -> UUID | None:
        """The comparison that has not ended."""
        unfinished = select(Operation.id).where(*self._jobs(), col(Operation.finished_at).is_(None))
        return (await self._session.exec(unfinished.limit(1))).first()

    async def forget_old(self) -> None:
        """Delete all but the newest that have ended, with their jobs."""
        newest = select(Operation.number).where(*self._jobs()).order_by(col(Operation.number).desc()).limit(KEPT)
        old = (*self._jobs(), col(Operation.finished_at).is_not(None), col(Operation.number).not_in(newest))
        await self._session.exec(delete(Operation).where(*old))

    def add(self, operation_id: UUID, *, dry_run: bool, limit: int) -> None:
        """A comparison that its job is about to make."""
        self._session.add(IdentityReconciliation(operation_id=operation_id, dry_run=dry_run, repair_limit=limit))

    async def row(self, operation_id: UUID) -> IdentityReconciliation | None:
        """One comparison."""
        own = (
            select(IdentityReconciliation)
            .join(Operation, col(Operation.id) == col(IdentityReconciliation.operation_id))
            .where(col(IdentityReconciliation.operation_id) == operation_id, *self._jobs())
        )
        return (await self._session.exec(own)).first()

    async def find(self, operation_id: UUID) -> Reconciliation | None:
        """One comparison with the first clients of each kind."""
        row = await self.row(operation_id)
        if row is None:
            return None
        drift = {
            kind: Found(count=getattr(row, column), client_ids=await self._clients(operation_id, kind))
            for kind, column in COUNTED.items()
        }
        return Reconciliation(row=row, drift=drift)

    async def note(self, operation_id: UUID, batch: Batch, *, complete: bool) -> None:
        """Add what a batch found."""
        rows = [
            {"operation_id": operation_id, "client_id": client_id, "kind": kind.value}
            for client_id, kinds in batch.drift.items()
            for kind in kinds
        ]
        if rows:
            await self._session.exec(insert(IdentityDrift).values(rows))
        more = {"compared": batch.compared, "under_way": batch.under_way, "drifted": batch.drifted}
        more |= {column: batch.count(kind) for kind, column in COUNTED.items()}
        values: dict[str, Any] = {name: getattr(IdentityReconciliation, name) + count for name, count in more.items()}
        if complete:
            values["compared_at"] = func.now()
        await self._change(operation_id, after=batch.last, **values)

    async def decide(self, operation_id: UUID, repair: Repair, *, job_id: UUID | None = None) -> None:
        """Note what becomes of the drift."""
        await self._change(operation_id, repair=repair.value, repair_job_id=job_id)

    async def repaired(self, operation_id: UUID, last: str) -> None:
        """Note how far this job's own repair has come."""
        await self._change(operation_id, repaired_after=last)

    async def to_repair(self, operation_id: UUID, *, after: str, most: int) -> Sequence[str]:
        """The next clients that differ and that we made, in the order of their ids."""
        found = (
            select(IdentityDrift.client_id)
            .where(
                col(IdentityDrift.operation_id) == operation_id,
                col(IdentityDrift.kind) != Drift.FOREIGN,
                col(IdentityDrift.client_id) > after,
            )
            .distinct()
            .order_by(col(IdentityDrift.client_id))
        )
        return (await self._session.exec(found.limit(most))).all()

    async def _clients(self, operation_id: UUID, kind: Drift) -> Sequence[str]:
        first = (
            select(IdentityDrift.client_id)
            .where(col(IdentityDrift.operation_id) == operation_id, col(IdentityDrift.kind) == kind)
            .order_by(col(IdentityDrift.client_id))
        )
        return (await self._session.exec(first.limit(LISTED))).all()

    async def _change(self, operation_id: UUID, **values: Any) -> None:
        own = update(IdentityReconciliation).where(col(IdentityReconciliation.operation_id) == operation_id)
        await self._session.exec(own.values(**values))

    def _jobs(self) -> tuple[Any, ...]:
        return (col(Operation.tenant_id) == self._tenant_id, col(Operation.kind) == RECONCILE)
