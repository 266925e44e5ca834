"""Lists page, sort and filter as the contract says (section 1.5)."""

from typing import Any

import pytest

from tests.api import bodies
from tests.api.problems import INVALID_PARAMETER, is_bad_parameter
from tests.api.service import Api

pytestmark = pytest.mark.anyio

OFFSET = "'offset' must be greater than or equal to 0."
LIMIT = "'limit' must be greater than 0."
DIRECTION = "The direction query parameter must be one of: asc, ascending, desc, descending."
FIELDS = {
    "/v3/tenants": "id, name",
    "/v3/vendors": "id, company, contactName, contactEmailAddress",
    "/v3/applications": "id, applicationName, vendorId, claimSetName",
    "/v3/apiClients": "id, applicationId, name",
    "/v3/dataStores": "id, dataStoreType, name",
}
LISTS = list(FIELDS)
FLIPPED_ALONE = {"/v3/applications", "/v3/apiClients"}
NORTH = "North"


@pytest.fixture(scope="module")
async def town(shared_fleet: Api) -> Api:
    """Three of everything, whose members are in no order."""
    api = shared_fleet
    for name in (NORTH, "East", "west"):
        await api.made("/v3/tenants", {"name": name})
    stores = [
        await api.made("/v3/dataStores", bodies.data_store(name=name, dataStoreType=kind), tenant=NORTH)
        for name, kind in [("c", "x"), ("a", "z"), ("b", "y")]
    ]
    vendors = [
        await api.made(
            "/v3/vendors",
            bodies.vendor(
                company=company, contactName=contact, contactEmailAddress=f"{contact}@x", namespacePrefixes=prefixes
            ),
            tenant=NORTH,
        )
        for company, contact, prefixes in [("c", "x", "uri://1,uri://2"), ("a", "z", "uri://2"), ("b", "y", "uri://3")]
    ]
    for vendor_id, name, claim_set in [(vendors[1], "c", "x"), (vendors[0], "a", "z"), (vendors[2], "b", "y")]:
        await api.made(
            "/v3/applications",
            bodies.application(vendor_id, applicationName=name, claimSetName=claim_set, dataStoreIds=stores),
            tenant=NORTH,
        )
    return api


async def listed(api: Api, path: str, **query: object) -> list[dict[str, object]]:
    answer = await api.get(path, tenant=NORTH, params=query)
    assert answer.status_code == 200, answer.text
    # Two reads of one connection string differ: each is encrypted anew.
    return [{name: value for name, value in item.items() if name != "connectionString"} for item in answer.json()]


async def ids(api: Api, path: str, **query: object) -> list[object]:
    return [item["id"] for item in await listed(api, path, **query)]


@pytest.mark.parametrize("path", LISTS)
async def test_wrong_pages_and_orders_are_all_named(town: Api, path: str) -> None:
    async def refused(query: str, *errors: str) -> None:
        is_bad_parameter(await town.get(f"{path}?{query}", tenant=NORTH), *errors)

    field = f"'orderBy' is not a valid field. Allowed values: {FIELDS[path]}"
    await refused("offset=-1", OFFSET)
    await refused("limit=0", LIMIT)
    await refused("limit=-5", LIMIT)
    await refused("direction=up", DIRECTION)
    await refused("orderBy=secret", field)
    await refused("orderBy=", field)
    await refused("direction=up&orderBy=x&limit=0&offset=-1", OFFSET, LIMIT, field, DIRECTION)
    for unreadable in ("limit=abc", f"offset={2**31}", "limit=1.5", "limit=", "offset=0x1", "limit=1%00"):
        await refused(unreadable, INVALID_PARAMETER)


@pytest.mark.parametrize("path", LISTS)
async def test_pages_are_cut_from_the_whole_list(town: Api, path: str) -> None:
    everything = await listed(town, path)
    assert len(everything) == 3
    assert await listed(town, path, offset=1) == everything[1:]
    assert await listed(town, path, limit=2) == everything[:2]
    assert await listed(town, path, offset=1, limit=1) == everything[1:2]
    assert await listed(town, path, offset=3) == []
    assert await listed(town, path, offset=2**31 - 1, limit=2**31 - 1) == []
    assert await listed(town, path, OFFSET=1, Limit=1, unknown="x") == everything[1:2]


@pytest.mark.parametrize("path", LISTS)
async def test_every_field_orders_both_ways_in_any_case(town: Api, path: str) -> None:
    for field in FIELDS[path].split(", "):
        values: list[Any] = [item[field] for item in await listed(town, path)]
        ordered = sorted(values, key=lambda value: value.lower() if isinstance(value, str) else value)
        for spelling, directions in [(field, ("asc", "ascending", "ASC")), (field.upper(), ("Asc",))]:
            for direction in directions:
                got = await listed(town, path, orderBy=spelling, direction=direction)
                assert [item[field] for item in got] == ordered
        for direction in ("desc", "descending", "DESCENDING"):
            got = await listed(town, path, orderby=field, direction=direction)
            assert [item[field] for item in got] == ordered[::-1]


@pytest.mark.parametrize("path", LISTS)
async def test_direction_alone_flips_only_some_lists(town: Api, path: str) -> None:
    by_default = await ids(town, path)
    expected = by_default[::-1] if path in FLIPPED_ALONE else by_default
    assert await ids(town, path, direction="desc") == expected
    assert await ids(town, path, direction="asc") == by_default


