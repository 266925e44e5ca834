"""The routes of what claim sets are made of: actions, strategies, resource claims."""

from collections.abc import Callable, Sequence
from typing import Any, Self

from litestar import Controller, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.claim_sets.actions import Action
from tenant_api.claim_sets.hierarchy import Hierarchy, Node
from tenant_api.claim_sets.memory import ClaimsMemory
from tenant_api.claim_sets.resource_claims import (
    RESOURCE_CLAIM_ACTION_LISTS,
    RESOURCE_CLAIM_LISTS,
    RESOURCE_CLAIM_STRATEGY_LISTS,
    ResourceClaimActions,
    ResourceClaimRead,
    ResourceClaimStrategies,
    page_of,
)
from tenant_api.claim_sets.strategies import known_strategies
from tenant_api.db.listing import ListQuery, ListRules
from tenant_api.db.pages import Page
from tenant_api.db.tables import AuthorizationStrategy
from tenant_api.kernel.errors import NotFoundError
from tenant_api.web.binding import ApiRequest, read_list_query, route_id
from tenant_api.web.lists import answer_list
from tenant_api.web.operation import READ_ONLY, operation
from tenant_api.web.state import tenant_of
from tenant_api.web.wire import ReadModel, like


class ActionRead(ReadModel):
    """An action that a claim set may grant."""

    model_config = like({"id": 2, "name": "Read", "uri": "uri://ed-fi.org/api/actions/read"})

    id: int
    name: str
    uri: str


class StrategyRead(ReadModel):
    """A way in which a data plane decides."""

    model_config = like(
        {"id": 1, "name": "NoFurtherAuthorizationRequired", "displayName": "No Further Authorization Required"}
    )

    id: int
    name: str
    display_name: str

    @classmethod
    def of(cls, row: AuthorizationStrategy) -> Self:
        assert row.id is not None
        return cls(id=row.id, name=row.name, display_name=row.display_name)


class ActionController(Controller):
    """Actions."""

    path = "/v3/actions"
    tags = ["Claim sets"]

    @get(opt=operation("listActions", "List the actions", READ_ONLY, answers={200: list[ActionRead]}))
    async def list_all(self) -> list[ActionRead]:
        return [ActionRead(id=int(action), name=action.name, uri=action.uri) for action in Action]


class StrategyController(Controller):
    """Authorization strategies."""

    path = "/v3/authorizationStrategies"
    tags = ["Claim sets"]

    @get(
        opt=operation(
            "listAuthorizationStrategies",
            "List the authorization strategies",
            READ_ONLY,
            answers={200: list[StrategyRead]},
        )
    )
    async def list_all(self, request: ApiRequest, session: NamedDependency[AsyncSession]) -> list[StrategyRead]:
        return [StrategyRead.of(row) for row in await known_strategies(session, tenant_of(request))]


async def provide_hierarchy(request: ApiRequest, session: NamedDependency[AsyncSession], state: State) -> Hierarchy:
    memory: ClaimsMemory = state.claims
    hierarchy = await memory.hierarchy(session, tenant_of(request))
    if hierarchy is None:
        raise NotFoundError("The claims hierarchy was not found.")
    return hierarchy


class ResourceClaimController(Controller):
    """Resource claims."""

    path = "/v3"
    tags = ["Claim sets"]
    dependencies = {"hierarchy": Provide(provide_hierarchy)}

    @get(
        "/resourceClaims",
        opt=operation(
            "listResourceClaims",
            "List the roots of the hierarchy with all below them",
            READ_ONLY,
            answers={200: list[ResourceClaimRead]},
            problems=(404,),
            lists=RESOURCE_CLAIM_LISTS,
        ),
    )
    async def list_all(self, request: ApiRequest, hierarchy: NamedDependency[Hierarchy]) -> Response[Any]:
        return await _answer(request, hierarchy.roots, RESOURCE_CLAIM_LISTS, ResourceClaimRead.of)

    @get(
        "/resourceClaims/{id:str}",
        opt=operation(
            "getResourceClaim",
            "Get a resource claim with all below it",
            READ_ONLY,
            answers={200: ResourceClaimRead},
            problems=(404,),
        ),
    )
    async def get_one(self, request: ApiRequest, hierarchy: NamedDependency[Hierarchy]) -> ResourceClaimRead:
        claim_id = route_id(request)
        node = hierarchy.by_id.get(claim_id)
        if node is None:
            raise NotFoundError(f"ResourceClaim {claim_id} not found.")
        return ResourceClaimRead.of(node)

    @get(
        "/resourceClaimActions",
        opt=operation(
            "listResourceClaimActions",
            "List the actions for which resource claims have default strategies",
            READ_ONLY,
            answers={200: list[ResourceClaimActions]},
            problems=(404,),
            lists=RESOURCE_CLAIM_ACTION_LISTS,
        ),
    )
    async def actions(self, request: ApiRequest, hierarchy: NamedDependency[Hierarchy]) -> Response[Any]:
        nodes = hierarchy.with_defaults
        return await _answer(request, nodes, RESOURCE_CLAIM_ACTION_LISTS, ResourceClaimActions.of)

    @get(
        "/resourceClaimActionAuthStrategies",
        opt=operation(
            "listResourceClaimActionAuthStrategies",
            "List the default strategies of resource claims",
            READ_ONLY,
            answers={200: list[ResourceClaimStrategies]},
            problems=(404,),
            lists=RESOURCE_CLAIM_STRATEGY_LISTS,
        ),
    )
    async def strategies(
        self, request: ApiRequest, hierarchy: NamedDependency[Hierarchy], session: NamedDependency[AsyncSession]
    ) -> Response[Any]:
        ids = {strategy.name: strategy.id for strategy in await known_strategies(session, tenant_of(request))}
        nodes = hierarchy.with_defaults
        return await _answer(
            request, nodes, RESOURCE_CLAIM_STRATEGY_LISTS, lambda node: ResourceClaimStrategies.of(node, ids)
        )


async def _answer(
    request: ApiRequest, nodes: Sequence[Node], rules: ListRules, show: Callable[[Node], ReadModel]
) -> Response[Any]:
    async def read(query: ListQuery) -> Page[Node]:
        return page_of(nodes, rules, query)

    return await answer_list(request, read_list_query(request, rules), lambda _session: read, show)
