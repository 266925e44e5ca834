"""Whatever dies, and when: in the end exactly the clients of the rows exist."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from idp_providers.memory import Fault
from tests.api import bodies
from tests.crash.calls import at_once
from tests.crash.cases import reaped
from tests.crash.processes import Forked, Worker
from tests.crash.proxy import FIRST_WORDS_OF_CLAIM, Proxy
from tests.identity.outside.reconciling import asked, drift, report
from tests.identity.outside.remote import Door
from tests.identity.outside.scene import LEASES_END, Fate, Request, Scene, call, doomed, fates

Choice = Callable[[Sequence[Fate]], Sequence[Fate]]
Scenario = Callable[[Scene, Choice], Awaitable[int]]
"""Answers how many died, each at one of the chosen moments."""


async def an_api_that_makes_applications(scene: Scene, choose: Choice) -> int:
    vendor = await scene.vendor()
    return await _killed_everywhere(
        scene, choose, lambda: ("POST", "/v3/applications", bodies.application(vendor)), 201
    )


async def an_api_that_resets_a_credential(scene: Scene, choose: Choice) -> int:
    await scene.application(await scene.vendor())
    [client] = (await scene.api.get("/v3/apiClients")).json()
    address = f"/v3/apiClients/{client['id']}/reset-credential"
    kills = await _killed_everywhere(scene, choose, lambda: ("PUT", address, None), 200)
    [state] = scene.at_provider()
    assert state == client["clientId"]
    return kills


async def an_api_that_changes_a_vendor(scene: Scene, choose: Choice) -> int:
    vendor = await scene.vendor()
    for _ in range(3):
        await scene.application(vendor)
    return await _killed_everywhere(scene, choose, lambda: _put(vendor), 204)


async def an_api_that_takes_back_what_a_lost_reply_left(scene: Scene, choose: Choice) -> int:
    vendor = await scene.vendor()
    scene.clients.faults.plan("create_client", *[Fault.LOST_REPLY] * 1000)
    return await _killed_everywhere(
        scene, choose, lambda: ("POST", "/v3/applications", bodies.application(vendor)), 502
    )


async def a_worker_that_brings_clients_in_line(scene: Scene, choose: Choice) -> int:
    vendor = await scene.vendor()
    for _ in range(2):
        await scene.application(vendor)
    found = choose(fates(*await _worked(scene, vendor, Fate())))
    for fate in found:
        await _worked(scene, vendor, fate)
        await scene.recovered()
    return len(found)


async def a_worker_that_compares_and_repairs(scene: Scene, choose: Choice) -> int:
    vendor = await scene.vendor()
    for _ in range(3):
        await scene.application(vendor)
    kills = 0
    for fate in choose(fates(*await _compared(scene, Fate()))):
        door, proxy = await _compared(scene, fate)
        kills += door.struck.is_set() or proxy.struck.is_set()
    return kills


SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        an_api_that_makes_applications,
        an_api_that_resets_a_credential,
        an_api_that_changes_a_vendor,
        an_api_that_takes_back_what_a_lost_reply_left,
        a_worker_that_brings_clients_in_line,
        a_worker_that_compares_and_repairs,
    )
}


async def _killed_everywhere(scene: Scene, choose: Choice, request: Callable[[], Request], status: int) -> int:
    answered, door, proxy = await call(scene, request(), Fate())
    assert answered == status
    await scene.recovered()
    found = choose(fates(door, proxy))
    one_by_one = request()[0] == "PUT"
    kills = 0
    for batch in [[fate] for fate in found] if one_by_one else [found]:
        kills += sum(await at_once(*(_killed(scene, request(), fate, status) for fate in batch)))
        await scene.recovered()
    assert kills >= min(0.9 * len(found), len(found) - 1)
    return kills


async def _killed(scene: Scene, request: Request, fate: Fate, status: int) -> bool:
    """Whether it died. One that shares a job with others says less than was counted, and may come to its answer."""
    answered, door, proxy = await call(scene, request, fate)
    died = door.struck.is_set() or proxy.struck.is_set()
    assert answered == (None if died else status), fate
    return died


def _put(vendor: int) -> Request:
    return "PUT", f"/v3/vendors/{vendor}", bodies.vendor(id=vendor, namespacePrefixes=f"uri://{bodies.unique('new')}")


async def _worked(scene: Scene, vendor: int, fate: Fate) -> tuple[Door, Proxy]:
    """A change, and a worker that sees to it until it dies or is done."""
    method, path, body = _put(vendor)
    answer = await scene.api.call(method, path, body)
    return await _seen_to(scene, answer, fate)


async def _compared(scene: Scene, fate: Fate) -> tuple[Door, Proxy]:
    """A comparison that finds a client missing, by a worker that sees to it until it dies or is done.

    Whoever goes on where the dead one stopped counts every client once, and the repair is asked for once.
    """
    missing = min(scene.at_provider())
    await scene.clients.delete_clients([missing])
    answer = await asked(scene, {"dryRun": False})
    door, proxy = await _seen_to(scene, answer, fate)
    await scene.rows(LEASES_END)
    job = await scene.ended(answer)
    found = await report(scene, answer)
    assert (job["status"], found["compared"], found["repair"]) == ("Completed", 3, "Started"), fate
    assert drift(found) == {"missing": [missing]}, fate
    await scene.recovered()
    return door, proxy


async def _seen_to(scene: Scene, answer: Any, fate: Fate) -> tuple[Door, Proxy]:
    async with doomed(scene, fate, begins=FIRST_WORDS_OF_CLAIM) as (door, proxy):
        worker = Worker(scene.environment(door, proxy))
        door.kill = proxy.kill = worker.kill
        door.counting = True
        await _end(scene, answer, worker, door, proxy)
        await reaped(worker)
    return door, proxy


async def _end(scene: Scene, answer: Any, worker: Forked, door: Door, proxy: Proxy) -> None:
    """Until the worker is dead or its job is done."""
    async with asyncio.timeout(120):
        while worker.is_alive() and not door.struck.is_set() and not proxy.struck.is_set():
            if (await scene.job(answer))["status"] == "Completed":
                return
            await asyncio.sleep(0.05)
