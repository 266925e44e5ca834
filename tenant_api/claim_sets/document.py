"""The claims document: what is loaded, uploaded and shown by `current-claims` (contract sections 1.18 and 4.1)."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from tenant_api.claim_sets.actions import Action
from tenant_api.db.tables.claim_sets import RESOURCE_CLAIM_NAME
from tenant_api.kernel import lengths

Json = dict[str, Any]
DEEPEST = 60


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the NUL character")
    return text


def _action(name: str) -> str:
    action = Action.named(name)
    if action is None:
        raise ValueError(f"must be one of {', '.join(known.name for known in Action)}")
    return action.name


def _visible(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _unbroken(text: str) -> str:
    if re.search(r"\s", text):
        raise ValueError("must not contain white spaces")
    return text


def _stated(keyword: str, value: Any) -> Any:
    """For the description: what a validator says in Python."""
    return Field(json_schema_extra={keyword: value})


Name = Annotated[str, Field(strict=True, min_length=1), AfterValidator(_storable)]
ClaimSetName = Annotated[
    Name, Field(max_length=lengths.CLAIM_SET_NAME), AfterValidator(_unbroken), _stated("pattern", r"^\S+$")
]
VisibleName = Annotated[Name, AfterValidator(_visible), _stated("pattern", r"\S")]
ClaimName = Annotated[VisibleName, Field(max_length=RESOURCE_CLAIM_NAME)]
StrategyName = Annotated[VisibleName, Field(max_length=lengths.STRATEGY_NAME)]
ActionName = Annotated[Name, AfterValidator(_action), _stated("enum", [action.name for action in Action])]


class Part(BaseModel):
    """A part of the document: closed, names as written."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class Strategy(Part):
    name: StrategyName


class DefaultAction(Part):
    name: ActionName
    authorization_strategies: Annotated[list[Strategy], Field(min_length=1)]


class DefaultAuthorization(Part):
    actions: Annotated[list[DefaultAction], Field(min_length=1)]


class GrantedAction(Part):
    name: ActionName
    authorization_strategy_overrides: list[Strategy] = []


class Grant(Part):
    """What a claim set may do with a claim and everything below it."""

    name: ClaimSetName
    actions: Annotated[list[GrantedAction], Field(min_length=1)]


class Claim(Part):
    """A node of the hierarchy."""

    name: ClaimName
    default_authorization: DefaultAuthorization | None = None
    claim_sets: list[Grant] = []
    claims: list["Claim"] = []


class ListedClaimSet(Part):
    claim_set_name: ClaimSetName
    is_system_reserved: Annotated[bool, Field(strict=True)]


class Document(Part):
    """Claim sets by name, and the hierarchy that says what they may do."""

    claim_sets: Annotated[list[ListedClaimSet], Field(min_length=1)]
    claims_hierarchy: Annotated[list[Claim], Field(min_length=1)]

    def walk(self) -> Iterator[tuple[Claim, Claim | None]]:
        """Every claim with its parent, depth first."""
        yield from _walk(self.claims_hierarchy, None)


class InvalidDocumentError(Exception):
    """What is wrong with a document, by the path of the part that is wrong: `$.claimSets.0`."""

    def __init__(self, failures: dict[str, list[str]]) -> None:
        self.failures = failures
        super().__init__("; ".join(f"{path}: {', '.join(reasons)}" for path, reasons in failures.items()))


def parse(value: Any) -> Document:
    """Read a document. InvalidDocumentError names every part that is wrong."""
    if _depth(value) > DEEPEST:
        raise InvalidDocumentError({"$.claimsHierarchy": ["The hierarchy is too deep."]})
    try:
        document = Document.model_validate(without_blanks(value))
    except ValidationError as error:
        raise InvalidDocumentError(_failures(error)) from None
    # An import finds claims in any case.
    occurrences = Counter(claim.name.lower() for claim, _ in document.walk())
    names = {claim.name.lower(): claim.name for claim, _ in document.walk()}
    reasons = [f"The claim '{names[key]}' occurs more than once." for key, count in occurrences.items() if count > 1]
    if reasons:
        raise InvalidDocumentError({"$.claimsHierarchy": reasons})
    return document


def without_blanks(value: Any, *, root: bool = True) -> Any:
    """The same without nulls and empty lists, which mean nothing in a hierarchy; the top level stays as it is."""
    if isinstance(value, dict):
        cleaned = {name: without_blanks(member, root=False) for name, member in value.items()}
        return {name: member for name, member in cleaned.items() if root or not _is_blank(name, member)}
    if isinstance(value, list):
        return [without_blanks(entry, root=False) for entry in value]
    return value


def _is_blank(name: str, member: Any) -> bool:
    optional = {"defaultAuthorization", "claimSets", "claims", "authorizationStrategyOverrides"}
    return name in optional and (member is None or member == [])


def _walk(claims: list[Claim], parent: Claim | None) -> Iterator[tuple[Claim, Claim | None]]:
    for claim in claims:
        yield claim, parent
        yield from _walk(claim.claims, claim)


def _depth(value: Any) -> int:
    """Nested claims, counted without recursion."""
    hierarchy = value.get("claimsHierarchy") if isinstance(value, dict) else None
    level, depth = hierarchy if isinstance(hierarchy, list) else [], 0
    while level:
        below = [node.get("claims") for node in level if isinstance(node, dict)]
        level, depth = [node for claims in below if isinstance(claims, list) for node in claims], depth + 1
    return depth


def _failures(error: ValidationError) -> dict[str, list[str]]:
    """JSON Schema names the object that lacks a member or has one too many, not the member."""
    failures: dict[str, list[str]] = {}
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        location = [str(step) for step in item["loc"]]
        member = ""
        if item["type"] in {"missing", "extra_forbidden"}:
            member = f"{location.pop()}: "
        message = member + item["msg"].removeprefix("Value error, ")
        failures.setdefault(".".join(["$", *location]) if location else "$.", []).append(message)
    return failures
