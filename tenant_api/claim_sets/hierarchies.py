"""Reads and writes the hierarchies of layers inside the caller's transaction; never commits."""

import json
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, BigInteger, Boolean, ColumnElement, Integer, String, Text, bindparam, text
from sqlmodel import col, delete, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.claim_sets.actions import Action
from tenant_api.claim_sets.document import DefaultAuthorization, Document
from tenant_api.claim_sets.hierarchy import Hierarchy, Strategies
from tenant_api.claim_sets.layer import Layer, documents_behind
from tenant_api.db.among import among
from tenant_api.db.tables import ClaimNode, ClaimsDocument, ResourceClaim

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
    INSERT INTO claim_nodes (tenant_id, shared, resource_claim_id, parent_id, position, default_authorization)
    SELECT :tenant_id, :shared, id, parent, place - 1, defaults::jsonb
    FROM unnest(:ids, :parents, :defaults) WITH ORDINALITY AS given (id, parent, defaults, place)
    """
).bindparams(
    bindparam("tenant_id", type_=BigInteger),
    bindparam("shared", type_=Boolean),
    bindparam("ids", type_=ARRAY(Integer)),
    bindparam("parents", type_=ARRAY(Integer)),
    bindparam("defaults", type_=ARRAY(Text)),
)

Ids = dict[str, int]


class HierarchyRepository:
    """Hierarchies of layers, each kept beside the document it was loaded from."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self) -> None:
        """Let nobody else load anything until the transaction ends."""
        await self._session.exec(select(func.pg_advisory_xact_lock(bindparam("key", LOADING, BigInteger))))

    async def is_loaded(self, layer: Layer) -> bool:
        """Whether a layer has a document."""
        return bool((await self._session.exec(select(ClaimsDocument.tenant_id).where(_document_of(layer)))).all())

    async def document_for(self, tenant_id: int) -> ClaimsDocument | None:
        """What was loaded last for a tenant: its own document, or else the shared one."""
        statement = select(ClaimsDocument).where(documents_behind(tenant_id))
        return (await self._session.exec(statement.order_by(col(ClaimsDocument.shared)).limit(1))).first()

    async def reload_id_for(self, tenant_id: int) -> tuple[Layer, UUID] | None:
        """The layer that serves a tenant, and the load that it came from; None before the first load."""
        statement = select(ClaimsDocument.tenant_id, ClaimsDocument.shared, ClaimsDocument.reload_id)
        serving = statement.where(documents_behind(tenant_id)).order_by(col(ClaimsDocument.shared)).limit(1)
        row = (await self._session.exec(serving)).first()
        return (Layer(row[0], shared=row[1]), row[2]) if row else None

    async def read(self, layer: Layer, reload_id: UUID) -> Hierarchy:
        """The hierarchy of a layer, as it is now."""
        statement = (
            select(
                ClaimNode.resource_claim_id,
                ResourceClaim.claim_name,
                ClaimNode.parent_id,
                col(ClaimNode.default_authorization),
            )
            .join(ResourceClaim, col(ResourceClaim.id) == col(ClaimNode.resource_claim_id))
            .where(_nodes_of(layer))
            .order_by(col(ClaimNode.position))
        )
        rows = (await self._session.exec(statement)).all()
        return Hierarchy(reload_id, [(id, name, parent, _defaults(stored)) for id, name, parent, stored in rows])

    async def replace(self, layer: Layer, document: Document, raw: dict[str, Any]) -> tuple[UUID, Ids]:
        """Make a document the layer's hierarchy; answers the id of this load, and the ids of its claims by name."""
        await self.remove(layer)
        strategies = _strategies(document)
        ids = await self._register(document, strategies)
        nodes = list(document.walk())
        columns = {
            "ids": [ids[claim.name] for claim, _ in nodes],
            "parents": [ids[parent.name] if parent else None for _, parent in nodes],
            "defaults": [_stored(claim.default_authorization) for claim, _ in nodes],
        }
        await self._session.exec(NEW_NODES, params={"tenant_id": layer.tenant_id, "shared": layer.shared, **columns})
        loaded = ClaimsDocument(
            tenant_id=layer.tenant_id, shared=layer.shared, reload_id=uuid4(), document=raw, strategies=strategies
        )
        self._session.add(loaded)
        await self._session.flush()
        return loaded.reload_id, ids

    async def remove(self, layer: Layer) -> None:
        """Forget the layer's hierarchy; the ids of its claims stay known."""
        await self._session.exec(delete(ClaimNode).where(_nodes_of(layer)))
        await self._session.exec(delete(ClaimsDocument).where(_document_of(layer)))

    async def _register(self, document: Document, strategies: list[str]) -> Ids:
        """Give every new claim the next id, roots first, and every new strategy too."""
        roots = [claim.name for claim in document.claims_hierarchy]
        names = [*roots, *(claim.name for claim, parent in document.walk() if parent)]
        await self._session.exec(NEW_CLAIMS, params={"names": names})
        await self._session.exec(NEW_STRATEGIES, params={"names": strategies})
        known = select(ResourceClaim.claim_name, ResourceClaim.id).where(among(col(ResourceClaim.claim_name), names))
        return {name: id for name, id in (await self._session.exec(known)).all() if id is not None}


def _nodes_of(layer: Layer) -> ColumnElement[bool]:
    return (col(ClaimNode.tenant_id) == layer.tenant_id) & (col(ClaimNode.shared).is_(layer.shared))


def _document_of(layer: Layer) -> ColumnElement[bool]:
    return (col(ClaimsDocument.tenant_id) == layer.tenant_id) & (col(ClaimsDocument.shared).is_(layer.shared))


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
