"""Reads and writes what claim sets grant, inside the caller's transaction; never commits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import literal
from sqlalchemy import select as sa_select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.claim_sets.actions import Action
from tenant_api.db.among import among
from tenant_api.db.tables import ClaimSetPermission

Granted = Mapping[Action, Sequence[str]]
"""Actions in the order given, each with its overrides."""


@dataclass(frozen=True, kw_only=True)
class Permission:
    """What one set may do with one claim."""

    claim_set_id: int
    resource_claim_id: int
    granted: Granted


class PermissionRepository:
    """Permissions of claim sets that the caller has found to be its own, or may read."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of(self, claim_set_id: int) -> dict[int, dict[Action, Sequence[str]]]:
        """All grants of a set by resource claim."""
        statement = (
            select(ClaimSetPermission)
            .where(col(ClaimSetPermission.claim_set_id) == claim_set_id)
            .order_by(col(ClaimSetPermission.resource_claim_id), col(ClaimSetPermission.position))
        )
        grants: dict[int, dict[Action, Sequence[str]]] = {}
        for row in (await self._session.exec(statement)).all():
            grants.setdefault(row.resource_claim_id, {})[Action(row.action_id)] = row.overrides
        return grants

    async def replace(self, claim_set_ids: Sequence[int], permissions: Iterable[Permission]) -> None:
        """Take everything from these sets and grant anew."""
        await self._session.exec(
            delete(ClaimSetPermission).where(among(col(ClaimSetPermission.claim_set_id), claim_set_ids))
        )
        rows = [
            {
                "claim_set_id": permission.claim_set_id,
                "resource_claim_id": permission.resource_claim_id,
                "action_id": int(action),
                "position": position,
                "overrides": list(overrides),
            }
            for permission in permissions
            for position, (action, overrides) in enumerate(permission.granted.items())
        ]
        if rows:
            await self._session.exec(insert(ClaimSetPermission), params=rows)

    async def copy(self, original_id: int, copy_id: int) -> None:
        """Grant a new set what another one has."""
        granted = ["resource_claim_id", "action_id", "position", "overrides"]
        columns: list[Any] = [getattr(ClaimSetPermission, name) for name in granted]
        original = sa_select(literal(copy_id), *columns).where(col(ClaimSetPermission.claim_set_id) == original_id)
        await self._session.exec(insert(ClaimSetPermission).from_select(["claim_set_id", *granted], original))
