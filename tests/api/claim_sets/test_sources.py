"""Where the first document comes from: embedded, a directory, or both (contract section 4.2)."""

import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tenant_api.claim_sets.data_standards import default_document
from tenant_api.claim_sets.document import InvalidDocumentError
from tenant_api.claim_sets.fragments import FragmentError, merge, singular
from tenant_api.claim_sets.loading import ensure_metadata
from tenant_api.claim_sets.source import read_source
from tenant_api.connect.bootstrap import bootstrap
from tenant_api.settings.tree import ClaimsSettings
from tests.api.claim_sets.test_default_metadata import CLAIM_SETS, walk
from tests.api.claim_sets.test_loading import CURRENT, RELOAD, document
from tests.api.problems import is_problem
from tests.api.service import Api, serving

DOMAIN = "http://ed-fi.org/identity/claims/domains/sample"
BRANCH: dict[str, Any] = {
    "name": "SampleVendor",
    "resourceClaims": [
        {
            "isParent": True,
            "name": DOMAIN,
            "_defaultAuthorizationStrategiesForCrud": [
                {
                    "actionId": 1,
                    "actionName": "Create",
                    "authorizationStrategies": [{"authStrategyId": 1, "name": "NamespaceBased"}],
                }
            ],
            "children": [{"name": "http://ed-fi.org/identity/claims/sample/bus"}],
            "claimSets": [{"name": "SampleVendor", "actions": [{"name": "Create"}]}],
        }
    ],
}
GRANTS: dict[str, Any] = {
    "name": "SampleVendor",
    "resourceClaims": [
        {
            "id": 1,
            "name": "ed-fi/schoolYearTypes",
            "actions": [{"name": "Delete", "enabled": True}],
            "children": [],
            "authorizationStrategyOverridesForCRUD": [
                {
                    "actionId": 2,
                    "actionName": "Read",
                    "authorizationStrategies": [
                        {"authStrategyId": 4, "name": "NamespaceBased", "isInheritedFromParent": False}
                    ],
                }
            ],
        },
        {"name": "ed-fi/nowhere", "authorizationStrategyOverridesForCRUD": [{"actionName": "Read"}]},
    ],
}


def write(folder: Path, **files: Any) -> None:
    for name, content in files.items():
        place = folder / name.replace("__", "/")
        place.parent.mkdir(parents=True, exist_ok=True)
        (place.parent / f"{place.name}.json").write_text(json.dumps(content), encoding="utf-8")


def node(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any]
    [found] = [node for node, _ in walk(document["claimsHierarchy"]) if node["name"].endswith(name)]
    return found


def read(source: str, directory: Path | None = None, standard: str = "5.2") -> dict[str, Any]:
    return read_source(ClaimsSettings(source=source, directory=directory, data_standard=standard))


def test_the_embedded_source_is_the_standards_own() -> None:
    assert read("embedded") == default_document("5.2")
    assert read("embedded", standard="6.1") == default_document("6.1")


def test_a_directory_has_one_main_document(tmp_path: Path) -> None:
    write(tmp_path, Claims=document())
    assert read("directory", tmp_path) == document()


def test_fragments_are_added_in_the_order_of_their_paths(tmp_path: Path) -> None:
    write(tmp_path, **{"b__two-claimset": GRANTS, "a__one-claimset": BRANCH, "ignored": {"name": "x"}})
    found = read("hybrid", tmp_path)
    assert found["claimsHierarchy"][-1] == {
        "name": DOMAIN,
        "defaultAuthorization": {
            "actions": [{"name": "Create", "authorizationStrategies": [{"name": "NamespaceBased"}]}]
        },
        "claimSets": [{"name": "SampleVendor", "actions": [{"name": "Create"}]}],
        "claims": [{"name": "http://ed-fi.org/identity/claims/sample/bus"}],
    }
    assert node(found, "/schoolYearType")["claimSets"][-1] == {
        "name": "SampleVendor",
        "actions": [{"name": "Read", "authorizationStrategyOverrides": [{"name": "NamespaceBased"}]}],
    }
    assert found["claimSets"][14:] == [{"claimSetName": "SampleVendor", "isSystemReserved": True}]


def test_a_known_parent_gets_the_children_alone() -> None:
    base = document()
    fragment = copy.deepcopy(BRANCH)
    fragment["resourceClaims"][0]["children"].append({"name": "sample/driver"})
    merged = merge(base, fragment, default_name="x")
    assert base == document()
    [root] = merged["claimsHierarchy"]
    assert [child["name"] for child in root["claims"]] == [
        "http://ed-fi.org/identity/claims/sample/bus",
        "http://ed-fi.org/identity/claims/sample/driver",
    ]
    assert root["claimSets"] == base["claimsHierarchy"][0]["claimSets"]


