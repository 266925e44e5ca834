"""Resource claims on the wire, and their lists, which are made from the hierarchy in memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Integer, String

from tenant_api.claim_sets.actions import Action
from tenant_api.claim_sets.hierarchy import Node
from tenant_api.db.listing import Cursor, ListQuery, ListRules, order_of
from tenant_api.db.pages import Page
from tenant_api.web.wire import ReadModel, like


@dataclass(frozen=True)
class Order:
    """A member by which nodes are sorted, with the type that a cursor's value has."""

    value: Callable[[Node], str | int | None]
    type: Integer | String

    def place(self, node: Node) -> tuple[Any, ...]:
        """Names without regard to case, unless that leaves them equal."""
        value = self.value(node)
        return (value,) if isinstance(value, int) else ((value or "").lower(), value or "")


def _same(member: Callable[[Node], str]) -> Any:
    """A filter for nodes, without regard to case."""
    return lambda wanted: lambda node: member(node).lower() == wanted.lower()


def _has_id() -> Any:
    return lambda wanted: lambda node: node.id == wanted


RESOURCE_CLAIM_LISTS = ListRules(
    filters={"id": (int, _has_id()), "name": (str, _same(lambda node: node.resource_name))},
    order_by={
        "id": Order(lambda node: node.id, Integer()),
        "name": Order(lambda node: node.resource_name, String()),
        "parentId": Order(lambda node: node.parent.id if node.parent else 0, Integer()),
        "parentName": Order(lambda node: node.parent.resource_name if node.parent else None, String()),
    },
    default_order="name",
    direction_alone=True,
)
OWN_STRATEGIES_ORDER: Mapping[str, Order] = {
    "resourceClaimId": Order(lambda node: node.id, Integer()),
    "resourceName": Order(lambda node: node.resource_name, String()),
}
RESOURCE_CLAIM_ACTION_LISTS = ListRules(
    filters={"resourceName": (str, _same(lambda node: node.resource_name))},
    order_by=OWN_STRATEGIES_ORDER,
    default_order="resourceClaimId",
    direction_alone=True,
)
RESOURCE_CLAIM_STRATEGY_LISTS = ListRules(
    filters={
        "resourceName": (str, _same(lambda node: node.resource_name)),
        "claimName": (str, _same(lambda node: node.claim_name)),
    },
    order_by=OWN_STRATEGIES_ORDER,
    default_order="resourceClaimId",
    direction_alone=True,
)

SCHOOL = {
    "resourceClaimId": 12,
    "resourceName": "school",
    "claimName": "http://ed-fi.org/identity/claims/ed-fi/school",
}


def page_of(nodes: Sequence[Node], rules: ListRules, query: ListQuery) -> Page[Node]:
    """Filter, order (ties by id) and page nodes."""
    chosen = list(nodes)
    for name, value in query.filters.items():
        fits: Any = rules.filters[name][1](value)
        chosen = [node for node in chosen if fits(node)]
    order_by, descending = order_of(rules, query)
    order: Order = rules.order_by[order_by]
    chosen.sort(key=lambda node: node.id)
    chosen.sort(key=order.place, reverse=descending)
    start = query.offset or 0
    if query.after:
        places = {node.id: place for place, node in enumerate(chosen)}
        start += places.get(query.after.key, len(chosen)) + 1
    end = len(chosen) if query.limit is None else start + query.limit
    items = chosen[start:end]
    following = None
    if items and end < len(chosen):
        last = items[-1]
        following = Cursor(order_by=order_by, descending=descending, value=order.value(last), key=last.id)
    total = len(chosen) if query.total_count else None
    return Page(items=items, following=following, total=total, beyond=following)


class ResourceClaimRead(ReadModel):
    """A resource claim with all below it."""

    model_config = like(
        {
            "id": 3,
            "name": "educationOrganizations",
            "parentId": 0,
            "parentName": None,
            "children": [
                {"id": 12, "name": "school", "parentId": 3, "parentName": "educationOrganizations", "children": []}
            ],
        }
    )

    id: int
    name: str
    parent_id: int
    parent_name: str | None
    children: list["ResourceClaimRead"]

    @classmethod
    def of(cls, node: Node) -> Self:
        return cls(
            id=node.id,
            name=node.resource_name,
            parent_id=node.parent.id if node.parent else 0,
            parent_name=node.parent.resource_name if node.parent else None,
            children=[cls.of(child) for child in node.children],
        )


class ActionName(ReadModel):
    name: str


class ResourceClaimActions(ReadModel):
    """The actions for which a resource claim has strategies of its own."""

    model_config = like({**SCHOOL, "actions": [{"name": "Read"}]})

    resource_claim_id: int
    resource_name: str
    claim_name: str
    actions: list[ActionName]

    @classmethod
    def of(cls, node: Node) -> Self:
        return cls(
            resource_claim_id=node.id,
            resource_name=node.resource_name,
            claim_name=node.claim_name,
            actions=[ActionName(name=action.name) for action in node.defaults or ()],
        )


class KnownStrategy(ReadModel):
    auth_strategy_id: int
    auth_strategy_name: str


class DefaultStrategies(ReadModel):
    action_id: int
    action_name: str
    authorization_strategies: list[KnownStrategy]

    @classmethod
    def of(cls, action: Action, names: Sequence[str], ids: Mapping[str, int | None]) -> Self:
        known = [(ids.get(name), name) for name in names]
        return cls(
            action_id=int(action),
            action_name=action.name,
            authorization_strategies=[
                KnownStrategy(auth_strategy_id=id, auth_strategy_name=name) for id, name in known if id is not None
            ],
        )


class ResourceClaimStrategies(ReadModel):
    """The strategies that a resource claim has of its own."""

    model_config = like(
        {
            **SCHOOL,
            "authorizationStrategiesForActions": [
                {
                    "actionId": 2,
                    "actionName": "Read",
                    "authorizationStrategies": [
                        {"authStrategyId": 1, "authStrategyName": "NoFurtherAuthorizationRequired"}
                    ],
                }
            ],
        }
    )

    resource_claim_id: int
    resource_name: str
    claim_name: str
    authorization_strategies_for_actions: list[DefaultStrategies]

    @classmethod
    def of(cls, node: Node, ids: Mapping[str, int | None]) -> Self:
        return cls(
            resource_claim_id=node.id,
            resource_name=node.resource_name,
            claim_name=node.claim_name,
            authorization_strategies_for_actions=[
                DefaultStrategies.of(action, names, ids) for action, names in (node.defaults or {}).items()
            ],
        )
