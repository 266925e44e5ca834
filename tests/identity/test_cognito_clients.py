"""What clients look like at Cognito, what it cannot hold, and whose secrets they have."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from idp_providers.cognito.provider import CognitoProvider
from idp_providers.cognito.settings import CognitoSettings
from idp_providers.contract import ClientSecret, ClientSpec, TokenRequest
from idp_providers.errors import (
    IdpRejectedError,
)
from idp_providers.suite.fault_proxy import FaultProxy
from idp_providers.testing import make_managed_spec, make_secret, make_spec, payload_of
from tenant_api.connect.bootstrap import bootstrap
from tenant_api.settings.tree import BootstrapClient
from tests.identity.clients import claims_of, held
from tests.identity.cognito_pools import (
    AwsConsole,
    granted,
    made,
    moved_to,
    new_settings,
    parameter_name,
    provider_on,
    targets,
)
from tests.identity.host import LocalHost
from tests.parts.cognito_stand_in import CognitoStandIn

pytestmark = pytest.mark.anyio

CHOSEN = "AChosenSecretOf32Characters_plus+1"


@pytest.fixture
async def provider(pool: CognitoSettings, host: LocalHost) -> AsyncIterator[CognitoProvider]:
    async with provider_on(pool, host) as provider:
        yield provider


@pytest.fixture
async def replica(pool: CognitoSettings, host: LocalHost) -> AsyncIterator[CognitoProvider]:
    async with provider_on(pool, host) as provider:
        yield provider


def with_claims(**changes: Any) -> ClientSpec:
    spec = make_managed_spec()
    claims = replace(claims_of(spec), **changes)
    return replace(spec, claims=claims, scopes=claims.scopes)


@pytest.mark.parametrize(
    "spec",
    [
        make_managed_spec(),
        with_claims(scopes=("Other",), namespace_prefixes=("uri://new.org",), display_name="ünï {{x}} }}"),
        with_claims(approved=False),
        replace(make_managed_spec(), enabled=False),
        replace(with_claims(approved=False), enabled=False),
        make_spec(display_name="x" * 300),
        make_spec(scopes=("readonly", "full")),
        make_spec(scopes=(), role="other"),
    ],
    ids=["full", "changed", "unapproved", "disabled", "both", "long name", "several scopes", "no scope"],
)
async def test_a_client_reads_back_as_it_was_wanted(provider: CognitoProvider, spec: ClientSpec) -> None:
    created, updated = replace(spec, client_id=str(uuid4())), replace(spec, client_id=str(uuid4()))
    await made(provider, created)
    await made(provider, replace(make_managed_spec(), client_id=updated.client_id))
    await provider.update_client(updated)
    for wanted in (created, updated):
        found = await held(provider, wanted.client_id)
        assert (found.display_name, found.role, found.scopes) == (wanted.display_name, wanted.role, wanted.scopes)
        assert (found.enabled, found.owned, found.claims) == (wanted.enabled, True, wanted.claims)


async def test_a_claim_set_is_a_scope_of_our_resource_server(
    provider: CognitoProvider, pool: CognitoSettings, aws_console: AwsConsole
) -> None:
    spec = with_claims(scopes=("Ed-Fi Sandbox/ä%",))
    token = await granted(provider, spec, await made(provider, spec))
    assert payload_of(token)["scope"] == "tenant-api/Ed-Fi%20Sandbox%2F%C3%A4%25"
    assert (await provider.verify(token)).scopes == {"Ed-Fi Sandbox/ä%"}
    assert (await held(provider, spec.client_id)).scopes == spec.scopes


async def test_requests_of_a_create_and_of_a_new_claim_set(
    pool: CognitoSettings, host: LocalHost, cognito: CognitoStandIn
) -> None:
    async with FaultProxy(cognito.url) as proxy, provider_on(moved_to(pool, proxy.url), host) as provider:
        claim_set, create = f"Set-{uuid4().hex}", ["CreateUserPoolClient", "PutParameter"]
        learning = ["CreateUserPoolClient", "DescribeResourceServer", "UpdateResourceServer"]
        for expected in ([*learning, *create], create):
            before = len(proxy.requests)
            await made(provider, with_claims(scopes=(claim_set,)))
            assert targets(proxy.requests[before:]) == expected


@pytest.mark.parametrize("client_id", ["with blank", "sl/ash", "pct%20", "a&b=c", "ünï", "<x>", "{{x}}", "x" * 200])
async def test_odd_ids_are_only_ids(provider: CognitoProvider, client_id: str) -> None:
    spec = make_spec(client_id=f"{client_id}{uuid4().hex[:8]}")
    secret = await made(provider, spec)
    assert (await held(provider, spec.client_id)).client_id == spec.client_id
    assert (await provider.verify(await granted(provider, spec, secret))).client_id == spec.client_id
    await provider.delete_clients([spec.client_id])
    assert await provider.find_client(spec.client_id) is None


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (make_spec(client_id="x" * 256), "255"),
        (make_spec(client_id="nul\0"), "NUL"),
        (make_spec(display_name="\ud800"), "stored"),
        (make_spec(scopes=("x" * 250,)), "256"),
        (make_spec(scopes=("",)), "empty"),
        (make_spec(scopes=tuple(f"s{number}" for number in range(51))), "50 scopes"),
        (with_claims(namespace_prefixes=tuple(f"uri://{number:0100}" for number in range(40))), "4"),
    ],
    ids=["long id", "nul", "surrogate", "long scope", "empty scope", "many scopes", "too large"],
)
async def test_what_cognito_cannot_hold_is_rejected(
    provider: CognitoProvider, pool: CognitoSettings, aws_console: AwsConsole, spec: ClientSpec, why: str
) -> None:
    before = aws_console.app_clients(pool.user_pool_id)
    with pytest.raises(IdpRejectedError, match=why):
        await provider.create_client(spec, make_secret())
    assert await provider.find_client(spec.client_id) is None
    assert aws_console.app_clients(pool.user_pool_id) == before


async def test_a_larger_tier_holds_more(pool: CognitoSettings, host: LocalHost) -> None:
    spec = with_claims(namespace_prefixes=tuple(f"uri://{number:0100}" for number in range(40)))
    async with provider_on(pool.model_copy(update={"parameter_tier": "Advanced"}), host) as provider:
        await made(provider, spec)
        assert (await held(provider, spec.client_id)).claims == spec.claims


async def test_a_resource_server_has_room_for_a_hundred_claim_sets(
    cognito: CognitoStandIn, aws_console: AwsConsole, host: LocalHost
) -> None:
    settings = new_settings(cognito, aws_console)
    async with provider_on(settings, host) as provider:
        for start in (0, 50):
            await made(provider, make_spec(scopes=tuple(f"s{number}" for number in range(start, start + 50))))
        with pytest.raises(IdpRejectedError, match="no room for another claim set"):
            await made(provider, make_spec(scopes=("one-more",)))
        assert await made(provider, make_spec(scopes=("s7",)))


async def test_replicas_that_add_claim_sets_at_once_lose_none(
    provider: CognitoProvider, replica: CognitoProvider
) -> None:
    specs = [make_spec(scopes=(f"new-{uuid4().hex}",)) for _ in range(8)]
    await asyncio.gather(
        *(made(one, spec) for one, spec in zip([provider, replica] * 4, specs, strict=True)),
    )
    for spec in specs:
        assert (await held(provider, spec.client_id)).scopes == spec.scopes
        await provider.update_client(spec)


async def test_a_copied_record_proves_nothing(
    provider: CognitoProvider, pool: CognitoSettings, aws_console: AwsConsole
) -> None:
    ours, other = make_managed_spec(), make_managed_spec()
    await made(provider, ours)
    await made(provider, other)
    text = aws_console.ssm.get_parameter(Name=parameter_name(pool, ours.client_id))["Parameter"]["Value"]
    aws_console.write(pool, copy := str(uuid4()), text)
    assert not (await held(provider, copy)).owned
    bent = text.replace(
        aws_console.record(pool, ours.client_id)["app_client_id"],
        aws_console.record(pool, other.client_id)["app_client_id"],
    )
    aws_console.write(pool, ours.client_id, bent)
    assert not (await held(provider, ours.client_id)).owned


async def test_one_foreign_client_saves_all_of_a_deletion(
    provider: CognitoProvider, replica: CognitoProvider, pool: CognitoSettings, aws_console: AwsConsole
) -> None:
    ours, theirs = make_managed_spec(), str(uuid4())
    await made(provider, ours)
    aws_console.write(pool, theirs, "theirs")
    for one in (provider, replica):
        with pytest.raises(IdpRejectedError, match="not made by this installation"):
            await one.delete_clients([ours.client_id, theirs])
        assert await one.find_client(ours.client_id)


async def test_a_deletion_of_many_leaves_neither_app_clients_nor_records(
    cognito: CognitoStandIn, aws_console: AwsConsole, host: LocalHost
) -> None:
    settings = new_settings(cognito, aws_console)
    specs = [make_spec(scopes=("full",)) for _ in range(23)]
    async with provider_on(settings, host) as provider, provider_on(settings, host) as replica:
        for spec in specs:
            await made(provider, spec)
        await replica.delete_clients([*(spec.client_id for spec in specs), str(uuid4())])
        assert aws_console.app_clients(settings.user_pool_id) == {}
        assert [spec for spec in specs if await provider.find_client(spec.client_id)] == []


class TestSecrets:
    """Cognito makes them, unless a person chose one that it takes."""

    async def test_tokens_outlive_the_secret_with_which_they_were_fetched(
        self, provider: CognitoProvider, replica: CognitoProvider
    ) -> None:
        spec = make_managed_spec()
        token = await granted(provider, spec, await made(provider, spec))
        await provider.replace_secret(spec.client_id, make_secret())
        assert (await replica.verify(token)).client_id == spec.client_id

    async def test_a_chosen_secret_that_cognito_takes_is_taken(self, provider: CognitoProvider) -> None:
        spec = make_spec()
        chosen = ClientSecret(value=CHOSEN, chosen=True)
        assert (await provider.create_client(spec, chosen)).secret == CHOSEN
        assert await granted(provider, spec, CHOSEN)
        other = ClientSecret(value=CHOSEN.swapcase(), chosen=True)
        assert (await provider.replace_secret(spec.client_id, other)).secret == other.value
        assert await granted(provider, spec, other.value)

    @pytest.mark.parametrize("value", ["A secret of 32 characters, or -1.", "TooShort1+", "x" * 65], ids=len)
    async def test_a_chosen_secret_that_cognito_does_not_take_is_rejected(
        self, provider: CognitoProvider, value: str
    ) -> None:
        spec = make_spec()
        with pytest.raises(IdpRejectedError, match="24 to 64") as caught:
            await provider.create_client(spec, ClientSecret(value=value, chosen=True))
        assert value not in str(caught.value)
        assert await provider.find_client(spec.client_id) is None

    async def test_the_services_own_clients_are_made_at_every_start(
        self, provider: CognitoProvider, replica: CognitoProvider, pool: CognitoSettings, cognito: CognitoStandIn
    ) -> None:
        client = BootstrapClient(
            id=f"Service-{uuid4()}",
            secret=SecretStr(CHOSEN),
            display_name="Service",
            scopes=("edfi_admin_api/full_access",),
            role="cms-client",
        )
        for one in (provider, replica, provider):
            await bootstrap(one, (client,))
        token = await provider.token(TokenRequest(client_id=client.id, client_secret=CHOSEN))
        principal = await replica.verify(token.access_token)
        assert principal.scopes == {"edfi_admin_api/full_access"}
        assert principal.roles == {"cms-client"}
        assert len(cognito.secrets[payload_of(token.access_token)["client_id"]]) == 1
