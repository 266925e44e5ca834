"""Brings claims documents into the database: at the first start, by reload and by upload."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, BigInteger, Boolean, ColumnElement, String, and_, bindparam, or_, text
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.claim_sets.actions import Action
from tenant_api.claim_sets.document import Document, Grant, parse, without_blanks
from tenant_api.claim_sets.hierarchies import HierarchyRepository, Ids
from tenant_api.claim_sets.layer import SHARED, Layer
from tenant_api.claim_sets.permissions import Permission, PermissionRepository
from tenant_api.claim_sets.references import warn_of_missing_claim_sets
from tenant_api.claim_sets.repository import owned_by
from tenant_api.claim_sets.source import read_source
from tenant_api.db.among import among, not_among
from tenant_api.db.tables import DEFAULT_TENANT_ID, ClaimSet
from tenant_api.kernel.caller import current_caller
from tenant_api.settings.tree import ClaimsSettings
from tenant_api.web.state import Runtime

MOVE_CLAIM_SETS: Any = text(
    """
    UPDATE claim_sets AS moving SET shared = given.shared
    FROM unnest(:names, :shared) AS given (name, shared)
    WHERE moving.tenant_id = :tenant_id AND moving.claim_set_name = given.name AND moving.shared <> given.shared
      AND NOT EXISTS (SELECT FROM claim_sets there WHERE there.tenant_id = moving.tenant_id
                      AND there.claim_set_name = given.name AND there.shared = given.shared)
    """
).bindparams(
    bindparam("tenant_id", type_=BigInteger),
    bindparam("names", type_=ARRAY(String)),
    bindparam("shared", type_=ARRAY(Boolean)),
)

PUT_CLAIM_SETS: Any = text(
    """
    INSERT INTO claim_sets (tenant_id, claim_set_name, is_system_reserved, shared, revision, created_by)
    SELECT CASE WHEN shared THEN :default_tenant_id ELSE :tenant_id END, name, reserved, shared, 1, :caller
    FROM unnest(:names, :reserved, :shared) WITH ORDINALITY AS given (name, reserved, shared, place)
    ORDER BY place
    ON CONFLICT ON CONSTRAINT uq_claim_sets_tenant_id_claim_set_name DO UPDATE
    SET is_system_reserved = excluded.is_system_reserved,
        revision = claim_sets.revision + 1, modified_at = now(), modified_by = :caller
    """
).bindparams(
    bindparam("default_tenant_id", DEFAULT_TENANT_ID, BigInteger),
    bindparam("tenant_id", type_=BigInteger),
    bindparam("caller", type_=String),
    bindparam("names", type_=ARRAY(String)),
    bindparam("reserved", type_=ARRAY(Boolean)),
    bindparam("shared", type_=ARRAY(Boolean)),
)

logger = structlog.get_logger(__name__)


async def ensure_metadata(runtime: Runtime) -> None:
    """Load the configured source into an empty database; a loaded one is left alone. Safe beside other processes."""
    async with runtime.sessions.begin() as session:
        hierarchies = HierarchyRepository(session)
        if not await hierarchies.is_loaded(SHARED):
            await hierarchies.lock()
            if not await hierarchies.is_loaded(SHARED):
                loading = Loading(session, DEFAULT_TENANT_ID, multi_tenancy=runtime.settings.multi_tenancy)
                await loading.load_source(runtime.settings.claims)
        await warn_of_missing_claim_sets(session)


@dataclass(frozen=True)
class Entry:
    """A claim set that a load brings, and whether it goes into the layer that all share."""

    name: str
    reserved: bool
    shared: bool


class Loading:
    """Loads documents as a tenant asks for; another tenant's claim sets are never touched.

    With multi-tenancy an upload makes a layer of the tenant's own. A single tenant loads the shared layer itself, and
    its sets keep their ids when a document reserves them or no longer does.
    """

    def __init__(self, session: AsyncSession, tenant_id: int, *, multi_tenancy: bool) -> None:
        self._session = session
        self._tenant_id = tenant_id
        self._multi_tenancy = multi_tenancy
        self._hierarchies = HierarchyRepository(session)

    async def load_source(self, settings: ClaimsSettings) -> UUID:
        """Renew the shared layer from the configured source, and drop all that the tenant has of its own.

        Sets that a single tenant reserved by hand stay. InvalidDocumentError if the source is not what it should be.
        """
        raw = read_source(settings)
        document = parse(raw)
        await self._hierarchies.lock()
        if self._multi_tenancy:
            await self._session.exec(delete(ClaimSet).where(owned_by(self._tenant_id)))
        return await self._replace(SHARED, document, raw)

    async def load(self, raw: Any) -> UUID:
        """Replace the tenant's hierarchy and its claim sets by a document; InvalidDocumentError."""
        document = parse(raw)
        await self._hierarchies.lock()
        return await self._replace(Layer(self._tenant_id) if self._multi_tenancy else SHARED, document, raw)

    async def _replace(self, layer: Layer, document: Document, raw: dict[str, Any]) -> UUID:
        await self._hierarchies.remove(Layer(self._tenant_id))
        reload_id, ids = await self._hierarchies.replace(layer, document, without_blanks(raw))
        entries = await self._entries(layer, document)
        if not self._multi_tenancy:
            await self._move(entries)
        await self._drop_others(entries)
        await self._put(entries)
        sets = await self._sets_of(layer)
        decided = [id for same_name in sets.values() for id in same_name]
        await PermissionRepository(self._session).replace(decided, permissions_in(document, sets, ids))
        logger.info("claims.loaded", tenant=self._tenant_id, claims=len(ids), claim_sets=len(document.claim_sets))
        return reload_id

    async def _entries(self, layer: Layer, document: Document) -> list[Entry]:
        """Listed sets; in a layer of the tenant's own also those that all share, with the document's grants or none."""
        listed = {entry.claim_set_name: entry.is_system_reserved for entry in document.claim_sets}
        if not layer.shared:
            shared = select(ClaimSet.claim_set_name).where(_shared()).order_by(col(ClaimSet.id))
            listed = dict.fromkeys((await self._session.exec(shared)).all(), True) | listed
        return [Entry(name, reserved, shared=reserved and layer.shared) for name, reserved in listed.items()]

    async def _move(self, entries: Sequence[Entry]) -> None:
        """Reserved sets to those that are shared, others to those that are not."""
        columns = {"names": [entry.name for entry in entries], "shared": [entry.shared for entry in entries]}
        await self._session.exec(MOVE_CLAIM_SETS, params={"tenant_id": self._tenant_id, **columns})

    async def _drop_others(self, entries: Sequence[Entry]) -> None:
        """Delete the tenant's own sets that no entry brings back, but for those that somebody reserved by hand."""
        own = [entry.name for entry in entries if not entry.shared]
        shared = [entry.name for entry in entries if entry.shared]
        name = col(ClaimSet.claim_set_name)
        not_by_hand = or_(~col(ClaimSet.is_system_reserved), among(name, shared))
        gone = and_(owned_by(self._tenant_id), not_among(name, own), not_by_hand)
        await self._session.exec(delete(ClaimSet).where(gone))

    async def _put(self, entries: Sequence[Entry]) -> None:
        columns = {
            "names": [entry.name for entry in entries],
            "reserved": [entry.reserved for entry in entries],
            "shared": [entry.shared for entry in entries],
        }
        whose = {"tenant_id": self._tenant_id, "caller": current_caller()}
        await self._session.exec(PUT_CLAIM_SETS, params={**whose, **columns})

    async def _sets_of(self, layer: Layer) -> Mapping[str, list[int]]:
        """The sets that a load decides about, by name: a shared one may be there beside the tenant's own."""
        decided = or_(owned_by(self._tenant_id), _shared()) if layer.shared else owned_by(self._tenant_id)
        sets: defaultdict[str, list[int]] = defaultdict(list)
        for name, id in (await self._session.exec(select(ClaimSet.claim_set_name, ClaimSet.id).where(decided))).all():
            if id is not None:
                sets[name].append(id)
        return sets


def _shared() -> ColumnElement[bool]:
    return and_(col(ClaimSet.tenant_id) == SHARED.tenant_id, col(ClaimSet.shared))


def permissions_in(document: Document, claim_sets: Mapping[str, Sequence[int]], claims: Ids) -> Iterator[Permission]:
    """What a document grants to known claim sets. Where it says so twice, the first counts."""
    for claim, _ in document.walk():
        grants: dict[str, Grant] = {}
        for grant in claim.claim_sets:
            grants.setdefault(grant.name, grant)
        for name, grant in grants.items():
            granted: dict[Action, list[str]] = {}
            for action in grant.actions:
                overrides = list(dict.fromkeys(strategy.name for strategy in action.authorization_strategy_overrides))
                granted.setdefault(Action[action.name], overrides)
            for id in claim_sets.get(name, ()):
                yield Permission(claim_set_id=id, resource_claim_id=claims[claim.name], granted=granted)
