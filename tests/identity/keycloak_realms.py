"""Realms of the run's Keycloak, prepared by the plugin's own preparation, and providers on them."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import Any, Self
from uuid import uuid4

import httpx2

from idp_providers.contract import Host
from idp_providers.keycloak.provider import KeycloakProvider
from idp_providers.keycloak.settings import ADMIN_SCOPES, KeycloakSettings
from idp_providers.preparation import Administrator
from idp_providers.testing import payload_of
from tests.parts.keycloak import KeycloakServer

OWN_SECRET = "The secret of our own client, 1"
SUITE_SCOPES = (*ADMIN_SCOPES, "full", "readonly")
HALF_A_MINUTE = 30.0
TOKEN_SECONDS = 20.0
"""The administrator's live for a minute."""

_trust = cache(httpx2.create_ssl_context)
_tokens: dict[tuple[KeycloakServer, str], tuple[str, float]] = {}


def settings_for(server: KeycloakServer, realm: str, **changes: Any) -> KeycloakSettings:
    given = {
        "server_url": server.url,
        "realm": realm,
        "client_secret": OWN_SECRET,
        "client_scopes": SUITE_SCOPES,
        "timeout_seconds": HALF_A_MINUTE,
    }
    return KeycloakSettings.model_validate({**given, **changes})


def administrator_of(server: KeycloakServer) -> Administrator:
    return Administrator(name=server.administrator, password=server.password)


async def prepare(server: KeycloakServer, settings: KeycloakSettings) -> list[str]:
    """What was done, in the words of the plan."""
    async with KeycloakProvider.preparation(settings, administrator_of(server)) as preparation:
        plan = await preparation.plan()
        return [f"{change.subject}: {change.change}" async for change in preparation.apply(plan)]


@contextmanager
def prepared_realm(server: KeycloakServer) -> Iterator[KeycloakSettings]:
    """A realm of one's own, as the service needs it; deleted in the end."""
    settings = settings_for(server, f"test-{uuid4().hex[:12]}")
    asyncio.run(prepare(server, settings))
    try:
        yield settings
    finally:
        with Console(server, settings.realm) as console:
            console.delete("")


@asynccontextmanager
async def new_realm(server: KeycloakServer) -> AsyncIterator[KeycloakSettings]:
    """The same where a loop runs already."""
    settings = settings_for(server, f"test-{uuid4().hex[:12]}")
    await prepare(server, settings)
    try:
        yield settings
    finally:
        with Console(server, settings.realm) as console:
            console.delete("")


def service_settings(realm: KeycloakSettings) -> dict[str, str]:
    """The settings of a service on that realm, without their prefix."""
    chosen = {
        "SERVER_URL": realm.server_url,
        "REALM": realm.realm,
        "CLIENT_SECRET": realm.client_secret.get_secret_value(),
        "TIMEOUT_SECONDS": str(realm.timeout_seconds),
    }
    if realm.issuer:
        chosen["ISSUER"] = realm.issuer
    return {"IDP__NAME": "keycloak", **{f"IDP__SETTINGS__{name}": value for name, value in chosen.items()}}


@asynccontextmanager
async def provider_on(settings: KeycloakSettings, host: Host) -> AsyncIterator[KeycloakProvider]:
    provider = await KeycloakProvider.open(settings, host)
    try:
        yield provider
    finally:
        await provider.close()


class Console:
    """What a person with all rights does in a realm by hand. Paths are below the realm's."""

    def __init__(self, server: KeycloakServer, realm: str) -> None:
        self._server = server
        self._realm = realm
        self._http = httpx2.Client(timeout=HALF_A_MINUTE, verify=_trust())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **parameters: str) -> Any:
        return self._sent("GET", path, params=parameters).json()

    def post(self, path: str, body: Any) -> None:
        self._sent("POST", path, json=body)

    def put(self, path: str, body: Any) -> None:
        self._sent("PUT", path, json=body)

    def delete(self, path: str, body: Any = None) -> None:
        self._sent("DELETE", path, json=body)

    def client(self, client_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/clients", clientId=client_id)[0]
        return found

    def change_client(self, client_id: str, **changes: Any) -> None:
        self.put(f"/clients/{self.client(client_id)['id']}", {"clientId": client_id, **changes})

    def own_rights(self, client_id: str) -> tuple[str, list[dict[str, Any]]]:
        """Where the rights of a client's service account are kept, and which they are."""
        user = self.get(f"/clients/{self.client(client_id)['id']}/service-account-user")["id"]
        place = f"/users/{user}/role-mappings/clients/{self.client('realm-management')['id']}"
        return place, self.get(place)

    def _sent(self, method: str, path: str, **content: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self._token()}"}
        address = f"{self._server.url}/admin/realms/{self._realm}{path}"
        return self._http.request(method, address, headers=headers, **content).raise_for_status()

    def _token(self) -> str:
        """All consoles of a realm share one: to check a password takes Keycloak long."""
        place = self._server, self._realm
        token, until = _tokens.get(place, ("", 0.0))
        if time.monotonic() >= until:
            login = {
                "grant_type": "password",
                "client_id": "admin-cli",
                "username": self._server.administrator,
                "password": self._server.password,
            }
            asked = time.monotonic()
            granted = self._http.post(f"{self._server.url}/realms/master/protocol/openid-connect/token", data=login)
            token = granted.raise_for_status().json()["access_token"]
            _tokens[place] = token, asked + TOKEN_SECONDS
        return token


async def from_keycloak(realm: KeycloakSettings, client_id: str, secret: str) -> dict[str, Any]:
    """What a token says that a client fetches itself, past us."""
    login = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    async with httpx2.AsyncClient(timeout=30) as http:
        place = f"{realm.server}realms/{realm.realm}/protocol/openid-connect/token"
        answer = await http.post(place, data=login)
        return payload_of(answer.raise_for_status().json()["access_token"])
