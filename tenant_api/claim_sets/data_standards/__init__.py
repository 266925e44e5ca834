"""The default security metadata, one file for each Data Standard.

Names are relative to `base` unless they are whole addresses. A claim without more is its bare name. Strategies are
`Action:Strategy+Strategy`, grants `Action` or, with overrides, `Action:Strategy+Strategy`. All claim sets here are
system-reserved.
"""

import json
from importlib.resources import files
from typing import Any, Literal

Json = dict[str, Any]
Version = Literal["5.2", "6.1"]


def default_document(version: Version) -> Json:
    """The claims document of a Data Standard, as the contract writes it."""
    text = (files(__name__) / f"data_standard_{version.replace('.', '_')}.json").read_text(encoding="utf-8")
    compact = json.loads(text)
    grants: dict[str, list[Json]] = {}
    for claim_set, granted in compact["grants"].items():
        for claim, actions in granted.items():
            entry = {"name": claim_set, "actions": _actions(actions, "authorizationStrategyOverrides")}
            grants.setdefault(claim, []).append(entry)
    return {
        "claimSets": [{"claimSetName": name, "isSystemReserved": True} for name in compact["grants"]],
        "claimsHierarchy": [_claim(entry, compact["base"], grants) for entry in compact["claims"]],
    }


def _claim(entry: str | Json, base: str, grants: dict[str, list[Json]]) -> Json:
    compact = {"name": entry} if isinstance(entry, str) else entry
    name = compact["name"]
    claim: Json = {"name": name if "://" in name else base + name}
    if "default" in compact:
        claim["defaultAuthorization"] = {"actions": _actions(compact["default"], "authorizationStrategies")}
    if name in grants:
        claim["claimSets"] = grants[name]
    if "claims" in compact:
        claim["claims"] = [_claim(child, base, grants) for child in compact["claims"]]
    return claim


def _actions(text: str, member: str) -> list[Json]:
    """`Read:A+B Update` as a list of actions, each with its strategies under `member`."""
    actions = []
    for word in text.split():
        name, _, strategies = word.partition(":")
        action: Json = {"name": name}
        if strategies:
            action[member] = [{"name": strategy} for strategy in strategies.split("+")]
        actions.append(action)
    return actions