async def test_applications_come_by_name_and_the_others_by_id(town: Api) -> None:
    assert [item["applicationName"] for item in await listed(town, "/v3/applications")] == ["a", "b", "c"]
    for path in LISTS:
        if path != "/v3/applications":
            found = await ids(town, path)
            assert found == sorted(found, key=str)


async def test_equal_values_are_ordered_by_id(town: Api) -> None:
    tenant = "East"
    for _ in range(3):
        await town.made("/v3/dataStores", bodies.data_store(name="same"), tenant=tenant)
    for direction in ("asc", "desc"):
        answer = await town.get(f"/v3/dataStores?orderBy=name&direction={direction}", tenant=tenant)
        found = [item["id"] for item in answer.json()]
        assert found == sorted(found)


@pytest.mark.parametrize(
    ("path", "query", "names"),
    [
        ("/v3/vendors", {"company": "a"}, ["a"]),
        ("/v3/vendors", {"company": "A"}, []),
        ("/v3/vendors", {"COMPANY": "a"}, ["a"]),
        ("/v3/vendors", {"company": "a' OR '1'='1"}, []),
        ("/v3/vendors", {"company": "%"}, []),
        ("/v3/vendors", {"namespacePrefixes": "uri://2"}, ["c", "a"]),
        ("/v3/vendors", {"namespacePrefixes": "uri://1,uri://2"}, []),
        ("/v3/vendors", {"contactName": "z"}, ["a"]),
        ("/v3/vendors", {"contactEmailAddress": "y@x"}, ["b"]),
        ("/v3/vendors", {"contactName": "z", "company": "b"}, []),
        ("/v3/applications", {"applicationName": "b"}, ["b"]),
        ("/v3/applications", {"claimSetName": "x"}, ["c"]),
        ("/v3/applications", {"claimSetName": "X"}, []),
        ("/v3/dataStores", {"name": "a"}, ["a"]),
        ("/v3/dataStores", {"dataStoreType": "y"}, ["b"]),
        ("/v3/dataStores", {"dataStoreType": "y", "name": "a"}, []),
    ],
)
async def test_filters_compare_exactly_and_add_up(
    town: Api, path: str, query: dict[str, str], names: list[str]
) -> None:
    name = {"/v3/vendors": "company", "/v3/applications": "applicationName", "/v3/dataStores": "name"}[path]
    assert [item[name] for item in await listed(town, path, **query)] == names


@pytest.mark.parametrize("path", ["/v3/vendors", "/v3/applications", "/v3/dataStores"])
async def test_lists_are_filtered_by_id(town: Api, path: str) -> None:
    some = (await ids(town, path))[1]
    assert await ids(town, path, id=some) == [some]
    assert await ids(town, path, id=999_999) == []
    for unreadable in ("abc", str(2**31), ""):
        is_bad_parameter(await town.get(f"{path}?id={unreadable}", tenant=NORTH), INVALID_PARAMETER)


async def test_applications_are_filtered_by_several_ids(town: Api) -> None:
    path = "/v3/applications"
    first, second, third = await ids(town, path)
    assert await ids(town, path, ids=f"{third}, {first},999999") == [first, third]
    assert await ids(town, path, ids=str(second)) == [second]
    csv = "The 'ids' query parameter must be a comma-separated list of integers."
    for unreadable in ("a", "1,,2", "1,", f"{2**31}", "1;2", ""):
        is_bad_parameter(await town.get(f"{path}?ids={unreadable}", tenant=NORTH), csv)
    both = "'id' and 'ids' cannot be used together."
    is_bad_parameter(await town.get(f"{path}?ids=1&id=1", tenant=NORTH), both)
    is_bad_parameter(await town.get(f"{path}?ids=1&id=1&limit=0", tenant=NORTH), LIMIT, both)


@pytest.mark.parametrize("value", ["%00", "a%00b"])
async def test_what_no_row_can_hold_is_a_wrong_parameter(town: Api, value: str) -> None:
    is_bad_parameter(await town.get(f"/v3/vendors?company={value}", tenant=NORTH), INVALID_PARAMETER)


async def test_broken_utf_8_finds_nothing(town: Api) -> None:
    assert (await town.get("/v3/vendors?company=%ff%fe", tenant=NORTH)).json() == []


async def test_lists_take_the_same_number_of_queries_however_long_they_are(shared: Api) -> None:
    async def statements(path: str) -> int:
        from sqlalchemy import event

        counted: list[str] = []

        def count(*args: object) -> None:
            counted.append(str(args[2]))

        engine = shared.runtime.engine.sync_engine
        event.listen(engine, "before_cursor_execute", count)
        try:
            assert (await shared.get(path)).status_code == 200
        finally:
            event.remove(engine, "before_cursor_execute", count)
        return len(counted)

    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    store_id = await shared.made("/v3/dataStores", bodies.data_store())
    paths = [
        "/v3/vendors",
        "/v3/applications",
        "/v3/apiClients",
        "/v3/dataStores",
        f"/v3/vendors/{vendor_id}/applications",
        f"/v3/dataStores/{store_id}/applications",
    ]
    before = [await statements(path) for path in paths]
    for _ in range(5):
        await shared.made("/v3/applications", bodies.application(vendor_id, dataStoreIds=[store_id]))
        await shared.made("/v3/dataStores", bodies.data_store())
    assert [await statements(path) for path in paths] == before
    assert max(before) <= 2
