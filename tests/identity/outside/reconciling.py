"""Comparisons asked for and read, and a provider on which things happen behind the service's back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from idp_providers.contract import ClientSpec
from tests.identity.outside.world import World

RECONCILE = "/v3/identity/reconcile"
NONE: Mapping[str, Any] = {"count": 0, "clientIds": []}


async def asked(world: World, body: Any = None, **more: Any) -> Any:
    answer = await world.api.post(RECONCILE, body, **more)
    assert answer.status_code == 202, answer.text
    return answer


async def report(world: World, answer: Any) -> dict[str, Any]:
    """What the comparison that an answer names has found, as it is now."""
    read = await world.api.get(answer.headers["location"])
    assert read.status_code == 200, read.text
    found: dict[str, Any] = read.json()
    return found


async def reconciled(world: World, body: Any = None) -> dict[str, Any]:
    """The report of a comparison that has ended, its repair included."""
    answer = await asked(world, body)
    job = await world.ended(answer)
    assert job["status"] == "Completed", job
    found = await report(world, answer)
    if found["repairJobId"]:
        await world.end_of(f"/v3/jobs/{found['repairJobId']}")
    return found


def drift(found: dict[str, Any]) -> dict[str, list[str]]:
    """The clients of each kind of drift that there is."""
    assert all(kind["count"] == len(kind["clientIds"]) for kind in found["drift"].values())
    return {name: kind["clientIds"] for name, kind in found["drift"].items() if kind["count"]}


async def bend(world: World, key: str, **changes: Any) -> None:
    """Change a client at the provider as its administrator would."""
    state = world.provider.held[key]
    spec = ClientSpec(
        client_id=key,
        display_name=state.display_name,
        role=state.role,
        scopes=state.scopes,
        claims=state.claims,
        enabled=state.enabled,
    )
    await world.provider.update_client(replace(spec, **changes))


def plant(world: World, key: str) -> None:
    """Let somebody else's client stand under this id."""
    world.provider.plant(ClientSpec(client_id=key, display_name="theirs", role="", scopes=()), "theirs")
