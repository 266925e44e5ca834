"""`oauth-clients` beside a running service: who registered, and an end to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest

from tenant_api.connect.bootstrap import bootstrap
from tests.api.oauth2.clients import GRANT, INITIAL_TOKEN, READER, ask, bearer, register, token_of
from tests.api.service import SCOPES, Api, environment, serving
from tests.cli.command import Cli, Ran

pytestmark = pytest.mark.anyio


class World:
    """A service, a client that registered there, and commands on its database."""

    def __init__(self, api: Api, made: dict[str, Any], cli: Cli) -> None:
        self.api, self.made, self.cli = api, made, cli
        self.client_id: str = made["client_id"]
        self.login = {"client_id": self.client_id, "client_secret": made["client_secret"]}

    async def run(self, *arguments: str, **more: str) -> Ran:
        return await asyncio.to_thread(self.cli, "oauth-clients", *arguments, **more)

    async def vendors(self, token: str) -> int:
        return (await self.api.http.get("/v3/vendors", headers=bearer(token))).status_code

    async def grants(self, login: dict[str, str]) -> int:
        return (await ask(self.api, "token", {**GRANT, **login})).status_code

    async def manages(self) -> int:
        address = f"/oauth2/register/{self.client_id}"
        return (await self.api.http.get(address, headers=bearer(self.made["registration_access_token"]))).status_code


@pytest.fixture
async def world(database_url: str, cli: Cli) -> AsyncIterator[World]:
    digest = sha256(INITIAL_TOKEN.encode()).hexdigest()
    settings = {"IDENTITY__REGISTRATION_TOKEN_DIGEST": digest}
    async with serving(database_url, **settings) as api:
        await bootstrap(api.runtime.idp, api.runtime.settings.identity.clients)
        made = await register(api, client_name="Roster", scope=SCOPES["reader"])
        own = {name: value for name, value in environment(database_url).items() if name.startswith("TENANT_API_")}
        yield World(api, made, Cli(cli.monkeypatch, cli.capsys, {**cli.environment, **own}))


async def test_clients_of_the_service_are_listed_page_by_page(world: World) -> None:
    listed = json.loads((await world.run("list", "--json")).out)
    by_id = {client["clientId"]: client for client in listed}
    registered = by_id.pop(world.client_id)
    assert {name: registered[name] for name in ("name", "enabled", "registered", "scopes")} == {
        "name": "Roster",
        "enabled": True,
        "registered": "client_secret_basic",
        "scopes": [SCOPES["reader"]],
    }
    assert {client["registered"] for client in by_id.values()} == {None}
    first = json.loads((await world.run("list", "--json", "--limit", "1")).out)
    rest = json.loads((await world.run("list", "--json", "--after", first[0]["clientId"])).out)
    assert [*first, *rest] == listed
    heading, *lines = (await world.run("list")).out.splitlines()
    assert heading.split("\t") == ["clientId", "name", "enabled", "registered", "scopes", "createdAt"]
    assert len(lines) == len(listed)


async def test_a_disabled_client_gets_no_token_and_loses_those_it_has(world: World) -> None:
    token = await token_of(world.api, world.login)
    for _ in range(2):
        assert (await world.run("disable", world.client_id.upper())).code == 0
    assert [await world.vendors(token), await world.manages()] == [401, 401]
    refused = await world.api.http.post("/oauth2/token", data={"grant_type": "client_credentials", **world.login})
    assert refused.status_code == 401
    assert (await world.run("enable", world.client_id)).out == f"Enabled {world.client_id}.\n"
    assert [await world.vendors(await token_of(world.api, world.login)), await world.manages()] == [200, 200]


async def test_a_deleted_client_is_gone_with_its_registration_and_tokens(world: World) -> None:
    token = await token_of(world.api, world.login)
    ran = await world.run("delete", world.client_id)
    assert (ran.code, ran.out) == (0, f"Deleted {world.client_id}.\n")
    assert [await world.vendors(token), await world.manages()] == [401, 401]
    assert (await world.run("delete", world.client_id)).code == 1


async def test_a_client_of_the_settings_is_disabled_and_deleted_like_any_other(world: World) -> None:
    token = await token_of(world.api, READER)
    assert await world.vendors(token) == 200
    assert (await world.run("disable", "reader")).code == 0
    assert [await world.vendors(token), await world.grants(READER)] == [401, 401]
    assert (await world.run("enable", "reader")).code == 0
    assert [await world.vendors(token), await world.grants(READER)] == [200, 200]
    assert (await world.run("delete", "reader")).code == 0
    assert [await world.vendors(token), await world.grants(READER)] == [401, 401]


async def test_the_next_start_makes_it_again_without_the_tokens_of_before(world: World) -> None:
    token = await token_of(world.api, READER)
    assert (await world.run("delete", "reader")).code == 0
    await bootstrap(world.api.runtime.idp, world.api.runtime.settings.identity.clients)
    async with world.api.runtime.pool.connection() as connection:
        # As if that start had come later: clocks may differ by 5 seconds.
        later = "update idp_clients set created_at = created_at + interval '6 s' where client_id = 'reader'"
        await connection.execute(later)
    assert [await world.vendors(token), await world.grants(READER)] == [401, 200]


async def test_clients_of_applications_and_unknown_ones_are_left_alone(world: World) -> None:
    async with world.api.runtime.pool.connection() as connection:
        await connection.execute("update idp_clients set managed = true where client_id = %s", (world.client_id,))
    for client_id in (world.client_id, "nobody", "\ud800"):
        for command in ("disable", "enable", "delete"):
            ran = await world.run(command, client_id)
            assert ran.code == 1, command
            assert "Traceback" not in ran.err
    assert world.client_id not in (await world.run("list")).out


async def test_a_provider_that_keeps_its_clients_itself_says_so(world: World) -> None:
    ran = await world.run("list", TENANT_API_IDP__NAME="memory")
    assert ran.code == 1
    assert "keeps its clients itself" in ran.err
