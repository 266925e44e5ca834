"""Pages, orders and filters of the lists of data stores, profiles and claim sets (contract section 1.5)."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.api import bodies
from tests.api.problems import is_bad_parameter
from tests.api.service import Api

pytestmark = pytest.mark.anyio

OFFSET = "'offset' must be greater than or equal to 0."
LIMIT = "'limit' must be greater than 0."
DIRECTION = "The direction query parameter must be one of: asc, ascending, desc, descending."
UNREADABLE = "The request contains one or more invalid parameters."


@dataclass(frozen=True)
class Rules:
    """What the contract says about one list; without an order of its own, `default` is by what it comes."""

    path: str
    fields: str
    default: str = "id"
    flips: bool = False

    def __str__(self) -> str:
        return self.path


ALL = [
    Rules("dataStores", "id, dataStoreType, name"),
    Rules("dataStoreContexts", "id, dataStoreId, contextKey, contextValue"),
    Rules("dataStoreDerivatives", "id, dataStoreId, derivativeType"),
    Rules("claimSets", "id, name, claimSetName"),
    Rules("profiles", "id, name", flips=True),
    Rules("resourceClaims", "id, name, parentId, parentName", default="name", flips=True),
    Rules("resourceClaimActions", "resourceClaimId, resourceName", default="resourceClaimId", flips=True),
    Rules("resourceClaimActionAuthStrategies", "resourceClaimId, resourceName", default="resourceClaimId", flips=True),
]
EACH = pytest.mark.parametrize("rules", ALL, ids=str)


@pytest.fixture(scope="module")
async def filled(shared: Api) -> Api:
    """Three of everything, in no order."""
    for name, kind in [("c", "y"), ("a", "z"), ("b", "x")]:
        store = await shared.made("/v3/dataStores", bodies.data_store(name=name, dataStoreType=kind))
        await shared.made("/v3/dataStoreContexts", bodies.context(store, contextKey=name, contextValue=kind))
        await shared.made("/v3/dataStoreDerivatives", bodies.derivative(store))
        await shared.made("/v3/profiles", bodies.profile(name))
        await shared.made("/v3/claimSets", {"claimSetName": name})
    return shared


async def listed(api: Api, rules: Rules, **query: object) -> list[dict[str, Any]]:
    answer = await api.get(f"/v3/{rules.path}", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()
    # Each read encrypts connection strings anew.
    secret = {"connectionString", "dataStoreDerivatives"}
    return [{name: value for name, value in item.items() if name not in secret} for item in items]


def folded(value: str | int) -> str | int:
    """The contract leaves to the database whether capitals come first."""
    return value.lower() if isinstance(value, str) else value


@EACH
async def test_what_cannot_be_read_or_breaks_its_rule(filled: Api, rules: Rules) -> None:
    field = f"'orderBy' is not a valid field. Allowed values: {rules.fields}"
    for query, errors in [
        ("offset=-1", [OFFSET]),
        ("limit=0", [LIMIT]),
        ("limit=-1", [LIMIT]),
        ("direction=up", [DIRECTION]),
        ("orderBy=nothing", [field]),
        ("offset=-1&limit=0&orderBy=nothing&direction=up", [OFFSET, LIMIT, field, DIRECTION]),
        ("limit=abc", [UNREADABLE]),
        ("offset=1.5", [UNREADABLE]),
        ("limit=2147483648", [UNREADABLE]),
    ]:
        answer = await filled.get(f"/v3/{rules.path}?{query}")
        if len(errors) < 2:
            is_bad_parameter(answer, *errors)
        else:
            assert (answer.status_code, sorted(answer.json()["errors"])) == (400, sorted(errors))


@EACH
async def test_without_a_limit_everything_comes_by_default(filled: Api, rules: Rules) -> None:
    whole = await listed(filled, rules)
    values = [item[rules.default] for item in whole]
    assert len(whole) >= 3
    assert values == sorted(values)
    assert await listed(filled, rules, offset=0, limit=2**31 - 1) == whole
    assert await listed(filled, rules, offset=1, limit=1) == whole[1:2]
    assert await listed(filled, rules, offset=2) == whole[2:]
    assert await listed(filled, rules, offset=2**31 - 1) == []
    answer = await filled.get(f"/v3/{rules.path}?limit=1")
    assert "total-count" not in answer.headers


@EACH
async def test_direction_alone(filled: Api, rules: Rules) -> None:
    whole = await listed(filled, rules)
    flipped = whole[::-1] if rules.flips else whole
    for direction in ("desc", "DESCENDING"):
        found = await listed(filled, rules, direction=direction)
        assert [item[rules.default] for item in found] == [item[rules.default] for item in flipped]
    assert await listed(filled, rules, direction="Ascending") == whole


@EACH
async def test_every_field_orders_in_any_case(filled: Api, rules: Rules) -> None:
    for field in rules.fields.split(", "):
        member = "claimSetName" if (rules.path, field) == ("claimSets", "name") else field
        for direction in ("asc", "desc"):
            found = await listed(filled, rules, ORDERBY=field.upper(), Direction=direction.upper())
            values = [item[member] or "" for item in found]
            assert values in [sorted(values, key=key, reverse=direction == "desc") for key in (None, folded)]


@pytest.mark.parametrize(
    ("path", "query", "member", "values"),
    [
        ("dataStores", {"name": "a"}, "name", ["a"]),
        ("dataStores", {"name": "A"}, "name", []),
        ("dataStores", {"dataStoreType": "x"}, "name", ["b"]),
        ("dataStores", {"dataStoreType": "x", "name": "a"}, "name", []),
        ("claimSets", {"name": "b"}, "claimSetName", ["b"]),
        ("claimSets", {"claimSetName": "b"}, "claimSetName", ["b"]),
        ("claimSets", {"claimSetName": "B"}, "claimSetName", []),
        ("claimSets", {"claimSetName": "b", "id": "1"}, "claimSetName", []),
        ("profiles", {"name": "c"}, "name", ["c"]),
        ("profiles", {"name": "C"}, "name", []),
        ("resourceClaims", {"name": "PEOPLE"}, "name", ["people"]),
        ("resourceClaims", {"id": "1"}, "name", ["types"]),
        ("resourceClaims", {"name": "schoolYearType"}, "name", []),
        ("resourceClaimActions", {"resourceName": "TYPES"}, "resourceName", ["types"]),
        (
            "resourceClaimActionAuthStrategies",
            {"claimName": "HTTP://ed-fi.org/identity/claims/domains/edfitypes"},
            "resourceName",
            ["types"],
        ),
        ("resourceClaimActionAuthStrategies", {"resourceName": "types", "claimName": "x"}, "resourceName", []),
    ],
)
async def test_filters(filled: Api, path: str, query: dict[str, str], member: str, values: list[str]) -> None:
    answer = await filled.get(f"/v3/{path}", params=query)
    assert [item[member] for item in answer.json()] == values


@pytest.mark.parametrize("path", ["dataStores", "claimSets", "profiles", "resourceClaims"])
async def test_an_id_that_cannot_be_read(filled: Api, path: str) -> None:
    for id in ("abc", "", "2147483648"):
        is_bad_parameter(await filled.get(f"/v3/{path}?id={id}"), UNREADABLE)


@pytest.mark.parametrize("path", ["dataStoreContexts", "dataStoreDerivatives"])
async def test_what_has_no_filters_takes_none(filled: Api, path: str) -> None:
    whole = (await filled.get(f"/v3/{path}")).json()
    assert len((await filled.get(f"/v3/{path}?id=999999&contextKey=x")).json()) == len(whole)