def test_what_a_set_may_already_do_stays() -> None:
    base = default_document("5.2")
    fragment = {
        **GRANTS,
        "name": "SISVENDOR",
        "resourceClaims": [{**GRANTS["resourceClaims"][0], "name": "domains/edFiTypes"}],
    }
    assert merge(base, fragment, default_name="x") == base


def test_inherited_strategies_are_no_overrides_and_names_count_in_any_case() -> None:
    fragment = {
        "ResourceClaims": [
            {
                "Name": "ed-fi/schools",
                "AuthorizationStrategyOverridesForCrud": [
                    {
                        "ActionName": "Read",
                        "AuthorizationStrategies": [{"AuthStrategyName": "A", "IsInheritedFromParent": True}],
                    }
                ],
            }
        ]
    }
    merged = merge(default_document("5.2"), fragment, default_name="FromFile")
    assert {"name": "FromFile", "actions": [{"name": "Read"}]} in node(merged, "ed-fi/school")["claimSets"]


@pytest.mark.parametrize("fragment", [[], {}, {"resourceClaims": [{}]}, {"resourceClaims": [{"name": 5}]}, None])
def test_a_malformed_fragment_is_refused(fragment: Any) -> None:
    with pytest.raises(FragmentError):
        merge(document(), fragment, default_name="x")


def test_a_fragment_that_fails_is_left_out(tmp_path: Path) -> None:
    broken = copy.deepcopy(BRANCH)
    broken["resourceClaims"][0]["name"] = f"{DOMAIN}/other"
    broken["resourceClaims"][0]["claimSets"][0]["actions"][0]["name"] = "Fly"
    write(tmp_path, Claims=document(), **{"a-claimset": broken, "b-claimset": {}})
    (tmp_path / "c-claimset.json").write_text("{", encoding="utf-8")
    write(tmp_path, **{"d-claimset": {"name": "Last", "resourceClaims": GRANTS["resourceClaims"]}})
    write(
        tmp_path,
        **{"e-claimset": {"resourceClaims": [{"isParent": True, "name": DOMAIN, "children": [{"name": "sample/x"}]}]}},
    )
    found = read("directory", tmp_path)
    assert found["claimSets"] == document()["claimSets"]
    assert [entry["name"].rpartition("/")[2] for entry, _ in walk(found["claimsHierarchy"])] == ["sample", "bus", "x"]


@pytest.mark.parametrize("grant", [{"actions": []}, {"name": 5, "actions": [{"name": "Read"}]}, {"name": None}])
def test_a_grant_that_is_none_takes_only_its_fragment_along(tmp_path: Path, grant: Any) -> None:
    broken = copy.deepcopy(BRANCH)
    broken["resourceClaims"][0] |= {"name": f"{DOMAIN}/other", "claimSets": [grant]}
    broken["resourceClaims"].append({**GRANTS["resourceClaims"][0], "name": f"{DOMAIN}/other"})
    write(tmp_path, Claims=document(), **{"a-claimset": broken})
    assert read("directory", tmp_path) == document()


@pytest.mark.parametrize("name", ["x" * 256, "x" * 9000, " "], ids=["256", "9000", "blank"])
@pytest.mark.parametrize("fragment", [BRANCH, GRANTS], ids=["default", "override"])
def test_a_strategy_that_cannot_be_taken_takes_only_its_fragment_along(
    tmp_path: Path, name: str, fragment: dict[str, Any]
) -> None:
    broken = json.dumps(fragment).replace("NamespaceBased", name).replace(DOMAIN, f"{DOMAIN}/other")
    write(tmp_path, **{"a-claimset": json.loads(broken)})
    assert read("hybrid", tmp_path) == default_document("5.2")


@pytest.mark.parametrize("strategies", [None, []])
def test_an_action_without_strategies_is_no_default(tmp_path: Path, strategies: Any) -> None:
    fragment = copy.deepcopy(BRANCH)
    decisions = fragment["resourceClaims"][0]["_defaultAuthorizationStrategiesForCrud"]
    decisions.append({"actionId": 2, "actionName": "Read", "authorizationStrategies": strategies})
    write(tmp_path, **{"a-claimset": fragment})
    with_both = read("hybrid", tmp_path)
    [create] = with_both["claimsHierarchy"][-1]["defaultAuthorization"]["actions"]
    assert create["name"] == "Create"
    decisions.pop(0)
    write(tmp_path, **{"a-claimset": fragment})
    without = read("hybrid", tmp_path)["claimsHierarchy"][-1]
    assert without == {name: value for name, value in with_both["claimsHierarchy"][-1].items() if "default" not in name}


def test_a_fragment_that_is_nested_too_deeply_is_left_out(tmp_path: Path) -> None:
    deep: Any = {}
    for _ in range(700):
        deep = {"x": deep}
    broken = copy.deepcopy(BRANCH)
    broken["resourceClaims"][0] |= {"name": f"{DOMAIN}/other", "claimSets": [deep]}
    write(tmp_path, Claims=document(), **{"a-claimset": broken})
    assert read("directory", tmp_path) == document()


