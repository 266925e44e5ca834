"""How the provider lives with its own rights at a real Keycloak, and with a Keycloak that comes and goes."""

import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from idp_providers.contract import TokenRequest
from idp_providers.errors import IdpConfigurationError, IdpDeniedError, IdpError, IdpUnavailableError
from idp_providers.keycloak.provider import KeycloakProvider
from idp_providers.keycloak.settings import KeycloakSettings
from idp_providers.suite.fault_proxy import FaultProxy
from idp_providers.testing import make_managed_spec, make_secret, make_spec
from tenant_api.embedded import ServerAddress
from tests import database
from tests.identity.clients import held
from tests.identity.host import LocalHost
from tests.identity.keycloak_realms import OWN_SECRET, Console, new_realm, prepare, provider_on, settings_for
from tests.parts.keycloak import KeycloakServer, keycloak_on
from tests.parts.ports import kept_port

AT_ONCE = 20
PATIENCE_SECONDS = 60.0

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]


@pytest.fixture
def console(keycloak: KeycloakServer, realm: KeycloakSettings) -> Iterator[Console]:
    with Console(keycloak, realm.realm) as console:
        yield console


@asynccontextmanager
async def counted(realm: KeycloakSettings, host: LocalHost) -> AsyncIterator[tuple[KeycloakProvider, FaultProxy]]:
    """A provider that has not logged in yet, and a proxy that sees all that it asks."""
    async with FaultProxy(realm.server_url) as proxy:
        provider = KeycloakProvider(realm.model_copy(update={"server_url": proxy.url}), host)
        yield provider, proxy
        await provider.close()


def logins(proxy: FaultProxy) -> int:
    return sum(request.is_form for request in proxy.requests)


async def look_at_once(provider: KeycloakProvider) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(provider.find_client, "nobody")


async def test_concurrent_calls_share_one_token(realm: KeycloakSettings, host: LocalHost) -> None:
    async with counted(realm, host) as (provider, proxy):
        await look_at_once(provider)
        assert (logins(proxy), len(proxy.requests)) == (1, 1 + 2 * AT_ONCE)


async def test_a_token_that_runs_out_is_renewed_before_the_next_call(
    realm: KeycloakSettings, host: LocalHost, console: Console
) -> None:
    own = realm.client_id
    console.change_client(own, attributes={"access.token.lifespan": "2"})
    try:
        async with counted(realm, host) as (provider, proxy):
            with anyio.fail_after(PATIENCE_SECONDS):
                while logins(proxy) < 3:
                    await provider.find_client("nobody")
                    await anyio.sleep(0.02)
            refused = [request for request in proxy.requests if request.headers.get("authorization") == "Bearer "]
            assert refused == []
            before, began = logins(proxy), time.monotonic()
            await look_at_once(provider)
            ended_meanwhile = int(time.monotonic() - began)  # a token of two whole seconds lives for one at least
            assert logins(proxy) - before <= 2 + ended_meanwhile
    finally:
        console.change_client(own, attributes={"access.token.lifespan": ""})


async def test_a_token_that_keycloak_ended_is_renewed_within_the_call(
    realm: KeycloakSettings, host: LocalHost, console: Console
) -> None:
    async with counted(realm, host) as (provider, proxy):
        await look_at_once(provider)
        ended = int(time.time()) + 1
        console.put("", {"notBefore": ended})
        with anyio.fail_after(PATIENCE_SECONDS):
            while time.time() < ended:  # a token of this very second would be refused as well
                await anyio.sleep(0.05)
        await look_at_once(provider)
        assert logins(proxy) == 2
    console.put("", {"notBefore": 0})


async def test_lost_rights_are_denied_until_they_are_back(
    realm: KeycloakSettings, host: LocalHost, console: Console
) -> None:
    spec = make_spec()
    async with provider_on(realm, host) as provider:
        await provider.create_client(spec, make_secret())
        place, rights = console.own_rights(realm.client_id)
        console.delete(place, rights)
        try:
            for call in (
                provider.check(),
                provider.find_client(spec.client_id),
                provider.create_client(make_spec(), make_secret()),
                provider.delete_clients([spec.client_id]),
            ):
                with pytest.raises(IdpDeniedError):
                    await call
            with pytest.raises(IdpConfigurationError, match="not prepared"):
                await KeycloakProvider.open(realm, host)
        finally:
            console.post(place, rights)
        await provider.check()
        assert await provider.find_client(spec.client_id)


async def test_one_right_is_enough(realm: KeycloakSettings, host: LocalHost, console: Console) -> None:
    _, rights = console.own_rights(realm.client_id)
    assert [right["name"] for right in rights] == ["manage-clients"]


