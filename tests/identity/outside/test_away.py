"""What a process does while its provider is away: it starts, it is ready as soon as it can judge tokens, it tells."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from idp_providers.contract import ClientSpec
from idp_providers.errors import IdpConfigurationError, IdpRejectedError, IdpUnavailableError
from idp_providers.memory import Fault, MemoryProvider, MemorySettings
from idp_providers.testing import KitHost
from tenant_api.cli.demo.process import Process
from tenant_api.connect.bootstrap import bootstrap_if_present
from tenant_api.web import health, provider_health
from tenant_api.web.provider_health import EVERY_SECONDS, ProviderHealth
from tests.api import bodies
from tests.api.service import SECRET, Api, environment, serving
from tests.e2e.service import ROOT, clean_environment
from tests.engine.jobs import until
from tests.identity.outside.remote import Door, install, opened
from tests.identity.outside.world import World
from tests.parts.ports import kept_port

pytestmark = pytest.mark.anyio

AWAY = [Fault.REFUSED] * 1000


async def probed(api: Api) -> tuple[int, dict[str, Any]]:
    answer = await api.http.get("/health/ready")
    found: dict[str, Any] = answer.json()["checks"]["identityProvider"]
    return answer.status_code, found


async def test_an_outage_takes_no_process_out_of_service(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_health, "EVERY_SECONDS", 0.0)
    await world.api.token("admin")
    assert await probed(world.api) == (200, {"ok": True, "why": None})
    assert "tenant_api_identity_provider_up 1.0" in (await world.api.http.get("/metrics")).text
    for method in ("check", "keys", "token", "create_client"):
        world.fail(method, *AWAY)
    assert await probed(world.api) == (
        200,
        {
            "ok": True,
            "why": "The provider fails (IdpUnavailableError). Tokens are judged with the keys that it published.",
        },
    )
    assert "tenant_api_identity_provider_up 0.0" in (await world.api.http.get("/metrics")).text
    assert (await world.api.post("/v3/vendors", bodies.vendor())).status_code == 201
    world.provider.faults.forget()
    assert await probed(world.api) == (200, {"ok": True, "why": None})


async def test_a_provider_that_does_not_answer_does_not_hold_up_a_probe(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_health, "EVERY_SECONDS", 0.0)
    await probed(world.api)
    for method in ("check", "keys"):
        world.fail(method, Fault.HANGING)
    assert provider_health.LOOK_SECONDS < health.DEADLINE_SECONDS
    monkeypatch.setattr(provider_health, "LOOK_SECONDS", 0.1)
    status, check = await probed(world.api)
    assert status == 200
    assert check["why"].startswith("The provider fails (no answer within 0.1 s).")


async def test_a_process_that_has_seen_no_key_is_not_ready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_health, "EVERY_SECONDS", 0.0)
    for method in ("check", "keys"):
        world.fail(method, *AWAY)
    assert await probed(world.api) == (
        503,
        {"ok": False, "why": "No token can be judged: no key of the provider is known yet (IdpUnavailableError)."},
    )
    world.provider.faults.forget()
    assert await probed(world.api) == (200, {"ok": True, "why": None})


async def test_settings_that_turn_out_wrong_when_the_provider_is_back_are_not_ready(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_health, "EVERY_SECONDS", 0.0)

    async def refuse() -> None:
        raise IdpConfigurationError("The realm's issuer is https://10.0.0.3, the settings say otherwise.")

    with monkeypatch.context() as wrong:
        wrong.setattr(world.provider, "check", refuse, raising=False)
        assert await probed(world.api) == (
            503,
            {"ok": False, "why": "The settings do not fit the provider. The log says why."},
        )
    assert await probed(world.api) == (200, {"ok": True, "why": None})


async def test_however_often_health_is_probed_the_provider_is_asked_every_ten_seconds(world: World) -> None:
    asked, now = 0, 1000.0

    class Counting(MemoryProvider):
        async def check(self) -> None:
            nonlocal asked
            asked += 1

    provider = await Counting.open(MemorySettings(), KitHost())
    health = ProviderHealth(clock=lambda: now)
    await asyncio.gather(*(health.sighting(provider) for _ in range(20)))
    now += EVERY_SECONDS - 0.1
    await health.sighting(provider)
    assert asked == 1
    now += 0.2
    await health.sighting(provider)
    assert asked == 2


async def test_only_a_provider_that_is_away_lets_a_start_go_on_without_its_clients(
    world: World, service_url: str
) -> None:
    clients = world.api.runtime.settings.identity.clients
    world.fail("create_client", Fault.REFUSED)
    assert not await bootstrap_if_present(world.api.runtime, clients)
    why = (await probed(world.api))[1]["why"]
    assert why == "The service's own clients are not up to date there yet (IdpUnavailableError)."
    world.provider.uproot(clients[0].id)
    world.provider.plant(ClientSpec(client_id=clients[0].id, display_name="theirs", role="", scopes=()), "theirs")
    with pytest.raises(IdpRejectedError):
        await bootstrap_if_present(world.api.runtime, clients)
    async with serving(service_url) as inside:

        async def create_client(*_arguments: Any) -> None:
            raise IdpUnavailableError("The database is away.")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(inside.runtime.idp, "create_client", create_client, raising=False)
            with pytest.raises(IdpUnavailableError):
                await bootstrap_if_present(inside.runtime, clients)


@contextmanager
def started(url: str, door: int, folder: Path, port: int) -> Iterator[str]:
    """The address of a service in a process of its own, as soon as it lives."""
    install(folder)
    chosen = {
        "PYTHONPATH": f"{folder}:{ROOT}",
        "TENANT_API_HTTP__PORT": str(port),
        "TENANT_API_IDP__NAME": "remote",
        "TENANT_API_IDP__SETTINGS__DOOR": str(door),
    }
    process = Process("serve", clean_environment(**environment(url, **chosen)), folder / "serve.log")
    try:
        address = f"http://127.0.0.1:{port}"
        process.wait_until(lambda: _status(f"{address}/health/live") == 200, 60)
        yield address
    finally:
        process.stop()


def _status(address: str) -> int:
    try:
        return httpx2.get(address).status_code
    except httpx2.TransportError:
        return 0


async def test_a_service_starts_without_its_provider_and_makes_its_clients_once_it_is_there(
    service_url: str, tmp_path: Path
) -> None:
    door = Door(await MemoryProvider.open(MemorySettings(), KitHost()))
    with kept_port() as port, started(service_url, door.port, tmp_path, port) as address:
        async with httpx2.AsyncClient(base_url=address, timeout=30) as http:
            ready = await http.get("/health/ready")
            assert (ready.status_code, ready.json()["checks"]["identityProvider"]["ok"]) == (503, False)
            form = {"client_id": "admin", "client_secret": SECRET, "grant_type": "client_credentials"}
            assert (await http.post("/connect/token", data=form)).status_code == 502
            async with opened(door):

                async def is_whole() -> bool:
                    ready = await http.get("/health/ready")
                    check = ready.json()["checks"]["identityProvider"]
                    return bool(ready.status_code == 200 and check["why"] is None)

                await until(is_whole, seconds=60)
                granted = await http.post("/connect/token", data=form)
                assert granted.status_code == 200
                headers = {"Authorization": f"Bearer {granted.json()['access_token']}"}
                assert (await http.get("/v3/vendors", headers=headers)).status_code == 200
    said = [json.loads(line)["event"] for line in (tmp_path / "serve.log").read_text().splitlines() if "{" in line]
    assert "identity.clients.waiting" in said
