"""Claim sets on the wire."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import Field

from tenant_api.claim_sets.actions import Action
from tenant_api.claim_sets.hierarchy import Node
from tenant_api.claim_sets.overview import ClaimSetOverview
from tenant_api.kernel import lengths
from tenant_api.web.rules import Matches, MaxLength, NotEmpty
from tenant_api.web.wire import Flag, Int32, ReadModel, Text, WriteModel, like

GivenName = Annotated[
    Text | None,
    NotEmpty("Please provide a valid claim set name."),
    MaxLength(lengths.CLAIM_SET_NAME, "The claim set name must be less than 256 characters."),
    Matches(r"\S*", "Claim set name must not contain white spaces."),
]
NAME = Field(alias="claimSetName")

SCHOOL = "http://ed-fi.org/identity/claims/ed-fi/school"
CLAIM_SET = {
    "id": 21,
    "claimSetName": "GrandBendSIS",
    "_isSystemReserved": False,
    "_applications": [{"applicationName": "Grand Bend SIS"}],
}
READING = {"actionName": "Read", "authorizationStrategies": [{"authStrategyName": "NoFurtherAuthorizationRequired"}]}
GRANTED = {
    "name": "school",
    "claimName": SCHOOL,
    "parentClaimName": "http://ed-fi.org/identity/claims/domains/educationOrganizations",
    "actions": [{"name": "Read", "enabled": True}],
    "_defaultAuthorizationStrategies": [],
    "authorizationStrategyOverrides": [{"actionId": None, **READING}],
}


class ClaimSetCreate(WriteModel):
    """Body of POST."""

    model_config = like({"claimSetName": "GrandBendReadOnly", "isSystemReserved": False})

    name: GivenName = NAME
    is_system_reserved: Flag = False


class ClaimSetRename(WriteModel):
    """Body of PUT."""

    model_config = like({"id": 21, "claimSetName": "GrandBendSIS2027"})

    id: Int32 = 0
    name: GivenName = NAME


class ClaimSetCopy(WriteModel):
    """Body of POST copy."""

    model_config = like({"originalId": 1, "claimSetName": "GrandBendVendor"})

    original_id: Int32 = 0
    name: Annotated[Text | None, NotEmpty(), MaxLength(lengths.CLAIM_SET_NAME)] = NAME


class ApplicationName(ReadModel):
    application_name: str


class ClaimSetRead(ReadModel):
    """A claim set in a list."""

    model_config = like(CLAIM_SET)

    id: int
    claim_set_name: str
    is_system_reserved: bool = Field(alias="_isSystemReserved")
    applications: list[ApplicationName] = Field(alias="_applications")

    @classmethod
    def of(cls, claim_set: ClaimSetOverview, **more: Any) -> Self:
        """The only projection from row to wire."""
        row = claim_set.row
        assert row.id is not None
        return cls(
            id=row.id,
            claim_set_name=row.claim_set_name,
            is_system_reserved=row.is_system_reserved,
            applications=[ApplicationName(application_name=name) for name in claim_set.application_names],
            **more,
        )


class EnabledAction(ReadModel):
    name: str
    enabled: bool


class NamedStrategy(ReadModel):
    auth_strategy_name: str


class ActionStrategies(ReadModel):
    """The strategies of one action, by names that every installation knows."""

    action_id: int | None
    action_name: str
    authorization_strategies: list[NamedStrategy]

    @classmethod
    def list_of(cls, strategies: Mapping[Action, Sequence[str]] | None) -> list[Self]:
        """One entry for each action that has strategies."""
        return [
            cls(
                action_id=None,
                action_name=action.name,
                authorization_strategies=[NamedStrategy(auth_strategy_name=name) for name in names],
            )
            for action, names in (strategies or {}).items()
            if names
        ]


class GrantedClaim(ReadModel):
    """What a claim set may do with one resource claim."""

    name: str
    claim_name: str
    parent_claim_name: str | None
    actions: list[EnabledAction]
    default_authorization_strategies: list[ActionStrategies] = Field(alias="_defaultAuthorizationStrategies")
    authorization_strategy_overrides: list[ActionStrategies]

    @classmethod
    def of(cls, node: Node, granted: Mapping[Action, Sequence[str]]) -> Self:
        return cls(
            name=node.last_segment,
            claim_name=node.claim_name,
            parent_claim_name=node.parent.claim_name if node.parent else None,
            actions=[EnabledAction(name=action.name, enabled=True) for action in granted],
            default_authorization_strategies=ActionStrategies.list_of(node.defaults),
            authorization_strategy_overrides=ActionStrategies.list_of(granted),
        )


class ClaimSetDetails(ClaimSetRead):
    """A claim set with all that it grants; what `import` takes."""

    model_config = like({**CLAIM_SET, "resourceClaims": [GRANTED]})

    resource_claims: list[GrantedClaim]


class StrategyName(ReadModel):
    name: str


class AuthorizedAction(ReadModel):
    name: str
    authorization_strategies: list[StrategyName]


class Authorization(ReadModel):
    """Actions with their strategies, shared by claims."""

    id: int
    actions: list[AuthorizedAction]


class AuthorizedClaim(ReadModel):
    name: str
    authorization_id: int


class ClaimSetAuthorization(ReadModel):
    """What a claim set may do with each resource."""

    model_config = like(
        {
            "claimSetName": "GrandBendSIS",
            "claims": [{"name": SCHOOL, "authorizationId": 1}],
            "authorizations": [
                {
                    "id": 1,
                    "actions": [
                        {"name": "Read", "authorizationStrategies": [{"name": "NoFurtherAuthorizationRequired"}]}
                    ],
                }
            ],
        }
    )

    claim_set_name: str
    claims: list[AuthorizedClaim]
    authorizations: list[Authorization]
