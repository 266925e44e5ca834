"""Which app clients a round of maintenance removes: an app client is gone for good, and its secret with it."""

import json
from datetime import timedelta

import pytest

from idp_providers.cognito.settings import CognitoSettings
from idp_providers.testing import make_managed_spec, make_spec
from tests.identity.clients import claims_of, held
from tests.identity.cognito_pools import AwsConsole, granted, made, new_settings, provider_on
from tests.identity.host import LocalHost
from tests.parts.cognito_stand_in import CognitoStandIn

pytestmark = pytest.mark.anyio


@pytest.fixture
def lonely_pool(cognito: CognitoStandIn, aws_console: AwsConsole) -> CognitoSettings:
    """A pool of its own: a round looks at everything that is there."""
    return new_settings(cognito, aws_console)


async def swept(settings: CognitoSettings, host: LocalHost) -> None:
    """One round of a service that was just started, when everything is older than the grace time."""
    async with provider_on(settings, host) as provider:
        host.shift = settings.orphan_grace + timedelta(minutes=1)
        await provider.maintain()
        host.shift = timedelta(0)


async def test_another_place_of_the_records_costs_no_client(
    lonely_pool: CognitoSettings, aws_console: AwsConsole, host: LocalHost
) -> None:
    spec = make_managed_spec()
    async with provider_on(lonely_pool, host) as provider:
        secret = await made(provider, spec)
        await made(provider, make_spec(client_id="reader"))
    moved = {"parameter_prefix": "/tenant-api/production", "orphan_limit": 300}
    await swept(lonely_pool.model_copy(update=moved), host)
    assert len(aws_console.app_clients(lonely_pool.user_pool_id)) == 2
    async with provider_on(lonely_pool, host) as provider:
        assert await granted(provider, spec, secret)


async def test_records_that_were_copied_to_another_place_keep_their_clients_and_secrets(
    lonely_pool: CognitoSettings, aws_console: AwsConsole, host: LocalHost
) -> None:
    spec = make_managed_spec()
    async with provider_on(lonely_pool, host) as provider:
        secret = await made(provider, spec)
    moved = lonely_pool.model_copy(update={"parameter_prefix": "/elsewhere"})
    aws_console.write(moved, spec.client_id, json.dumps(aws_console.record(lonely_pool, spec.client_id)))
    async with provider_on(moved, host) as provider:
        assert (await held(provider, spec.client_id)).stale
        await provider.update_client(spec)
        assert not (await held(provider, spec.client_id)).stale
        assert (await provider.verify(await granted(provider, spec, secret))).client_id == spec.client_id
    await swept(moved, host)
    assert len(aws_console.app_clients(lonely_pool.user_pool_id)) == 1


async def test_a_record_that_was_deleted_by_hand_costs_no_client_of_which_there_is_a_row(
    lonely_pool: CognitoSettings, aws_console: AwsConsole, host: LocalHost, caplog: pytest.LogCaptureFixture
) -> None:
    spec, removed_here = make_managed_spec(), make_managed_spec()
    host.claims[spec.client_id] = claims_of(spec)
    async with provider_on(lonely_pool, host) as provider:
        secret = await made(provider, spec)
        await made(provider, removed_here)
    record = aws_console.record(lonely_pool, spec.client_id)
    aws_console.forget(lonely_pool, spec.client_id)
    aws_console.forget(lonely_pool, removed_here.client_id)
    await swept(lonely_pool, host)
    assert set(aws_console.app_clients(lonely_pool.user_pool_id)) == {record["app_client_id"]}
    assert "idp.cognito.record_missing" in caplog.messages
    async with provider_on(lonely_pool, host) as provider:
        again = await made(provider, spec)
        assert again != secret
    await swept(lonely_pool, host)
    kept = aws_console.record(lonely_pool, spec.client_id)["app_client_id"]
    assert set(aws_console.app_clients(lonely_pool.user_pool_id)) == {kept}


async def test_of_a_client_of_the_service_itself_only_a_new_record_lets_the_old_app_client_go(
    lonely_pool: CognitoSettings, aws_console: AwsConsole, host: LocalHost
) -> None:
    spec = make_spec(client_id="reader")
    async with provider_on(lonely_pool, host) as provider:
        await made(provider, spec)
    aws_console.forget(lonely_pool, spec.client_id)
    await swept(lonely_pool, host)
    assert len(aws_console.app_clients(lonely_pool.user_pool_id)) == 1
    async with provider_on(lonely_pool, host) as provider:
        await made(provider, spec)
    await swept(lonely_pool, host)
    kept = aws_console.record(lonely_pool, spec.client_id)["app_client_id"]
    assert set(aws_console.app_clients(lonely_pool.user_pool_id)) == {kept}


async def test_a_round_that_finds_more_than_its_limit_removes_none_and_says_so(
    lonely_pool: CognitoSettings, aws_console: AwsConsole, host: LocalHost, caplog: pytest.LogCaptureFixture
) -> None:
    limited = lonely_pool.model_copy(update={"orphan_limit": 2})
    specs = [make_managed_spec() for _ in range(3)]
    async with provider_on(limited, host) as provider:
        for spec in specs:
            await made(provider, spec)
            aws_console.forget(limited, spec.client_id)
    await swept(limited, host)
    assert len(aws_console.app_clients(limited.user_pool_id)) == 3
    [said] = [record for record in caplog.records if record.message == "idp.cognito.too_many_orphans"]
    assert said.levelname == "ERROR"
    await swept(limited.model_copy(update={"orphan_limit": 3}), host)
    assert aws_console.app_clients(limited.user_pool_id) == {}
