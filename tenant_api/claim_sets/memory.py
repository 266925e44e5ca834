"""Hierarchies and authorization metadata, computed once for every change and kept in this process.

A version that is read from the database for every request tells whether what is kept still holds; concurrent
requests share that read.
"""

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row
from sqlalchemy import ColumnElement
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from idp_providers.batching import CoalescedReader
from tenant_api.claim_sets.actions import Action
from tenant_api.claim_sets.authorization_metadata import GrantingSet, compose
from tenant_api.claim_sets.hierarchies import HierarchyRepository
from tenant_api.claim_sets.hierarchy import NOTHING, Hierarchy
from tenant_api.claim_sets.recent import Recent
from tenant_api.claim_sets.repository import visible_to
from tenant_api.db.session import SessionFactory, driver_connection
from tenant_api.db.tables import ClaimSet, ClaimSetPermission
from tenant_api.web.state import Pool

HIERARCHIES = 64
METADATA_BYTES = 64 * 1024 * 1024
GRANTS = 250_000
"""Bounds of what a process keeps. What was not asked for longest is forgotten first."""
ENTRY_BYTES = 512
"""What a document costs besides its bytes, so that many empty ones are bounded too."""

VERSIONS = """
SELECT t.tenant_id, md5(layer.reload_id || ';' || coalesce(sets.names, '')) AS version
FROM unnest(%s::bigint[]) AS t (tenant_id)
CROSS JOIN LATERAL (
    SELECT d.reload_id, d.shared FROM claims_documents d
    WHERE d.tenant_id IN (t.tenant_id, 0) AND (d.shared OR d.tenant_id = t.tenant_id)
    ORDER BY d.shared LIMIT 1
) layer
CROSS JOIN LATERAL (
    SELECT string_agg(c.id || '.' || c.revision, ',' ORDER BY c.id) AS names FROM claim_sets c
    WHERE (c.tenant_id = t.tenant_id AND NOT c.shared) OR (c.tenant_id = 0 AND c.shared AND layer.shared)
) sets
"""
"""Tenants that see the same have the same version, and so share what is computed."""


@dataclass(frozen=True)
class Metadata:
    """The document as it is sent, and the tag that names exactly these bytes."""

    body: bytes
    etag: str


def _tagged(body: bytes) -> Metadata:
    return Metadata(body=body, etag=f'"{sha256(body).hexdigest()[:32]}"')


NONE_OF_THAT_NAME = _tagged(b"[]")
"""Names are anybody's to invent: their answers are not kept."""


@dataclass(frozen=True)
class Granting:
    """What a tenant sees at one version, from which documents are composed."""

    version: str
    hierarchy: Hierarchy
    claim_sets: Sequence[GrantingSet]

    def named(self, lowered_name: str | None) -> Sequence[GrantingSet]:
        """Those of that name in any case; all without a name."""
        return [one for one in self.claim_sets if lowered_name is None or one.name.lower() == lowered_name]

    @property
    def size(self) -> int:
        """Grants, and one for each set."""
        return sum(1 + len(one.grants) for one in self.claim_sets)


class ClaimsMemory:
    """What this process knows about claims. Everything else stays in the database."""

    def __init__(self, pool: Pool, sessions: SessionFactory) -> None:
        self._pool = pool
        self._sessions = sessions
        self._versions = CoalescedReader(self._read_versions)
        self._hierarchies: Recent[UUID, Hierarchy] = Recent(HIERARCHIES)
        self._metadata: Recent[tuple[str, str | None], Metadata] = Recent(METADATA_BYTES, size=_bytes)
        self._granting: Recent[str, Granting] = Recent(GRANTS, size=lambda _, granting: granting.size)
        self._composing = asyncio.Lock()

    async def hierarchy(self, session: AsyncSession, tenant_id: int) -> Hierarchy | None:
        """The hierarchy that serves a tenant; None before anything was loaded."""
        repository = HierarchyRepository(session)
        current = await repository.reload_id_for(tenant_id)
        if current is None:
            return None
        layer, reload_id = current
        known = self._hierarchies.get(reload_id)
        return known or self._hierarchies.keep(reload_id, await repository.read(layer, reload_id))

    async def metadata(self, tenant_id: int, claim_set_name: str | None) -> Metadata | None:
        """The authorization metadata of a tenant, of all its claim sets or of one; None without a hierarchy.

        At least as new as what was committed when the call began, whichever process committed it.
        """
        version = await self._versions.read(tenant_id)
        if version is None:
            return None
        key = (version, claim_set_name.lower() if claim_set_name is not None else None)
        if known := self._metadata.get(key):
            return known
        granting = self._granting.get(version)
        if granting and key[1] is not None and not granting.named(key[1]):
            return NONE_OF_THAT_NAME
        async with self._composing:
            return self._metadata.get(key) or await self._compose(tenant_id, *key)

    async def _compose(self, tenant_id: int, asked_version: str, lowered_name: str | None) -> Metadata | None:
        granting = self._granting.get(asked_version) or await self._read_granting(tenant_id)
        if granting is None:
            return None
        chosen = granting.named(lowered_name)
        if lowered_name is not None and not chosen:
            return NONE_OF_THAT_NAME
        metadata = _tagged(await asyncio.to_thread(_document, granting.hierarchy, chosen))
        return self._metadata.keep((granting.version, lowered_name), metadata)

    async def _read_granting(self, tenant_id: int) -> Granting | None:
        """Kept for the version of the very snapshot that it was read from.

        The version that was asked for may be another tenant's by now, if this one has changed in between.
        """
        async with self._sessions.begin() as session:
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            version = (await _versions_of(await driver_connection(session), [tenant_id])).get(tenant_id)
            hierarchy = await self.hierarchy(session, tenant_id) or NOTHING
            claim_sets = await _granting_sets(session, tenant_id)
        if version is None:
            return None
        return self._granting.keep(version, Granting(version=version, hierarchy=hierarchy, claim_sets=claim_sets))

    async def _read_versions(self, tenant_ids: Collection[int]) -> Mapping[int, str]:
        async with self._pool.connection() as connection:
            return await _versions_of(connection, tenant_ids)


async def _versions_of(connection: AsyncConnection[Any], tenant_ids: Collection[int]) -> Mapping[int, str]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(VERSIONS, (list(tenant_ids),))).fetchall()
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


def _document(hierarchy: Hierarchy, claim_sets: Sequence[GrantingSet]) -> bytes:
    return json.dumps(compose(hierarchy, claim_sets), separators=(",", ":"), ensure_ascii=False).encode()


def _bytes(key: tuple[str, str | None], metadata: Metadata) -> int:
    return ENTRY_BYTES + len(metadata.body) + 4 * len(key[1] or "")