def test_a_fragment_adds_to_what_the_main_document_leaves_blank(tmp_path: Path) -> None:
    blank = document()
    blank["claimsHierarchy"][0] |= {"claimSets": None, "claims": None}
    grants = {**GRANTS, "resourceClaims": [{**GRANTS["resourceClaims"][0], "name": DOMAIN}]}
    write(tmp_path, Claims=blank, **{"a-claimset": BRANCH, "b-claimset": grants})
    [root] = read("directory", tmp_path)["claimsHierarchy"]
    assert root["claims"] == BRANCH["resourceClaims"][0]["children"]
    assert [grant["name"] for grant in root["claimSets"]] == ["SampleVendor"]


@pytest.mark.parametrize("content", [None, "{", "[]", json.dumps({"claimSets": []})])
def test_without_a_valid_main_document_there_is_nothing_to_load(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "Claims.json").write_text(content, encoding="utf-8")
    with pytest.raises(InvalidDocumentError):
        read("directory", tmp_path)


@pytest.mark.parametrize(
    ("plural", "one"),
    [("ed-fi/schools", "ed-fi/school"), ("ed-fi/agencies", "ed-fi/agency"), ("ed-fi/staff", "ed-fi/staff")],
)
def test_plural_names_mean_one(plural: str, one: str) -> None:
    assert singular(plural) == one


@asynccontextmanager
async def fresh(url: str, **settings: str) -> AsyncIterator[Api]:
    async with serving(url, CLAIMS__UNRESTRICTED_LOADING="true", **settings) as api:
        await bootstrap(api.runtime.idp, api.runtime.settings.identity.clients)
        await ensure_metadata(api.runtime)
        yield api


@pytest.mark.anyio
async def test_the_first_start_loads_the_source_and_no_later_one(database_url: str, tmp_path: Path) -> None:
    write(tmp_path, Claims=document())
    settings = {"CLAIMS__SOURCE": "Directory", "CLAIMS__DIRECTORY": str(tmp_path)}
    async with fresh(database_url, **settings) as api:
        assert (await api.get(CURRENT)).json() == document()
        reload_id = (await api.get(CURRENT)).headers["x-reload-id"]
        sets = (await api.get("/v3/claimSets")).json()
    async with fresh(database_url, CLAIMS__DATA_STANDARD="6.1") as api:
        assert (await api.get(CURRENT)).headers["x-reload-id"] == reload_id
        assert [(entry["id"], entry["claimSetName"]) for entry in sets] == [(1, "SISVendor"), (2, "Own")]


@pytest.mark.anyio
async def test_data_standard_6_1_starts_with_its_own_claims(database_url: str) -> None:
    async with fresh(database_url, CLAIMS__DATA_STANDARD="6.1") as api:
        listed = (await api.get("/v3/claimSets")).json()
        assert [(entry["id"], entry["claimSetName"]) for entry in listed] == list(enumerate(CLAIM_SETS, 1))
        assert sorted(root["id"] for root in (await api.get("/v3/resourceClaims")).json()) == list(range(1, 20))
        metadata = (await api.get("/v3/authorizationMetadata?claimSetName=EdFiSandbox")).json()
        assert len(metadata[0]["claims"]) > 400


@pytest.mark.anyio
async def test_a_reload_reads_the_directory_again(service_url: str, tmp_path: Path) -> None:
    settings = {"CLAIMS__SOURCE": "hybrid", "CLAIMS__DIRECTORY": str(tmp_path)}
    async with fresh(service_url, **settings) as api:
        write(tmp_path, **{"one-claimset": BRANCH})
        assert (await api.post(RELOAD)).status_code == 200
        assert "SampleVendor" in [entry["claimSetName"] for entry in (await api.get("/v3/claimSets")).json()]
        roots = (await api.get("/v3/resourceClaims?orderBy=id&direction=desc&limit=1")).json()
        assert [(root["id"], root["name"]) for root in roots] == [(414, "sample")]


@pytest.mark.anyio
async def test_a_reload_of_a_broken_source_changes_nothing(service_url: str, tmp_path: Path) -> None:
    settings = {"CLAIMS__SOURCE": "directory", "CLAIMS__DIRECTORY": str(tmp_path)}
    async with fresh(service_url, **settings) as api:
        is_problem(await api.post(RELOAD), 400, "bad-request:data")
        assert (await api.get(CURRENT)).json() == default_document("5.2")


@pytest.mark.parametrize("source", ["directory", "Hybrid"])
def test_a_source_of_files_needs_a_directory(source: str) -> None:
    with pytest.raises(ValidationError, match="required unless the source is embedded"):
        ClaimsSettings(source=source)
