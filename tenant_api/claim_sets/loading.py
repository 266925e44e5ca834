"""Brings claims documents into the database: at the first start, by reload and by upload."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, BigInteger, Boolean, String, bindparam, text
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.claim_sets.actions import Action
from tenant_api.claim_sets.document import Document, Grant, parse, without_blanks
from tenant_api.claim_sets.hierarchies import HierarchyRepository, Ids
from tenant_api.claim_sets.permissions import Permission, PermissionRepository
from tenant_api.claim_sets.references import warn_of_missing_claim_sets
from tenant_api.claim_sets.source import read_source
from tenant_api.db.among import among, not_among
from tenant_api.db.tables import DEFAULT_TENANT_ID, ClaimSet
from tenant_api.kernel.caller import current_caller
from tenant_api.settings.tree import ClaimsSettings
from tenant_api.web.state import Runtime

PUT_CLAIM_SETS: Any = text(
    """
    INSERT INTO claim_sets (tenant_id, claim_set_name, is_system_reserved, shared, revision, created_by)
    SELECT :owner_id, name, reserved, reserved AND :sharing, 1, :caller
    FROM unnest(:names, :reserved) WITH ORDINALITY AS given (name, reserved, place)
    ORDER BY place
    ON CONFLICT ON CONSTRAINT uq_claim_sets_tenant_id_claim_set_name DO UPDATE
    SET is_system_reserved = excluded.is_system_reserved, shared = excluded.shared,
        revision = claim_sets.revision + 1, modified_at = now(), modified_by = :caller
    WHERE :owns OR claim_sets.shared
    """
).bindparams(
    bindparam("owner_id", type_=BigInteger),
    bindparam("owns", type_=Boolean),
    bindparam("sharing", type_=Boolean),
    bindparam("caller", type_=String),
    bindparam("names", type_=ARRAY(String)),
    bindparam("reserved", type_=ARRAY(Boolean)),
)

logger = structlog.get_logger(__name__)


async def ensure_metadata(runtime: Runtime) -> None:
    """Load the configured source into an empty database; a loaded one is left alone. Safe beside other processes."""
    async with runtime.sessions.begin() as session:
        hierarchies = HierarchyRepository(session)
        if await hierarchies.document_of(DEFAULT_TENANT_ID) is None:
            await hierarchies.lock()
            if await hierarchies.document_of(DEFAULT_TENANT_ID) is None:
                await Loading(session, DEFAULT_TENANT_ID).load_source(runtime.settings.claims)
        await warn_of_missing_claim_sets(session)


class Loading:
    """Loads documents as a tenant asks for; another tenant's claim sets are never touched."""

    def __init__(self, session: AsyncSession, tenant_id: int) -> None:
        self._session = session
        self._tenant_id = tenant_id
        self._hierarchies = HierarchyRepository(session)

    async def load_source(self, settings: ClaimsSettings) -> UUID:
        """Renew the shared default from the configured source, and drop all that the tenant has of its own.

        InvalidDocumentError if the source is not what it should be.
        """
        raw = read_source(settings)
        document = parse(raw)
        await self._hierarchies.lock()
        if self._tenant_id != DEFAULT_TENANT_ID:
            await self._session.exec(delete(ClaimSet).where(col(ClaimSet.tenant_id) == self._tenant_id))
            await self._hierarchies.remove(self._tenant_id)
        else:
            await self._drop_unlisted(document)
        return await self._replace(DEFAULT_TENANT_ID, document, raw)

    async def load(self, raw: Any) -> UUID:
        """Replace the tenant's hierarchy and its claim sets by a document; InvalidDocumentError."""
        document = parse(raw)
        await self._hierarchies.lock()
        await self._drop_unlisted(document)
        return await self._replace(self._tenant_id, document, raw)

    async def _drop_unlisted(self, document: Document) -> None:
        """Delete the tenant's claim sets that are not reserved and that the document does not bring back."""
        names = [listed.claim_set_name for listed in document.claim_sets]
        await self._session.exec(
            delete(ClaimSet).where(
                col(ClaimSet.tenant_id) == self._tenant_id,
                col(ClaimSet.is_system_reserved).is_(False),
                not_among(col(ClaimSet.claim_set_name), names),
            )
        )

    async def _replace(self, owner_id: int, document: Document, raw: dict[str, Any]) -> UUID:
        ids = await self._hierarchies.replace(owner_id, document, without_blanks(raw))
        await self._put_claim_sets(owner_id, document)
        sets = await self._sets_of(owner_id, document)
        await PermissionRepository(self._session).replace(list(sets.values()), permissions_in(document, sets, ids))
        loaded = await self._hierarchies.document_of(owner_id)
        assert loaded is not None
        logger.info("claims.loaded", tenant=owner_id, claims=len(ids), claim_sets=len(document.claim_sets))
        return loaded.reload_id

    async def _put_claim_sets(self, owner_id: int, document: Document) -> None:
        owns = self._owns(owner_id)
        listed = {entry.claim_set_name: entry.is_system_reserved for entry in document.claim_sets}
        put = {name: reserved for name, reserved in listed.items() if reserved or owns}
        columns = {"names": list(put), "reserved": list(put.values())}
        whose = {"owner_id": owner_id, "owns": owns, "sharing": owner_id == DEFAULT_TENANT_ID}
        await self._session.exec(PUT_CLAIM_SETS, params={**whose, **columns, "caller": current_caller()})

    async def _sets_of(self, owner_id: int, document: Document) -> Ids:
        """The sets that a load decides about."""
        listed = {entry.claim_set_name: entry.is_system_reserved for entry in document.claim_sets}
        if self._owns(owner_id):
            decided = col(ClaimSet.is_system_reserved) | among(col(ClaimSet.claim_set_name), listed)
        else:
            reserved = [name for name, is_reserved in listed.items() if is_reserved]
            decided = col(ClaimSet.shared) & among(col(ClaimSet.claim_set_name), reserved)
        sets = select(ClaimSet.claim_set_name, ClaimSet.id).where(col(ClaimSet.tenant_id) == owner_id, decided)
        return {name: id for name, id in (await self._session.exec(sets)).all() if id is not None}

    def _owns(self, owner_id: int) -> bool:
        """Whether all sets are the loading tenant's; of the default tenant's, others renew those that all share."""
        return owner_id == self._tenant_id


def permissions_in(document: Document, claim_sets: Ids, claims: Ids) -> Iterator[Permission]:
    """What a document grants to known claim sets. Where it says so twice, the first counts."""
    for claim, _ in document.walk():
        grants: dict[str, Grant] = {}
        for grant in claim.claim_sets:
            grants.setdefault(grant.name, grant)
        for name, grant in grants.items():
            if name in claim_sets:
                granted: dict[Action, list[str]] = {}
                for action in grant.actions:
                    overrides = list(
                        dict.fromkeys(strategy.name for strategy in action.authorization_strategy_overrides)
                    )
                    granted.setdefault(Action[action.name], overrides)
                yield Permission(claim_set_id=claim_sets[name], resource_claim_id=claims[claim.name], granted=granted)
