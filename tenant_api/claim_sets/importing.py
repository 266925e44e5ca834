"""The body of an import: its rules (contract section 4.3), and what of it fits the hierarchy."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from pydantic import Field

from tenant_api.claim_sets.actions import Action
from tenant_api.claim_sets.hierarchy import Hierarchy
from tenant_api.claim_sets.schemas import GRANTED, GivenName
from tenant_api.web.wire import Flag, ReadModel, Text, WriteModel, like

Grants = dict[int, dict[Action, list[str]]]


class ImportedAction(WriteModel):
    name: Text | None = None
    enabled: Flag = False


class ImportedStrategy(WriteModel):
    auth_strategy_name: Text | None = None
    name: Text | None = None


class ImportedOverride(WriteModel):
    action_name: Text | None = None
    authorization_strategies: list[ImportedStrategy] | None = None

    def names(self) -> list[str]:
        """The strategies, each once."""
        given = [strategy.auth_strategy_name or strategy.name for strategy in self.authorization_strategies or ()]
        return list(dict.fromkeys(name for name in given if name))


class ImportedClaim(WriteModel):
    """One resource claim. Default strategies may be sent along and mean nothing."""

    name: Text | None = None
    claim_name: Text | None = None
    parent_claim_name: Text | None = None
    actions: list[ImportedAction] | None = None
    authorization_strategy_overrides: list[ImportedOverride] | None = None

    @property
    def key(self) -> str:
        """By which it is found, and called in messages."""
        return self.claim_name or self.name or ""

    def granted(self) -> dict[Action, list[str]]:
        """The enabled actions in the order given, with their overrides."""
        overrides = {
            action: override.names()
            for override in self.authorization_strategy_overrides or ()
            if (action := Action.named(override.action_name or ""))
        }
        enabled = [Action.named(action.name or "") for action in self.actions or () if action.enabled]
        return {action: overrides.get(action, []) for action in enabled if action}


class ClaimSetImport(WriteModel):
    """Body of POST import."""

    model_config = like({"claimSetName": "GrandBendSIS", "resourceClaims": [GRANTED]})

    name: GivenName = Field("", alias="claimSetName")
    resource_claims: list[ImportedClaim] | None = None

    def claims(self) -> Sequence[ImportedClaim]:
        """The resource claims; none if they were left out."""
        return self.resource_claims or ()

    def failures(self) -> dict[str, list[str]]:
        """None yet: `broken_rules` tells all of them at once, with those that need the known strategies."""
        return {}

    def broken_rules(self, strategies: Collection[str]) -> dict[str, list[str]]:
        """Every broken rule by member. `strategies` are the known ones."""
        failures = super().failures()
        if broken := list(self._broken_claims(strategies)):
            failures["ResourceClaims"] = broken
        return failures

    def _broken_claims(self, strategies: Collection[str]) -> Iterator[str]:
        seen: Counter[str] = Counter()
        for claim in self.claims():
            place = f"Resource name: '{claim.key}'"
            yield from _broken_actions(claim.actions or (), place)
            for name in _unknown_strategies(claim, strategies):
                yield (
                    "This resource claim contains an authorization strategy which is not in the system. "
                    f"ClaimSet Name: '{self.name}' {place} Authorization strategy: '{name}'."
                )
            if seen[claim.key.lower()] == 1:
                yield f"Only unique resource claims can be added. The following is a duplicate resource: '{claim.key}'."
            seen[claim.key.lower()] += 1


class Imported(ReadModel):
    """Answer to an import."""

    model_config = like({"id": 21, "warnings": []})

    id: int
    warnings: list[str]


def fit(claims: Sequence[ImportedClaim], hierarchy: Hierarchy) -> tuple[Grants, list[str]]:
    """What an import grants here, by resource claim, and a warning for all that does not fit."""
    grants: Grants = {}
    warnings = []
    for claim in claims:
        node = hierarchy.by_name.get(claim.key.lower())
        if node is None:
            warnings.append(claim.key)
            continue
        parent = node.parent.claim_name if node.parent else None
        if parent and claim.parent_claim_name and claim.parent_claim_name.lower() != parent.lower():
            warnings.append(
                f"Child resource '{claim.key}' added to the wrong parent resource. "
                f"Correct parent resource is: '{parent}'."
            )
        grants[node.id] = claim.granted()
    return grants, warnings


def _broken_actions(actions: Sequence[ImportedAction], place: str) -> Iterator[str]:
    if not actions:
        yield f"Actions can not be empty. {place}"
        return
    if not any(action.enabled for action in actions):
        yield f"A resource must have at least one action associated with it to be added. {place}"
        return
    names = [action.name or "" for action in actions]
    lowered = [name.lower() for name in names]
    twice = [name for index, name in enumerate(names) if lowered.index(name.lower()) != index]
    yield from (f"{name} action is duplicated. {place}" for name in dict.fromkeys(twice))
    yield from (f"{name} is not a valid action. {place}" for name in names if Action.named(name) is None)


def _unknown_strategies(claim: ImportedClaim, strategies: Collection[str]) -> Iterator[str]:
    for override in claim.authorization_strategy_overrides or ():
        yield from (name for name in override.names() if name not in strategies)
