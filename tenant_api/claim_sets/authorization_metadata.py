"""What data planes ask for: for every claim set, the strategies of each leaf (contract section 4.5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tenant_api.claim_sets.actions import Action
from tenant_api.claim_sets.hierarchy import Hierarchy, Node

Grants = Mapping[int, Mapping[Action, Sequence[str]]]
"""Overrides by action, by resource claim id."""

Authorization = tuple[tuple[Action, tuple[str, ...]], ...]


@dataclass(frozen=True)
class GrantingSet:
    """A claim set and all that it grants."""

    name: str
    grants: Grants


def compose(hierarchy: Hierarchy, claim_sets: Sequence[GrantingSet]) -> list[dict[str, Any]]:
    """The document. Equal authorizations of a claim set share one id; ids go on from set to set."""
    composed = []
    next_id = 1
    for claim_set in claim_sets:
        ids: dict[Authorization, int] = {}
        claims = []
        for leaf in hierarchy.leaves:
            if authorization := _authorization(leaf, claim_set.grants):
                id = ids.setdefault(authorization, next_id + len(ids))
                claims.append({"name": leaf.claim_name, "authorizationId": id})
        next_id += len(ids)
        composed.append(
            {
                "claimSetName": claim_set.name,
                "claims": claims,
                "authorizations": [_shown(id, authorization) for authorization, id in ids.items()],
            }
        )
    return composed


def _authorization(leaf: Node, grants: Grants) -> Authorization:
    """The nearest grant of an action wins, and its overrides over the nearest defaults."""
    granted: dict[Action, Sequence[str]] = {}
    for node in leaf.lineage():
        for action, overrides in grants.get(node.id, {}).items():
            granted.setdefault(action, overrides)
    return tuple((action, tuple(granted[action]) or _default(leaf, action)) for action in sorted(granted))


def _default(leaf: Node, action: Action) -> tuple[str, ...]:
    return next((node.defaults[action] for node in leaf.lineage() if node.defaults and action in node.defaults), ())


def _shown(id: int, authorization: Authorization) -> dict[str, Any]:
    return {
        "id": id,
        "actions": [
            {"name": action.name, "authorizationStrategies": [{"name": strategy} for strategy in strategies]}
            for action, strategies in authorization
        ],
    }
