"""Hierarchies and authorization metadata, computed once for every change and kept in this process.

A version that is read from the database for every request tells whether what is kept still holds; concurrent
requests share that read.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from idp_providers.batching import CoalescedReader
from tenant_api.claim_sets.actions import Action
from tenant_api.claim_sets.authorization_metadata import GrantingSet, compose
from tenant_api.claim_sets.hierarchies import HierarchyRepository
from tenant_api.claim_sets.hierarchy import NOTHING, Hierarchy
from tenant_api.claim_sets.repository import visible_to
from tenant_api.db.session import SessionFactory
from tenant_api.db.tables import ClaimSet, ClaimSetPermission
from tenant_api.web.state import Pool

Key = TypeVar("Key")
Value = TypeVar("Value")

KEPT = 64
"""So many documents are kept; those not asked for longest are forgotten."""

VERSIONS = """
SELECT t.tenant_id, md5(loads.names || ';' || coalesce(sets.names, '')) AS version
FROM unnest(%s::bigint[]) AS t (tenant_id)
CROSS JOIN LATERAL (
    SELECT string_agg(d.tenant_id || '=' || d.reload_id, ',' ORDER BY d.tenant_id) AS names
    FROM claims_documents d WHERE d.tenant_id IN (t.tenant_id, 0)
) loads
CROSS JOIN LATERAL (
    SELECT string_agg(c.id || '.' || c.revision, ',' ORDER BY c.id) AS names
    FROM claim_sets c WHERE c.tenant_id = t.tenant_id OR (c.tenant_id = 0 AND c.is_system_reserved)
) sets
WHERE loads.names IS NOT NULL
"""
"""Tenants that see the same have the same version, and so share what is computed."""


@dataclass(frozen=True)
class Metadata:
    """The document as it is sent, and the tag that names exactly these bytes."""

    body: bytes
    etag: str


class ClaimsMemory:
    """What this process knows about claims. Everything else stays in the database."""

    def __init__(self, pool: Pool, sessions: SessionFactory) -> None:
        self._pool = pool
        self._sessions = sessions
        self._versions = CoalescedReader(self._read_versions)
        self._hierarchies: OrderedDict[UUID, Hierarchy] = OrderedDict()
        self._metadata: OrderedDict[tuple[str, str | None], Metadata] = OrderedDict()
        self._composing = asyncio.Lock()

    async def hierarchy(self, session: AsyncSession, tenant_id: int) -> Hierarchy | None:
        """The hierarchy that serves a tenant; None before anything was loaded."""
        repository = HierarchyRepository(session)
        current = await repository.reload_id_of(tenant_id)
        if current is None:
            return None
        owner_id, reload_id = current
        if reload_id not in self._hierarchies:
            _keep(self._hierarchies, reload_id, await repository.read(owner_id, reload_id))
        self._hierarchies.move_to_end(reload_id)
        return self._hierarchies[reload_id]

    async def metadata(self, tenant_id: int, claim_set_name: str | None) -> Metadata | None:
        """The authorization metadata of a tenant, of all its claim sets or of one; None without a hierarchy."""
        version = await self._versions.read(tenant_id)
        if version is None:
            return None
        key = (version, claim_set_name.lower() if claim_set_name is not None else None)
        if key not in self._metadata:
            async with self._composing:
                if key not in self._metadata:
                    _keep(self._metadata, key, await self._compose(tenant_id, claim_set_name))
        self._metadata.move_to_end(key)
        return self._metadata[key]

    async def _compose(self, tenant_id: int, claim_set_name: str | None) -> Metadata:
        async with self._sessions.begin() as session:
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            hierarchy = await self.hierarchy(session, tenant_id) or NOTHING
            claim_sets = await _granting_sets(session, tenant_id)
        chosen = [
            claim_set
            for claim_set in claim_sets
            if claim_set_name is None or claim_set.name.lower() == claim_set_name.lower()
        ]
        body = await asyncio.to_thread(_document, hierarchy, chosen)
        return Metadata(body=body, etag=f'"{sha256(body).hexdigest()[:32]}"')

    async def _read_versions(self, tenant_ids: Collection[int]) -> Mapping[int, str]:
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(VERSIONS, (list(tenant_ids),))).fetchall()
        return {row["tenant_id"]: row["version"] for row in rows}


async def _granting_sets(session: AsyncSession, tenant_id: int) -> list[GrantingSet]:
    visible: ColumnElement[bool] = visible_to(tenant_id)
    sets = await session.exec(select(ClaimSet.id, ClaimSet.claim_set_name).where(visible).order_by(col(ClaimSet.id)))
    grants: dict[int | None, dict[int, dict[Action, list[str]]]] = {}
    names: dict[int | None, str] = {}
    for id, name in sets.all():
        grants[id], names[id] = {}, name
    permissions = await session.exec(
        select(ClaimSetPermission)
        .join(ClaimSet, col(ClaimSet.id) == col(ClaimSetPermission.claim_set_id))
        .where(visible)
    )
    for row in permissions.all():
        granted = grants[row.claim_set_id].setdefault(row.resource_claim_id, {})
        granted[Action(row.action_id)] = row.overrides
    return [GrantingSet(name=names[id], grants=grants[id]) for id in names]


def _document(hierarchy: Hierarchy, claim_sets: list[GrantingSet]) -> bytes:
    return json.dumps(compose(hierarchy, claim_sets), separators=(",", ":"), ensure_ascii=False).encode()


def _keep(kept: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > KEPT:
        kept.popitem(last=False)