@pytest.mark.parametrize(
    "changes",
    [
        {"client_secret": SecretStr("Not the secret of our own client")},
        {"client_id": "nobody"},
        {"realm": "nowhere"},
        {"issuer": "http://elsewhere/realms/x"},
    ],
    ids=["secret", "client", "realm", "issuer"],
)
async def test_settings_that_cannot_work_are_told_at_the_start(
    realm: KeycloakSettings, host: LocalHost, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = realm.model_copy(update=changes)
    with pytest.raises(IdpConfigurationError) as caught:
        await KeycloakProvider.open(settings, host)
    assert settings.client_secret.get_secret_value() not in f"{caught.value!r}{caplog.text}{settings!r}"


async def test_a_realm_that_signs_with_what_nobody_here_can_judge_is_told_at_the_start(
    keycloak: KeycloakServer, host: LocalHost
) -> None:
    async with new_realm(keycloak) as realm:
        with Console(keycloak, realm.realm) as console:
            console.put("", {"defaultSignatureAlgorithm": "RS512"})
            with pytest.raises(IdpConfigurationError, match="RS512"):
                await KeycloakProvider.open(realm, host)
            console.put("", {"defaultSignatureAlgorithm": "ES256"})
            async with provider_on(realm, host) as provider:
                spec, secret = make_spec(), make_secret()
                await provider.create_client(spec, secret)
                granted = await provider.token(TokenRequest(client_id=spec.client_id, client_secret=secret.value))
                assert await provider.verify(granted.access_token)


async def test_nothing_secret_is_logged(
    realm: KeycloakSettings, host: LocalHost, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    spec, secret, other = make_managed_spec(), make_secret(), make_secret()
    async with provider_on(realm, host) as provider:
        await provider.create_client(spec, secret)
        await provider.update_client(replace(spec, display_name="Renamed"))
        granted = await provider.token(TokenRequest(client_id=spec.client_id, client_secret=secret.value))
        await provider.replace_secret(spec.client_id, other)
        with pytest.raises(IdpError):
            await provider.token(TokenRequest(client_id=spec.client_id, client_secret=secret.value))
        assert provider._admin._connection.token is not None
        own = provider._admin._connection.token["access_token"]
    assert caplog.text
    assert not [
        text for text in (secret.value, other.value, OWN_SECRET, granted.access_token, own) if text in caplog.text
    ]


async def test_a_keycloak_that_comes_and_goes(realm: KeycloakSettings, host: LocalHost) -> None:
    """Nobody listens at its address, then it does, then nobody again."""
    spec, secret = make_spec(), make_secret()
    request = TokenRequest(client_id=spec.client_id, client_secret=secret.value)
    with kept_port() as port:
        settings = realm.model_copy(update={"server_url": f"http://127.0.0.1:{port}"})
        provider = await KeycloakProvider.open(settings, host)
        with pytest.raises(IdpUnavailableError):
            await provider.check()
        async with FaultProxy(realm.server_url, port=port):
            await provider.check()
            await provider.create_client(spec, secret)
            granted = await provider.token(request)
            await provider.verify(granted.access_token)
        for call in (provider.check(), provider.find_client(spec.client_id), provider.token(request)):
            with pytest.raises(IdpUnavailableError):
                await call
        assert await provider.verify(granted.access_token), "the keys are known"
        await provider.close()


@pytest.mark.dear
async def test_a_keycloak_that_stops_is_unavailable_and_then_back(server: ServerAddress, host: LocalHost) -> None:
    """On a PostgreSQL database, as in production."""
    with database.temporary_database(server) as url, kept_port() as port:
        place = url.rpartition("/")[2].partition("?")[0]
        store = (f"jdbc:postgresql://{server.host}:{server.port}/{place}", server.user, server.password)
        spec, secret = make_spec(), make_secret()
        request = TokenRequest(client_id=spec.client_id, client_secret=secret.value)
        with keycloak_on(*store, port=port) as keycloak:
            settings = settings_for(keycloak, "edfi")
            await prepare(keycloak, settings)
            provider = await KeycloakProvider.open(settings, host)
            await provider.create_client(spec, secret)
            granted = await provider.token(request)
            await provider.verify(granted.access_token)
        for call in (provider.check(), provider.find_client(spec.client_id), provider.token(request)):
            with pytest.raises(IdpUnavailableError):
                await call
        assert await provider.verify(granted.access_token), "the keys are known"
        opened_while_away = await KeycloakProvider.open(settings, host)
        with keycloak_on(*store, port=port):
            for returned in (provider, opened_while_away):
                await returned.check()
                assert (await held(returned, spec.client_id)).owned
                assert await returned.token(request)
                assert await returned.verify(granted.access_token)
        await provider.close()
        await opened_while_away.close()
