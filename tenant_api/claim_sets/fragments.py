"""Adds a fragment to a claims document: an extension's claims, or what one more claim set may do.

A fragment lists resource claims. One that `isParent` brings children: below a known claim, or as a new root with
default strategies and grants. Any other grants the fragment's claim set the actions of its strategy overrides.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator

from tenant_api.claim_sets.document import Grant, Json, without_blanks

BASE = "http://ed-fi.org/identity/claims/"


class FragmentError(Exception):
    """Why a fragment cannot be used."""


class _Part(BaseModel):
    """Member names count in any case."""

    model_config = ConfigDict(extra="ignore", alias_generator=lambda name: name.replace("_", ""))

    @model_validator(mode="before")
    @classmethod
    def _names_in_any_case(cls, part: Any) -> Any:
        return (
            {str(name).lower().lstrip("_"): value for name, value in part.items()} if isinstance(part, dict) else part
        )


class _Strategy(_Part):
    name: str = Field(validation_alias=AliasChoices("name", "authstrategyname"), min_length=1)
    is_inherited_from_parent: bool = False


class _Decision(_Part):
    """The strategies of one action."""

    action_name: str = Field(min_length=1)
    authorization_strategies: list[_Strategy] | None = None


class _Claim(_Part):
    name: str = Field(min_length=1)
    is_parent: bool = False
    children: list["_Claim"] | None = None
    claim_sets: list[Json] | None = None
    authorization_strategy_overrides_for_crud: list[_Decision] | None = None
    default_authorization_strategies_for_crud: list[_Decision] | None = None


class _Fragment(_Part):
    name: str | None = None
    resource_claims: list[_Claim]


def merge(document: Json, fragment: Any, *, default_name: str) -> Json:
    """A new document with the fragment in it; FragmentError. `default_name` serves a fragment without a name.

    The document is a valid one.
    """
    try:
        return _merged(document, _Fragment.model_validate(fragment), default_name)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise FragmentError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except RecursionError:
        raise FragmentError("nested too deeply") from None


def _merged(document: Json, fragment: _Fragment, default_name: str) -> Json:
    merged: Json = without_blanks(document)
    for claim in fragment.resource_claims:
        if claim.is_parent:
            _add_branch(merged["claimsHierarchy"], claim)
        else:
            _grant(merged["claimsHierarchy"], claim, fragment.name or default_name)
    _list_granted_sets(merged)
    return merged


def _add_branch(hierarchy: list[Json], claim: _Claim) -> None:
    known = _find(hierarchy, claim.name)
    node = known if known is not None else _new_root(hierarchy, claim)
    names = [child.name for child in claim.children or ()]
    missing = [{"name": _address(name)} for name in dict.fromkeys(names) if _find(hierarchy, name) is None]
    if missing:
        node.setdefault("claims", []).extend(missing)


def _new_root(hierarchy: list[Json], claim: _Claim) -> Json:
    node: Json = {"name": _address(claim.name)}
    defaults = [
        {"name": decision.action_name, "authorizationStrategies": strategies}
        for decision in claim.default_authorization_strategies_for_crud or ()
        if (strategies := _strategies(decision))
    ]
    if defaults:
        node["defaultAuthorization"] = {"actions": defaults}
    if claim.claim_sets:
        node["claimSets"] = [_valid_grant(grant) for grant in claim.claim_sets]
    hierarchy.append(node)
    return node


def _valid_grant(grant: Json) -> Json:
    """Later claims of the fragment are compared with it."""
    valid = Grant.model_validate(without_blanks(grant, root=False))
    return valid.model_dump(by_alias=True, exclude_defaults=True)


def _grant(hierarchy: list[Json], claim: _Claim, claim_set: str) -> None:
    node = _find(hierarchy, claim.name) or _find(hierarchy, singular(claim.name))
    if node is None or not claim.authorization_strategy_overrides_for_crud:
        return
    grants = node.setdefault("claimSets", [])
    if any(grant["name"].lower() == claim_set.lower() for grant in grants):
        return
    actions = []
    for decision in claim.authorization_strategy_overrides_for_crud:
        action: Json = {"name": decision.action_name}
        if overrides := _strategies(decision, own=True):
            action["authorizationStrategyOverrides"] = overrides
        actions.append(action)
    grants.append({"name": claim_set, "actions": actions})


def _strategies(decision: _Decision, *, own: bool = False) -> list[Json]:
    return [
        {"name": entry.name}
        for entry in decision.authorization_strategies or ()
        if not (own and entry.is_inherited_from_parent)
    ]


def _list_granted_sets(document: Json) -> None:
    """A set that a fragment brings is reserved, as all are that the source brings."""
    listed = {entry["claimSetName"].lower() for entry in document["claimSets"]}
    for node in _walk(document["claimsHierarchy"]):
        for grant in node.get("claimSets", ()):
            name = grant["name"]
            if name.lower() not in listed:
                document["claimSets"].append({"claimSetName": name, "isSystemReserved": True})
                listed.add(name.lower())


def _find(hierarchy: list[Json], name: str) -> Json | None:
    """The claim of that address, or of that ending: `ed-fi/school`."""
    wanted = name.lower()
    for node in _walk(hierarchy):
        address = node["name"].lower()
        if address == wanted or address.endswith("/" + wanted):
            return node
    return None


def _walk(hierarchy: list[Json]) -> Iterator[Json]:
    for node in hierarchy:
        yield node
        yield from _walk(node.get("claims", []))


def _address(name: str) -> str:
    return name if "://" in name else BASE + name


def singular(name: str) -> str:
    """`ed-fi/schools` as `ed-fi/school`, `ed-fi/agencies` as `ed-fi/agency`."""
    if name.lower().endswith("ies"):
        return name[:-3] + "y"
    return name[:-1] if name.lower().endswith("s") else name
