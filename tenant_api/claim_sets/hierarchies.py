"""Reads and writes hierarchies inside the caller's transaction; never commits."""

import json
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, BigInteger, Integer, String, Text, bindparam, text
from sqlmodel import col, delete, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.claim_sets.actions import Action
from tenant_api.claim_sets.document import DefaultAuthorization, Document
from tenant_api.claim_sets.hierarchy import Hierarchy, Strategies
from tenant_api.db.among import among
from tenant_api.db.tables import DEFAULT_TENANT_ID, ClaimNode, ClaimsDocument, ResourceClaim

LOADING = 0x636C61696D73

NEW_CLAIMS: Any = text(
    """
    INSERT INTO resource_claims (claim_name)
    SELECT name FROM unnest(:names) WITH ORDINALITY AS given (name, place)
    WHERE NOT EXISTS (SELECT FROM resource_claims known WHERE known.claim_name = name)
    ORDER BY place
    """
).bindparams(bindparam("names", type_=ARRAY(String)))

NEW_STRATEGIES: Any = text(
    """
    INSERT INTO authorization_strategies (name, display_name)
    SELECT name, name FROM unnest(:names) WITH ORDINALITY AS given (name, place)
    WHERE NOT EXISTS (SELECT FROM authorization_strategies known WHERE known.name = given.name)
    ORDER BY place
    """
).bindparams(bindparam("names", type_=ARRAY(Text)))

NEW_NODES: Any = text(
    """
    INSERT INTO claim_nodes (tenant_id, resource_claim_id, parent_id, position, default_authorization)
    SELECT :tenant_id, id, parent, place - 1, defaults::jsonb
    FROM unnest(:ids, :parents, :defaults) WITH ORDINALITY AS given (id, parent, defaults, place)
    """
).bindparams(
    bindparam("tenant_id", type_=BigInteger),
    bindparam("ids", type_=ARRAY(Integer)),
    bindparam("parents", type_=ARRAY(Integer)),
    bindparam("defaults", type_=ARRAY(Text)),
)

Ids = dict[str, int]


class HierarchyRepository:
    """Hierarchies of tenants, each kept beside the document it was loaded from."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self) -> None:
        """Let nobody else load anything until the transaction ends."""
        await self._session.exec(select(func.pg_advisory_xact_lock(bindparam("key", LOADING, BigInteger))))

    async def document_of(self, tenant_id: int) -> ClaimsDocument | None:
        """What was loaded last for a tenant: its own, or else the shared default."""
        statement = select(ClaimsDocument).where(col(ClaimsDocument.tenant_id).in_({tenant_id, DEFAULT_TENANT_ID}))
        return (await self._session.exec(statement.order_by(_own_first(tenant_id)))).first()

    async def reload_id_of(self, tenant_id: int) -> tuple[int, UUID] | None:
        """Whose hierarchy serves a tenant, and the load that it came from; None before the first load."""
        statement = select(ClaimsDocument.tenant_id, ClaimsDocument.reload_id)
        own = statement.where(col(ClaimsDocument.tenant_id).in_({tenant_id, DEFAULT_TENANT_ID}))
        return (await self._session.exec(own.order_by(_own_first(tenant_id)))).first()

    async def read(self, owner_id: int, reload_id: UUID) -> Hierarchy:
        """The hierarchy that belongs to a tenant, as it is now."""
        statement = (
            select(
                ClaimNode.resource_claim_id,
                ResourceClaim.claim_name,
                ClaimNode.parent_id,
                col(ClaimNode.default_authorization),
            )
            .join(ResourceClaim, col(ResourceClaim.id) == col(ClaimNode.resource_claim_id))
            .where(col(ClaimNode.tenant_id) == owner_id)
            .order_by(col(ClaimNode.position))
        )
        rows = (await self._session.exec(statement)).all()
        return Hierarchy(reload_id, [(id, name, parent, _defaults(stored)) for id, name, parent, stored in rows])

    async def replace(self, tenant_id: int, document: Document, raw: dict[str, Any]) -> Ids:
        """Make a document the tenant's hierarchy; answers the ids of its claims by name."""
        await self.remove(tenant_id)
        ids = await self._register(document)
        nodes = list(document.walk())
        columns = {
            "ids": [ids[claim.name] for claim, _ in nodes],
            "parents": [ids[parent.name] if parent else None for _, parent in nodes],
            "defaults": [_stored(claim.default_authorization) for claim, _ in nodes],
        }
        await self._session.exec(NEW_NODES, params={"tenant_id": tenant_id, **columns})
        self._session.add(ClaimsDocument(tenant_id=tenant_id, reload_id=uuid4(), document=raw))
        await self._session.flush()
        return ids

    async def remove(self, tenant_id: int) -> None:
        """Forget the tenant's own hierarchy; the ids of its claims stay known."""
        await self._session.exec(delete(ClaimNode).where(col(ClaimNode.tenant_id) == tenant_id))
        await self._session.exec(delete(ClaimsDocument).where(col(ClaimsDocument.tenant_id) == tenant_id))

    async def _register(self, document: Document) -> Ids:
        """Give every new claim the next id, roots first; make strategies known that nobody used before."""
        roots = [claim.name for claim in document.claims_hierarchy]
        names = [*roots, *(claim.name for claim, parent in document.walk() if parent)]
        await self._session.exec(NEW_CLAIMS, params={"names": names})
        await self._session.exec(NEW_STRATEGIES, params={"names": _strategies(document)})
        known = select(ResourceClaim.claim_name, ResourceClaim.id).where(among(col(ResourceClaim.claim_name), names))
        return {name: id for name, id in (await self._session.exec(known)).all() if id is not None}


def _own_first(tenant_id: int) -> Any:
    return (col(ClaimsDocument.tenant_id) == tenant_id).desc()


def _strategies(document: Document) -> list[str]:
    names: dict[str, None] = {}
    for claim, _ in document.walk():
        if claim.default_authorization:
            for default in claim.default_authorization.actions:
                names.update(dict.fromkeys(strategy.name for strategy in default.authorization_strategies))
        for grant in claim.claim_sets:
            for action in grant.actions:
                names.update(dict.fromkeys(strategy.name for strategy in action.authorization_strategy_overrides))
    return list(names)


def _stored(defaults: DefaultAuthorization | None) -> str | None:
    if defaults is None:
        return None
    return json.dumps(
        [[action.name, [strategy.name for strategy in action.authorization_strategies]] for action in defaults.actions]
    )


def _defaults(stored: list[Any] | None) -> Strategies | None:
    return None if stored is None else {Action[name]: tuple(strategies) for name, strategies in stored}
