"""Administrators who meet: different sets never conflict, one set is changed by one after the other."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx2
import psycopg
import pytest

from tenant_api.claim_sets.loading import Loading
from tenant_api.db.tables import DEFAULT_TENANT_ID
from tests.api.claim_sets.test_claim_sets import is_taken, made
from tests.api.claim_sets.test_import_export import BASE, READ, claim, granted, imported
from tests.api.claim_sets.test_loading import document
from tests.api.problems import is_problem
from tests.api.service import Api, serving
from tests.api.test_concurrency import until_waiting

pytestmark = pytest.mark.anyio

PATIENT = {"DATABASE__LOCK_TIMEOUT_SECONDS": "25"}
RETRY = "Unable to {} claim set due to multi-user conflicts. Retry the request."
OWN = 15
"""The id of the first claim set that is made after the fourteen that are there from the start."""
CLAIMS = [f"{BASE}ed-fi/student", f"{BASE}ed-fi/staff", f"{BASE}ed-fi/school", f"{BASE}domains/people"]


@pytest.fixture
async def api(service_url: str) -> AsyncIterator[Api]:
    """A service whose requests wait for each other as long as they must on the slowest machine."""
    async with serving(service_url, **PATIENT) as api:
        yield api


@pytest.fixture
async def open_api(service_url: str) -> AsyncIterator[Api]:
    """The same, and it takes whole claims documents."""
    async with serving(service_url, CLAIMS__UNRESTRICTED_LOADING="true", **PATIENT) as api:
        yield api


def statuses(answers: list[httpx2.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def test_two_services_hammer_different_sets_without_a_conflict(service_url: str) -> None:
    async with serving(service_url) as one, serving(service_url) as other:

        async def hammer(api: Api, name: str) -> None:
            for turn in range(6):
                claim_set_id, warnings = await imported(
                    api, claim(CLAIMS[turn % 4]), claim(CLAIMS[0].upper() + "x"), name=name
                )
                assert len(warnings) == 1
                body = {"id": claim_set_id, "claimSetName": f"{name}x"}
                assert (await api.put(f"/v3/claimSets/{claim_set_id}", body)).status_code == 204
                body = {"id": claim_set_id, "claimSetName": name}
                assert (await api.put(f"/v3/claimSets/{claim_set_id}", body)).status_code == 204
                assert (await api.get("/v3/authorizationMetadata")).status_code == 200

        await asyncio.gather(*(hammer((one, other)[index % 2], f"Set{index}") for index in range(6)))
        for index in range(6):
            [entry] = (await one.get(f"/v3/claimSets?name=Set{index}")).json()
            [left] = await granted(other, entry["id"])
            assert left["claimName"] == CLAIMS[5 % 4]


async def test_a_held_set_keeps_nobody_from_another_one(api: Api, service_url: str) -> None:
    (first, _), (second, name) = await made(api), await made(api)
    with psycopg.connect(service_url) as holder:
        holder.execute("SELECT FROM claim_sets WHERE id = %s FOR UPDATE", (first,))
        body = {"claimSetName": name, "resourceClaims": [claim()]}
        assert (await api.post("/v3/claimSets/import", body)).status_code == 201
        assert (await api.put(f"/v3/claimSets/{second}", {"id": second, "claimSetName": f"{name}x"})).status_code == 204
        assert (await api.delete(f"/v3/claimSets/{second}")).status_code == 204


async def test_whoever_waits_too_long_for_a_set_is_told_to_retry(service_url: str) -> None:
    async with serving(service_url, DATABASE__LOCK_TIMEOUT_SECONDS="0.2") as api:
        claim_set_id, name = await made(api)
        with psycopg.connect(service_url) as holder:
            holder.execute("SELECT FROM claim_sets WHERE id = %s FOR UPDATE", (claim_set_id,))
            path = f"/v3/claimSets/{claim_set_id}"
            put, deleted, copied, taken = await asyncio.gather(
                api.put(path, {"id": claim_set_id, "claimSetName": f"{name}x"}),
                api.delete(path),
                api.post("/v3/claimSets/copy", {"originalId": claim_set_id, "claimSetName": "Copy"}),
                api.post("/v3/claimSets/import", {"claimSetName": name, "resourceClaims": []}),
            )
        is_problem(put, 409, "conflict", RETRY.format("update"))
        is_problem(deleted, 409, "conflict", RETRY.format("delete"))
        is_problem(copied, 409, "conflict", RETRY.format("copy"))
        is_problem(taken, 409, "conflict")


async def test_twenty_posts_of_one_name_make_one_set(api: Api) -> None:
    answers = await asyncio.gather(*(api.post("/v3/claimSets", {"claimSetName": "One"}) for _ in range(20)))
    assert statuses(answers) == {201: 1, 409: 19}
    for answer in answers:
        if answer.status_code == 409:
            is_taken(answer)


async def test_twenty_imports_of_one_name_leave_what_one_of_them_said(api: Api) -> None:
    async def take(turn: int) -> httpx2.Response:
        body = {"claimSetName": "One", "resourceClaims": [claim(name) for name in CLAIMS[: turn % 4 + 1]]}
        return await api.post("/v3/claimSets/import", body)

    answers = await asyncio.gather(*(take(turn) for turn in range(20)))
    assert statuses(answers) == {201: 20}
    [claim_set_id] = {answer.json()["id"] for answer in answers}
    left = {entry["claimName"] for entry in await granted(api, claim_set_id)}
    assert left in [set(CLAIMS[: count + 1]) for count in range(4)]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "", {}),
        ("POST", "/import", {"resourceClaims": []}),
        ("POST", "/copy", {"originalId": OWN}),
        ("PUT", f"/{OWN}", {"id": OWN}),
    ],
    ids=["create", "import", "copy", "rename"],
)
async def test_a_name_that_a_load_is_about_to_reserve_is_given_to_nobody(
    open_api: Api, method: str, path: str, body: dict[str, object]
) -> None:
    own, _ = await made(open_api, claimSetName="Own")
    assert own == OWN
    reserved = {"claimSetName": "Late", "isSystemReserved": True}
    sets = [reserved, {"claimSetName": "Own", "isSystemReserved": False}]
    async with open_api.runtime.sessions.begin() as session:
        await Loading(session, DEFAULT_TENANT_ID, multi_tenancy=False).load(document(claimSets=sets))
        late = asyncio.create_task(open_api.call(method, f"/v3/claimSets{path}", {**body, "claimSetName": "Late"}))
        await until_waiting(open_api, 1)
    assert (await late).status_code in {400, 409}
    [shown] = (await open_api.get("/v3/claimSets?name=Late")).json()
    assert shown["_isSystemReserved"]
    async with open_api.runtime.pool.connection() as connection:
        rows = await (await connection.execute("SELECT FROM claim_sets WHERE claim_set_name = 'Late'")).fetchall()
    assert len(rows) == 1


async def test_loads_and_edits_at_once_end_without_a_failure(open_api: Api) -> None:
    body = {"claimSetName": "One", "resourceClaims": [{"claimName": CLAIMS[0], "actions": READ}]}
    answers = await asyncio.gather(
        *(open_api.post("/management/reload-claims") for _ in range(3)),
        *(open_api.post("/v3/claimSets/import", body) for _ in range(6)),
        *(open_api.get("/v3/authorizationMetadata") for _ in range(6)),
        *(open_api.get("/v3/resourceClaims") for _ in range(6)),
    )
    assert set(statuses(answers)) <= {200, 201, 409}
    assert statuses(answers[:3]) == {200: 3}
