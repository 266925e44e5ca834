"""The default security metadata has the published figures of each Data Standard."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from tenant_api.claim_sets.data_standards import Version, default_document
from tenant_api.claim_sets.document import parse

CLAIM_SETS = [
    "SISVendor",
    "EdFiSandbox",
    "RosterVendor",
    "AssessmentVendor",
    "AssessmentRead",
    "BootstrapDescriptorsandEdOrgs",
    "SeedLoader",
    "DistrictHostedSISVendor",
    "EdFiODSAdminApp",
    "ABConnect",
    "EdFiAPIPublisherReader",
    "EdFiAPIPublisherWriter",
    "FinanceVendor",
    "EducationPreparationProgram",
]
FIGURES: dict[str, dict[str, Any]] = {
    "5.2": {
        "claims": (413, "8758131d00fe21948ab2d15b2101728726091d74612019559bee8329283ad965"),
        "grants": (166, "a14a51f6e2ceb21521f6cbee3d6a0e59ef1b909015af62ceefa2b629c6437f81"),
        "roots": 16,
        "leaves": 394,
    },
    "6.1": {
        "claims": (531, "0faf0ae108c9774e161c62a732d7b864570ccbf1b11bd58ad5982dfc29568ea6"),
        "grants": (191, "c2933bb4c59dbb5200f5e5b633ebcf2cb75451b2576cfd963bbec7cdaaa4ad90"),
        "roots": 19,
        "leaves": 504,
    },
}

versions = pytest.mark.parametrize("version", FIGURES)


def walk(nodes: list[Any], parent: str = "") -> Iterator[tuple[Any, str]]:
    for node in nodes:
        yield node, parent
        yield from walk(node.get("claims", []), node["name"])


def words(actions: list[Any], member: str) -> str:
    named = [(action["name"], "+".join(strategy["name"] for strategy in action.get(member, []))) for action in actions]
    return " ".join(f"{name}:{strategies}" if strategies else name for name, strategies in named)


def digest(lines: list[str]) -> tuple[int, str]:
    return len(lines), sha256("\n".join(sorted(lines)).encode()).hexdigest()


@versions
def test_every_claim_has_its_parent_and_its_strategies(version: Version) -> None:
    lines = []
    for node, parent in walk(default_document(version)["claimsHierarchy"]):
        defaults = node.get("defaultAuthorization", {}).get("actions", [])
        lines.append(f"{node['name']}|{parent}|{words(defaults, 'authorizationStrategies')}")
    assert digest(lines) == FIGURES[version]["claims"]


@versions
def test_every_grant_is_there_and_no_other(version: Version) -> None:
    lines = [
        f"{grant['name']}|{node['name']}|{words(grant['actions'], 'authorizationStrategyOverrides')}"
        for node, _ in walk(default_document(version)["claimsHierarchy"])
        for grant in node.get("claimSets", [])
    ]
    assert digest(lines) == FIGURES[version]["grants"]


@versions
def test_the_shape_of_the_hierarchy(version: Version) -> None:
    document = default_document(version)
    nodes = [node for node, _ in walk(document["claimsHierarchy"])]
    assert len(document["claimsHierarchy"]) == FIGURES[version]["roots"]
    assert sum("claims" not in node for node in nodes) == FIGURES[version]["leaves"]


@versions
def test_fourteen_reserved_claim_sets_in_order(version: Version) -> None:
    listed = default_document(version)["claimSets"]
    assert [entry["claimSetName"] for entry in listed] == CLAIM_SETS
    assert all(entry["isSystemReserved"] for entry in listed)


@versions
def test_the_documents_obey_their_own_schema(version: Version) -> None:
    assert len(list(parse(default_document(version)).walk())) == FIGURES[version]["claims"][0]
