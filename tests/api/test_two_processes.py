"""Two services in processes of their own on one database: nobody's change is lost, and nobody is in the way."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest

from tests.api import bodies
from tests.api.service import Api, environment, serving
from tests.crash.processes import ApiProcess

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

BASE = "http://ed-fi.org/identity/claims/ed-fi"
CLAIMS = [f"{BASE}/{name}" for name in ("student", "staff", "school", "course", "grade")]
SETS, TURNS = 5, 5
UPDATES = 50


@pytest.fixture
async def processes(service_url: str) -> AsyncIterator[Sequence[Api]]:
    """What speaks to each of the two; their runtime is that of a third one, in this process."""
    # A request that waits for 49 others must not give up where the machine is slow.
    patient = environment(service_url, TENANT_API_DATABASE__LOCK_TIMEOUT_SECONDS="25")
    started = [ApiProcess(patient) for _ in range(2)]
    try:
        async with AsyncExitStack() as stack:
            here = await stack.enter_async_context(serving(service_url))
            clients = [httpx2.AsyncClient(base_url=process.url, timeout=60) for process in started]
            speaking = [Api(await stack.enter_async_context(client), here.runtime) for client in clients]
            for api in speaking:
                await api.token("admin")
            yield speaking
    finally:
        for process in started:
            process.kill()
            process.join()


def granting(*claims: str) -> list[dict[str, Any]]:
    return [{"claimName": claim, "actions": [{"name": "Read", "enabled": True}]} for claim in claims]


async def granted(api: Api, claim_set_id: int) -> tuple[str, set[str]]:
    answer = await api.get(f"/v3/claimSets/{claim_set_id}/export")
    assert answer.status_code == 200, answer.text
    return answer.json()["claimSetName"], {claim["claimName"] for claim in answer.json()["resourceClaims"]}


async def test_two_processes_that_hammer_different_claim_sets_lose_nothing(processes: Sequence[Api]) -> None:
    """Each makes 5 sets and 100 further writes; after each write, the other one shows exactly what was written."""
    seen: Counter[tuple[str, int]] = Counter()

    async def expect(status: int, what: str, answer: httpx2.Response) -> httpx2.Response:
        seen[what, answer.status_code] += 1
        assert answer.status_code == status, answer.text
        return answer

    async def hammer(api: Api, other: Api, name: str) -> tuple[int, str, set[str]]:
        id = await api.made("/v3/claimSets", {"claimSetName": name})
        for turn in range(TURNS):
            for claims in (set(CLAIMS[: turn + 1]), {CLAIMS[turn]}):
                body = {"claimSetName": name, "resourceClaims": granting(*claims)}
                answer = await expect(201, "import", await api.post("/v3/claimSets/import", body))
                assert answer.json() == {"id": id, "warnings": []}
                assert await granted(other, id) == (name, claims)
            for new in (f"{name}-{turn}", name):
                await expect(204, "update", await api.put(f"/v3/claimSets/{id}", {"id": id, "claimSetName": new}))
                assert await granted(other, id) == (new, claims)
        return id, name, claims

    one, two = processes
    left = await asyncio.gather(
        *(hammer(one, two, f"One{number}") for number in range(SETS)),
        *(hammer(two, one, f"Two{number}") for number in range(SETS)),
    )
    writes = 2 * SETS * TURNS
    assert seen == {("import", 201): 2 * writes, ("update", 204): 2 * writes}
    for api in processes:
        for id, name, claims in left:
            assert await granted(api, id) == (name, claims)
            [entry] = (await api.get(f"/v3/authorizationMetadata?claimSetName={name}")).json()
            assert {claim["name"] for claim in entry["claims"]} == claims


async def test_fifty_updates_of_one_application_s_clients_lose_nothing(processes: Sequence[Api]) -> None:
    """Renewed clients, renewed applications and new clients at once, from both processes."""
    one = processes[0]
    stores = [await one.made("/v3/dataStores", bodies.data_store()) for _ in range(2)]
    vendor = await one.made("/v3/vendors", bodies.vendor())
    first = (await one.post("/v3/applications", bodies.application(vendor, dataStoreIds=stores))).json()
    id = first["id"]
    old = [(await one.post("/v3/apiClients", bodies.api_client(id, stores))).json() for _ in range(UPDATES // 5 * 2)]
    [anchor] = [client for client in (await one.get("/v3/apiClients")).json() if client["clientId"] == first["key"]]

    # Another client always reaches both data stores, so that no renewed application changes what a client reaches.
    renewed = [bodies.api_client(id, [stores[number % 2]], id=client["id"]) for number, client in enumerate(old)]
    added = [bodies.api_client(id, [stores[number % 2]]) for number in range(UPDATES // 5 * 2)]
    whole = [
        bodies.application(vendor, id=id, dataStoreIds=stores, educationOrganizationIds=[number + 1])
        for number in range(UPDATES // 5)
    ]
    turn = iter(range(UPDATES))

    def call(method: str, path: str, body: bodies.Body) -> Any:
        return processes[next(turn) % 2].call(method, path, body)

    calls = [
        *(call("PUT", f"/v3/apiClients/{body['id']}", body) for body in renewed),
        *(call("PUT", f"/v3/applications/{id}", body) for body in whole),
        *(call("POST", "/v3/apiClients", body) for body in added),
    ]
    assert len(calls) == UPDATES
    # Every third one first, so that the kinds mix.
    order = [*range(0, UPDATES, 3), *range(1, UPDATES, 3), *range(2, UPDATES, 3)]
    answers = dict(zip(order, await asyncio.gather(*(calls[index] for index in order)), strict=True))
    in_order = [answers[index] for index in range(UPDATES)]
    assert Counter(answer.status_code for answer in in_order) == {
        204: len(renewed) + len(whole),
        201: len(added),
    }

    new = [answer.json() for answer in in_order[-len(added) :]]
    wanted = {body["id"]: (body["name"], body["dataStoreIds"]) for body in renewed}
    wanted |= {made["id"]: (body["name"], body["dataStoreIds"]) for made, body in zip(new, added, strict=True)}
    wanted[anchor["id"]] = (anchor["name"], stores)
    for api in processes:
        clients = (await api.get(f"/v3/apiClients?applicationid={id}")).json()
        assert {client["id"]: (client["name"], client["dataStoreIds"]) for client in clients} == wanted
        application = (await api.get(f"/v3/applications/{id}")).json()
        left = (application["applicationName"], application["educationOrganizationIds"])
        assert left in [(body["applicationName"], body["educationOrganizationIds"]) for body in whole]
        for credential in (first, *old, *new):
            claims = await api.claims(credential)
            assert claims["educationOrganizationIds"] == str(left[1][0])
            assert claims["client_name"] == left[0]
