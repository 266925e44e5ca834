"""Preparing a realm: shown first, done then, and nothing twice."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from pydantic.fields import FieldInfo

from idp_providers.errors import IdpDeniedError
from idp_providers.keycloak.own_client import MADE_FOR_US
from idp_providers.keycloak.provider import KeycloakProvider
from idp_providers.keycloak.settings import KeycloakSettings
from idp_providers.memory import MemoryProvider
from idp_providers.preparation import Administrator, Preparable
from tests.cli.command import Cli
from tests.identity.host import LocalHost
from tests.identity.keycloak_realms import (
    OWN_SECRET,
    Console,
    administrator_of,
    prepare,
    provider_on,
    settings_for,
)
from tests.parts.keycloak import KeycloakServer

ABORTED = 130

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def wanted(keycloak: KeycloakServer) -> Iterator[KeycloakSettings]:
    """A realm that is not there yet."""
    settings = settings_for(keycloak, f"test-{uuid4().hex[:12]}")
    yield settings
    with Console(keycloak, settings.realm) as console, suppress(httpx2.HTTPStatusError):
        console.delete("")


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    keycloak: KeycloakServer,
    wanted: KeycloakSettings,
) -> Cli:
    plugin = "TENANT_API_IDP__SETTINGS__"
    environment = {
        "TENANT_API_IDP__NAME": "keycloak",
        f"{plugin}SERVER_URL": wanted.server_url,
        f"{plugin}REALM": wanted.realm,
        f"{plugin}CLIENT_SECRET": OWN_SECRET,
        f"{plugin}TIMEOUT_SECONDS": "30",
        "TA_IDP_ADMINISTRATOR": keycloak.administrator,
        "TA_IDP_PASSWORD": keycloak.password,
    }
    return Cli(monkeypatch, capsys, environment)


async def plan(keycloak: KeycloakServer, settings: KeycloakSettings) -> list[str]:
    async with KeycloakProvider.preparation(settings, administrator_of(keycloak)) as preparation:
        return [f"{change.subject}: {change.change}" for change in await preparation.plan()]


@pytest.mark.anyio
async def test_a_new_realm_is_made_and_then_there_is_nothing_to_do(
    keycloak: KeycloakServer, wanted: KeycloakSettings, host: LocalHost
) -> None:
    shown = await plan(keycloak, wanted)
    assert await plan(keycloak, wanted) == shown
    assert await prepare(keycloak, wanted) == shown
    assert shown[0] == f"realm {wanted.realm}: create, with tokens that live 1800 s"
    assert shown[-1] == "client tenant-api: grant manage-clients of realm-management"
    assert len(shown) == 1 + len(wanted.roles) + len(wanted.client_scopes) + 2
    assert await plan(keycloak, wanted) == []
    async with provider_on(wanted, host) as provider:
        await provider.check()


@pytest.mark.anyio
async def test_what_drifted_is_named_and_mended_and_the_rest_is_left(
    keycloak: KeycloakServer, wanted: KeycloakSettings
) -> None:
    await prepare(keycloak, wanted)
    with Console(keycloak, wanted.realm) as console:
        console.put("", {"accessTokenLifespan": 60})
        console.delete("/roles/dms-client")
        scope = next(scope for scope in console.get("/client-scopes") if scope["name"] == "full")
        console.put(f"/client-scopes/{scope['id']}", {**scope, "attributes": {"include.in.token.scope": "false"}})
        console.change_client("tenant-api", secret="another")
        place, rights = console.own_rights("tenant-api")
        console.delete(place, rights)
    mended = await prepare(keycloak, wanted)
    assert mended == [
        f"realm {wanted.realm}: let tokens live 1800 s instead of 60 s",
        "role dms-client: create",
        "client scope full: show it in tokens",
        "client tenant-api: set its secret to that of the settings",
        "client tenant-api: grant manage-clients of realm-management",
    ]
    assert await plan(keycloak, wanted) == []


@pytest.mark.anyio
async def test_what_opens_our_own_client_to_others_is_named_and_closed(
    keycloak: KeycloakServer, wanted: KeycloakSettings
) -> None:
    await prepare(keycloak, wanted)
    with Console(keycloak, wanted.realm) as console:
        console.change_client(
            "tenant-api", standardFlowEnabled=True, redirectUris=["*"], webOrigins=["+"], fullScopeAllowed=False
        )
        assert await prepare(keycloak, wanted) == [
            "client tenant-api: let nobody log in through it",
            "client tenant-api: take away its redirects and origins (*, +)",
            "client tenant-api: let its tokens say all rights of its service account",
        ]
        after = console.client("tenant-api")
    assert (after["standardFlowEnabled"], after["redirectUris"], after["webOrigins"]) == (False, [], [])
    assert await plan(keycloak, wanted) == []


@pytest.mark.anyio
async def test_a_client_that_was_made_by_hand_with_our_secret_is_ours(
    keycloak: KeycloakServer, wanted: KeycloakSettings
) -> None:
    await prepare(keycloak, wanted)
    with Console(keycloak, wanted.realm) as console:
        console.change_client("tenant-api", attributes={MADE_FOR_US: ""})
    assert await prepare(keycloak, wanted) == ["client tenant-api: note that it is ours"]
    assert await plan(keycloak, wanted) == []


def test_a_client_that_somebody_else_made_is_taken_over_only_if_that_is_asked_for(
    cli: Cli, keycloak: KeycloakServer, wanted: KeycloakSettings
) -> None:
    theirs = {
        "clientId": "tenant-api",
        "name": "Somebody's site",
        "standardFlowEnabled": True,
        "serviceAccountsEnabled": True,
        "redirectUris": ["https://site.example/*"],
        "secret": "theirs",
    }
    assert cli("idp", "prepare", "--yes").code == 0
    with Console(keycloak, wanted.realm) as console:
        console.delete(f"/clients/{console.client('tenant-api')['id']}")
        console.post("/clients", theirs)
        before = _settled(console.client("tenant-api"))
        shown = cli("idp", "prepare", "--dry-run").out.splitlines()[:-1]
        assert shown == [
            'client tenant-api: take over, which was not made by this command (its name is "Somebody\'s site")',
            "client tenant-api: set its secret to that of the settings",
            "client tenant-api: let nobody log in through it",
            "client tenant-api: take away its redirects and origins (https://site.example/*, https://site.example)",
            "client tenant-api: grant manage-clients of realm-management",
        ]
        refused = cli("idp", "prepare", "--yes")
        assert refused.code == 1
        assert "--take-over" in refused.err
        assert _settled(console.client("tenant-api")) == before
        taken = cli("idp", "prepare", "--yes", "--take-over")
        assert taken.out.splitlines() == [*shown, *(f"done: {line}" for line in shown), f"{len(shown)} done."]
    assert cli("idp", "prepare", "--yes").out == "Everything is as it must be.\n"


@pytest.mark.anyio
async def test_a_wrong_password_is_denied_and_not_repeated(wanted: KeycloakSettings, keycloak: KeycloakServer) -> None:
    wrong = Administrator(name=keycloak.administrator, password="not the password")
    async with KeycloakProvider.preparation(wanted, wrong) as preparation:
        with pytest.raises(IdpDeniedError) as caught:
            await preparation.plan()
    assert wrong.password not in f"{caught.value!r}{wrong!r}"


def test_a_dry_run_shows_and_does_nothing(cli: Cli) -> None:
    for _ in range(2):
        ran = cli("idp", "prepare", "--dry-run", "--json")
        assert ran.code == 0, ran.err
        shown = json.loads(ran.out)
        assert not shown["applied"]
        assert shown["changes"][0]["change"].startswith("create")


def test_a_yes_does_what_was_shown(cli: Cli, wanted: KeycloakSettings) -> None:
    shown = cli("idp", "prepare", "--dry-run").out.splitlines()[:-1]
    ran = cli("idp", "prepare", "--yes")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines() == [*shown, *(f"done: {line}" for line in shown), f"{len(shown)} done."]
    assert cli("idp", "prepare", "--yes").out == "Everything is as it must be.\n"
    assert OWN_SECRET not in ran.out + ran.err


def test_without_a_yes_nothing_is_done(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert cli("idp", "prepare").code == ABORTED
    assert json.loads(cli("idp", "prepare", "--dry-run", "--json").out)["changes"]


def test_json_has_no_plan_to_agree_to(cli: Cli) -> None:
    ran = cli("idp", "prepare", "--json")
    assert ran.code == 2
    assert "add --yes or --dry-run" in ran.err
    assert ran.out == ""


def test_a_wrong_password_is_a_sentence(cli: Cli) -> None:
    ran = cli("idp", "prepare", "--yes", TA_IDP_PASSWORD="not the password")
    assert ran.code == 1
    assert "Keycloak refuses this name and password." in ran.err
    assert "not the password" not in ran.err


def test_a_provider_without_preparation_says_so_before_it_asks_for_a_password(cli: Cli) -> None:
    ran = cli("idp", "prepare", "--yes", TENANT_API_IDP__NAME="memory", TA_IDP_PASSWORD="")
    assert ran.code == 1
    assert "needs no preparation" in ran.err
    assert "Password" not in ran.err


def test_preparation_is_found_by_what_a_class_has() -> None:
    assert isinstance(KeycloakProvider, Preparable)
    assert not isinstance(MemoryProvider, Preparable)


def test_every_setting_is_documented_with_its_default() -> None:
    text = (Path(__file__).parents[2] / "docs" / "keycloak.md").read_text()
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", text, re.MULTILINE))
    expected = {name.upper(): written(field) for name, field in KeycloakSettings.model_fields.items()}
    assert rows == expected


def written(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    match field.default:
        case None:
            return "not set"
        case bool() as switch:
            return f"`{str(switch).lower()}`"
        case tuple() as words:
            return f"`{' '.join(words)}`"
        case value:
            return f"`{value}`"


def _settled(client: dict[str, Any]) -> dict[str, Any]:
    """Keycloak lists a client's scopes in any order."""
    scopes = ("defaultClientScopes", "optionalClientScopes")
    return {**client, **{name: sorted(client[name]) for name in scopes}}
