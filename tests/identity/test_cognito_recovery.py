"""What becomes of clients at Cognito when something is lost, done by hand, or changed by another replica."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from idp_providers.cognito.provider import CognitoProvider
from idp_providers.cognito.settings import CognitoSettings
from idp_providers.errors import (
    ClientAlreadyExistsError,
    ClientNotFoundError,
    IdpUnavailableError,
    InvalidClientError,
    UnauthorizedClientError,
)
from idp_providers.suite.fault_proxy import Fault, FaultProxy
from idp_providers.testing import make_managed_spec, make_secret, make_spec
from tests.identity.clients import claims_of, held
from tests.identity.cognito_pools import AwsConsole, granted, made, moved_to, new_settings, provider_on, targets
from tests.identity.host import LocalHost
from tests.parts.cognito_stand_in import CognitoStandIn

pytestmark = pytest.mark.anyio

CREATE = "CreateUserPoolClient"


@pytest.fixture
async def provider(pool: CognitoSettings, host: LocalHost) -> AsyncIterator[CognitoProvider]:
    async with provider_on(pool, host) as provider:
        yield provider


@pytest.fixture
async def replica(pool: CognitoSettings, host: LocalHost) -> AsyncIterator[CognitoProvider]:
    async with provider_on(pool, host) as provider:
        yield provider


class TestLostAnswers:
    """Each leaves what a repeated call, or the next round of maintenance, puts right."""

    async def test_an_app_client_of_a_lost_answer_is_swept_up_when_it_is_old(
        self, cognito: CognitoStandIn, aws_console: AwsConsole, host: LocalHost
    ) -> None:
        settings = new_settings(cognito, aws_console)
        pool, spec = settings.user_pool_id, make_managed_spec()
        theirs = aws_console.cognito.create_user_pool_client(UserPoolId=pool, ClientName=f"tenant-api.{'0' * 32}.k1=x")
        async with FaultProxy(cognito.url) as proxy, provider_on(moved_to(settings, proxy.url), host) as provider:
            await made(provider, known := make_managed_spec())
            await provider.delete_clients([known.client_id])
            proxy.plan(Fault.LOST_REPLY, matching=lambda request: targets([request]) == [CREATE], times=2)
            with pytest.raises(IdpUnavailableError):
                await made(provider, spec)
            secret = await made(provider, spec)
            kept = aws_console.record(settings, spec.client_id)["app_client_id"]
            assert len(aws_console.app_clients(pool)) == 4
            await provider.maintain()
            assert len(aws_console.app_clients(pool)) == 4
            host.shift = settings.orphan_grace + timedelta(minutes=1)
            await provider.maintain()
            host.shift = timedelta(0)
            assert set(aws_console.app_clients(pool)) == {kept, theirs["UserPoolClient"]["ClientId"]}
            assert await granted(provider, spec, secret)

    @pytest.mark.parametrize("unreadable", ['{"broken"', '{"client_id": "of another version"}', "forged"])
    async def test_an_app_client_is_kept_as_long_as_nobody_can_tell_that_its_record_names_another(
        self,
        cognito: CognitoStandIn,
        aws_console: AwsConsole,
        host: LocalHost,
        caplog: pytest.LogCaptureFixture,
        unreadable: str,
    ) -> None:
        settings = new_settings(cognito, aws_console)
        pool, spec = settings.user_pool_id, make_managed_spec()
        async with provider_on(settings, host) as provider:
            secret = await made(provider, spec)
            record = aws_console.record(settings, spec.client_id)
            forged = json.dumps({**record, "app_client_id": "of somebody else"})
            aws_console.write(settings, spec.client_id, forged if unreadable == "forged" else unreadable)
            host.shift = settings.orphan_grace + timedelta(minutes=1)
            await provider.maintain()
            host.shift = timedelta(0)
            assert set(aws_console.app_clients(pool)) == {record["app_client_id"]}
            assert "idp.cognito.record_in_doubt" in caplog.messages
            aws_console.write(settings, spec.client_id, json.dumps(record))
            assert await granted(provider, spec, secret)

    async def test_a_sweep_reaches_the_end_of_a_large_pool(
        self, cognito: CognitoStandIn, aws_console: AwsConsole, host: LocalHost
    ) -> None:
        settings = new_settings(cognito, aws_console)
        pool, spec = settings.user_pool_id, make_managed_spec()
        for number in range(70):
            aws_console.cognito.create_user_pool_client(UserPoolId=pool, ClientName=f"theirs {number}")
        async with provider_on(settings, host) as provider:
            await made(provider, spec)
            aws_console.forget(settings, spec.client_id)
            host.shift = settings.orphan_grace + timedelta(minutes=1)
            await provider.maintain()
            host.shift = timedelta(0)
        assert len(aws_console.app_clients(pool)) == 70

    async def test_a_client_whose_app_client_is_gone_can_be_made_again(
        self, provider: CognitoProvider, replica: CognitoProvider, pool: CognitoSettings, aws_console: AwsConsole
    ) -> None:
        spec = make_managed_spec()
        await made(provider, spec)
        app_client = aws_console.record(pool, spec.client_id)["app_client_id"]
        aws_console.cognito.delete_user_pool_client(UserPoolId=pool.user_pool_id, ClientId=app_client)
        assert await replica.find_client(spec.client_id) is None
        with pytest.raises(ClientNotFoundError):
            await replica.update_client(spec)
        secret = await made(replica, spec)
        assert await granted(provider, spec, secret)
        with pytest.raises(ClientAlreadyExistsError):
            await made(provider, spec)

    async def test_a_new_secret_of_which_half_was_done_ends_with_one(
        self, pool: CognitoSettings, host: LocalHost, cognito: CognitoStandIn
    ) -> None:
        spec = make_managed_spec()
        async with FaultProxy(cognito.url) as proxy, provider_on(moved_to(pool, proxy.url), host) as provider:
            old = await made(provider, spec)
            proxy.plan(
                Fault.REFUSED,
                matching=lambda request: targets([request]) == ["DeleteUserPoolClientSecret"],
                times=1,
            )
            with pytest.raises(IdpUnavailableError):
                await provider.replace_secret(spec.client_id, make_secret())
            new = (await provider.replace_secret(spec.client_id, make_secret())).secret
            assert await granted(provider, spec, new)
            with pytest.raises(UnauthorizedClientError):
                await granted(provider, spec, old)

    async def test_an_update_that_broke_off_shows_as_a_difference(
        self, pool: CognitoSettings, host: LocalHost, cognito: CognitoStandIn
    ) -> None:
        spec = make_managed_spec()
        wanted = replace(
            spec, scopes=("Other",), claims=replace(claims_of(spec), scopes=("Other",), data_store_ids=(9,))
        )
        async with FaultProxy(cognito.url) as proxy, provider_on(moved_to(pool, proxy.url), host) as provider:
            await made(provider, spec)
            proxy.plan(Fault.REFUSED, matching=lambda request: targets([request]) == ["PutParameter"])
            with pytest.raises(IdpUnavailableError):
                await provider.update_client(wanted)
            proxy.heal()
            found = await held(provider, spec.client_id)
            assert found.claims not in (spec.claims, wanted.claims)
            await provider.update_client(spec)
            assert (await held(provider, spec.client_id)).claims == spec.claims


class TestByHand:
    """What somebody changed in the console shows, and an update mends it."""

    async def test_a_switched_off_app_client(
        self, provider: CognitoProvider, pool: CognitoSettings, aws_console: AwsConsole
    ) -> None:
        spec = make_managed_spec()
        secret = await made(provider, spec)
        record = aws_console.record(pool, spec.client_id)
        aws_console.cognito.update_user_pool_client(
            UserPoolId=pool.user_pool_id, ClientId=record["app_client_id"], ClientName="renamed"
        )
        found = await held(provider, spec.client_id)
        assert (found.enabled, found.claims is not None and found.claims.approved) == (False, True)
        with pytest.raises(InvalidClientError):
            await granted(provider, spec, secret)
        await provider.update_client(spec)
        assert (await held(provider, spec.client_id)).enabled
        assert await granted(provider, spec, secret)

    async def test_other_scopes(
        self, provider: CognitoProvider, pool: CognitoSettings, aws_console: AwsConsole
    ) -> None:
        spec = make_spec(scopes=("full", "readonly"))
        secret = await made(provider, spec)
        aws_console.cognito.update_user_pool_client(
            UserPoolId=pool.user_pool_id,
            ClientId=aws_console.record(pool, spec.client_id)["app_client_id"],
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=["tenant-api/readonly"],
        )
        assert (await held(provider, spec.client_id)).scopes == ("readonly",)
        await provider.update_client(spec)
        assert (await provider.verify(await granted(provider, spec, secret))).scopes == set(spec.scopes)


class TestReplicas:
    """What one remembers, another may have changed."""

    async def test_a_disabled_client_gets_no_token_anywhere(
        self, provider: CognitoProvider, replica: CognitoProvider
    ) -> None:
        spec = make_managed_spec()
        secret = await made(provider, spec)
        assert await granted(provider, spec, secret)
        await replica.update_client(replace(spec, enabled=False))
        with pytest.raises(InvalidClientError):
            await granted(provider, spec, secret)
        await replica.update_client(spec)
        assert await granted(provider, spec, secret)

    async def test_a_client_that_was_made_again_works_with_its_new_secret_only(
        self, provider: CognitoProvider, replica: CognitoProvider
    ) -> None:
        spec = make_managed_spec()
        old = await made(provider, spec)
        await replica.delete_clients([spec.client_id])
        new = await made(replica, spec)
        assert await granted(provider, spec, new)
        with pytest.raises(UnauthorizedClientError):
            await granted(provider, spec, old)
        assert await provider.replace_secret(spec.client_id, make_secret())

    async def test_a_client_that_was_made_again_is_deleted_whole(
        self, cognito: CognitoStandIn, aws_console: AwsConsole, host: LocalHost
    ) -> None:
        settings, spec = new_settings(cognito, aws_console), make_managed_spec()
        async with provider_on(settings, host) as provider, provider_on(settings, host) as replica:
            await made(provider, spec)
            await replica.delete_clients([spec.client_id])
            await made(replica, spec)
            await provider.delete_clients([spec.client_id])
            assert await replica.find_client(spec.client_id) is None
            assert aws_console.app_clients(settings.user_pool_id) == {}

    async def test_scopes_that_are_asked_for_are_judged_by_what_is_held_now(
        self, provider: CognitoProvider, replica: CognitoProvider
    ) -> None:
        spec = make_spec(scopes=("full", "readonly"))
        secret = await made(provider, spec)
        await replica.update_client(replace(spec, scopes=("full", "other")))
        assert (await provider.verify(await granted(provider, spec, secret, "OTHER"))).scopes == {"other"}
        assert (await provider.verify(await granted(provider, spec, secret, "readonly"))).scopes == {"full", "other"}
