"""Which tokens of a user pool count, and what is said when the pool, AWS or boto3 is not there."""

import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from pydantic import ValidationError

from idp_providers.cognito import settings as cognito_settings
from idp_providers.cognito.answers import refusal
from idp_providers.cognito.provider import CognitoProvider
from idp_providers.cognito.settings import CognitoSettings
from idp_providers.contract import TokenRequest
from idp_providers.errors import (
    ClientAlreadyExistsError,
    ClientNotFoundError,
    IdpConfigurationError,
    IdpDeniedError,
    IdpError,
    IdpRejectedError,
    IdpUnavailableError,
    InvalidTokenError,
)
from idp_providers.suite.fault_proxy import Fault, FaultProxy
from idp_providers.testing import make_managed_spec, make_secret, make_spec, payload_of
from tenant_api.kernel.keys import KeyRing
from tests.identity.clients import held
from tests.identity.cognito_pools import REGION, AwsConsole, moved_to, new_settings, provider_on
from tests.identity.host import LocalHost, host_on
from tests.parts.cognito_stand_in import CognitoStandIn

pytestmark = pytest.mark.anyio

GUIDE = Path(__file__).parents[2] / "docs" / "cognito.md"


@pytest.fixture
async def provider(pool: CognitoSettings, host: LocalHost) -> AsyncIterator[CognitoProvider]:
    async with provider_on(pool, host) as provider:
        yield provider


async def token_of(provider: CognitoProvider, spec: Any) -> str:
    secret = (await provider.create_client(spec, make_secret())).secret
    return (await provider.token(TokenRequest(client_id=spec.client_id, client_secret=secret))).access_token


async def test_a_replica_that_never_saw_the_client_knows_whose_a_token_is(
    provider: CognitoProvider, pool: CognitoSettings, host: LocalHost, cognito: CognitoStandIn
) -> None:
    spec = make_managed_spec()
    token = await token_of(provider, spec)
    async with FaultProxy(cognito.url) as proxy, provider_on(moved_to(pool, proxy.url), host) as replica:
        principal = await replica.verify(token)
        assert (principal.client_id, principal.roles) == (spec.client_id, frozenset({spec.role}))
        assert (principal.claims["client_id"], principal.claims["scope"]) == (spec.client_id, "SISVendor")
        before = len(proxy.requests)
        await replica.verify(token)
        assert proxy.requests[before:] == []


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"},
        {"iss": None},
        {"token_use": "id"},
        {"token_use": None},
        {"exp": 1_000_000_000},
        {"exp": "9999999999"},
        {"exp": 10**30},
        {"exp": None},
        {"iat": 9_999_999_999},
        {"jti": None},
        {"jti": 7},
        {"sub": ["x"]},
        {"client_id": None},
        {"client_id": "x" * 26},
        {"client_id": "no/such;client"},
    ],
    ids=str,
)
async def test_a_good_signature_alone_does_not_suffice(
    provider: CognitoProvider, pool: CognitoSettings, cognito: CognitoStandIn, change: dict[str, Any]
) -> None:
    claims = payload_of(await token_of(provider, make_spec()))
    assert await provider.verify(cognito.sign(pool.user_pool_id, claims))
    changed = {name: value for name, value in {**claims, **change}.items() if value is not None}
    with pytest.raises(InvalidTokenError):
        await provider.verify(cognito.sign(pool.user_pool_id, changed))


async def test_tokens_of_other_app_clients_of_the_pool_are_refused(
    provider: CognitoProvider, pool: CognitoSettings, cognito: CognitoStandIn, aws_console: AwsConsole
) -> None:
    claims = payload_of(await token_of(provider, make_spec()))
    names = aws_console.app_clients(pool.user_pool_id)
    made = aws_console.cognito.create_user_pool_client(
        UserPoolId=pool.user_pool_id, ClientName=names[claims["client_id"]], GenerateSecret=True
    )
    for_others = {**claims, "client_id": made["UserPoolClient"]["ClientId"]}
    for _ in range(2):
        with pytest.raises(InvalidTokenError, match="did not make"):
            await provider.verify(cognito.sign(pool.user_pool_id, for_others))


async def test_scopes_of_other_resource_servers_mean_nothing(
    provider: CognitoProvider, pool: CognitoSettings, cognito: CognitoStandIn
) -> None:
    claims = payload_of(await token_of(provider, make_spec(scopes=("readonly",))))
    widened = {**claims, "scope": "payroll/full tenant-api/readonly full aws.cognito.signin.user.admin"}
    assert (await provider.verify(cognito.sign(pool.user_pool_id, widened))).scopes == {"readonly"}


async def test_a_token_revoked_on_one_replica_is_refused_on_another(
    provider: CognitoProvider, pool: CognitoSettings, host: LocalHost
) -> None:
    token = await token_of(provider, make_spec())
    async with provider_on(pool, host) as replica:
        assert await replica.verify(token)
        await provider.revoke(token)
        with pytest.raises(InvalidTokenError, match="revoked"):
            await replica.verify(token)


@pytest.mark.parametrize(
    "differs",
    [{"pepper": KeyRing.parse("other:" + "A" * 43 + "=")}, {"installation": "another"}],
    ids=["by its keys", "with the same keys"],
)
async def test_another_installation_in_the_same_pool_touches_nothing_of_ours(
    provider: CognitoProvider, pool: CognitoSettings, shared_database_url: str, differs: dict[str, Any]
) -> None:
    spec = make_managed_spec()
    token = await token_of(provider, spec)
    async with host_on(shared_database_url) as other:
        vars(other).update(differs)
        async with provider_on(pool, other) as theirs:
            assert not (await held(theirs, spec.client_id)).owned
            with pytest.raises(ClientAlreadyExistsError):
                await theirs.create_client(spec, make_secret())
            with pytest.raises(IdpRejectedError, match="not made by this installation"):
                await theirs.delete_clients([spec.client_id])
            with pytest.raises(InvalidTokenError):
                await theirs.verify(token)
            other.shift += pool.orphan_grace * 2
            await theirs.maintain()
    assert (await held(provider, spec.client_id)).owned


@pytest.mark.usefixtures("provider")  # by which the pool has its resource server
@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.UNAVAILABLE, Fault.HANGING], ids=str)
async def test_an_aws_that_is_away_at_the_start_is_waited_for(
    pool: CognitoSettings, host: LocalHost, cognito: CognitoStandIn, fault: Fault
) -> None:
    async with FaultProxy(cognito.url) as proxy:
        proxy.plan(fault)
        async with provider_on(moved_to(pool, proxy.url, timeout_seconds=0.5), host) as provider:
            with pytest.raises(IdpUnavailableError):
                await provider.check()
            proxy.heal()
            await provider.check()


async def test_missing_rights_are_told_at_the_start(
    pool: CognitoSettings, host: LocalHost, cognito: CognitoStandIn
) -> None:
    async with FaultProxy(cognito.url) as proxy:
        proxy.plan(Fault.FORBIDDEN)
        with pytest.raises(IdpConfigurationError, match="rights do not suffice"):
            await CognitoProvider.open(moved_to(pool, proxy.url), host)


async def test_a_pool_that_is_not_there_is_told_at_the_start(pool: CognitoSettings, host: LocalHost) -> None:
    with pytest.raises(IdpConfigurationError, match="no such user pool"):
        await CognitoProvider.open(pool.model_copy(update={"user_pool_id": "us-east-1_none"}), host)


async def test_the_resource_server_is_made_at_the_start(
    cognito: CognitoStandIn, aws_console: AwsConsole, host: LocalHost
) -> None:
    settings = new_settings(cognito, aws_console, resource_server="mine")
    async with provider_on(settings, host) as provider:
        await provider.check()
        token = await token_of(provider, make_spec(scopes=("full",)))
        assert payload_of(token)["scope"] == "mine/full"


async def test_without_boto3_the_start_says_what_to_install(
    pool: CognitoSettings, host: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(IdpConfigurationError, match=r"tenant-api\[cognito\]"):
        await CognitoProvider.open(pool, host)


async def test_a_closed_provider_raises_errors_of_the_family(pool: CognitoSettings, host: LocalHost) -> None:
    async with provider_on(pool, host) as provider:
        pass
    for call in (provider.check(), provider.find_client("x")):
        with pytest.raises(IdpError):
            await call


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("TooManyRequestsException", 400, IdpUnavailableError),
        ("ThrottlingException", 400, IdpUnavailableError),
        ("InternalErrorException", 500, IdpUnavailableError),
        ("ConcurrentModificationException", 400, IdpUnavailableError),
        ("AccessDeniedException", 400, IdpDeniedError),
        ("NotAuthorizedException", 400, IdpDeniedError),
        ("ExpiredTokenException", 400, IdpDeniedError),
        ("ResourceNotFoundException", 400, ClientNotFoundError),
        ("ParameterAlreadyExists", 400, ClientAlreadyExistsError),
        ("LimitExceededException", 400, IdpRejectedError),
        ("InvalidParameterException", 400, IdpRejectedError),
        ("ScopeDoesNotExistException", 400, IdpRejectedError),
        ("NobodyKnowsException", 400, IdpRejectedError),
        ("", 503, IdpUnavailableError),
        ("429", 429, IdpUnavailableError),
        ("403", 403, IdpDeniedError),
        ("", 302, IdpError),
    ],
)
def test_codes_of_aws_are_errors_of_the_family(code: str, status: int, error: type[IdpError]) -> None:
    assert isinstance(refusal(code, status), error)


@pytest.mark.parametrize(
    "change",
    [
        {"user_pool_id": "pool"},
        {"domain_url": "auth.example.org"},
        {"parameter_prefix": "tenant-api"},
        {"parameter_prefix": "/aws/mine"},
        {"resource_server": "with blank"},
        {"access_key_id": "alone"},
        {"token_lifetime_seconds": "60"},
        {"misspelt": "x"},
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(change: dict[str, Any]) -> None:
    given = {"user_pool_id": "us-east-1_Abc", "domain_url": "https://x.auth.us-east-1.amazoncognito.com"}
    assert CognitoSettings.model_validate(given).token_address.endswith(".com/oauth2/token")
    with pytest.raises(ValidationError):
        CognitoSettings.model_validate({**given, **change})


def test_the_guide_lists_every_setting_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", GUIDE.read_text(), re.MULTILINE))
    expected = {}
    for name, field in cognito_settings.CognitoSettings.model_fields.items():
        default = "required" if field.is_required() else "none" if field.default is None else f"`{field.default}`"
        expected[name] = default
    assert rows == expected


async def test_the_lambda_of_the_guide_gives_an_applications_token_its_claims(
    provider: CognitoProvider, pool: CognitoSettings, cognito: CognitoStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    session = boto3.session.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name=REGION)
    monkeypatch.setattr(boto3, "client", lambda name: session.client(name, endpoint_url=cognito.url))
    monkeypatch.setenv("PARAMETER_PREFIX", pool.parameter_prefix)
    module: dict[str, Any] = {}
    exec(compile(source, str(GUIDE), "exec"), module)

    def answer(app_client: str) -> dict[str, Any]:
        event = {
            "version": "3",
            "triggerSource": "TokenGeneration_ClientCredentials",
            "userPoolId": pool.user_pool_id,
            "callerContext": {"clientId": app_client},
            "response": {},
        }
        response: dict[str, Any] = module["handler"](json.loads(json.dumps(event)), None)["response"]
        return response

    managed, own = make_managed_spec(), make_spec()
    tokens = [payload_of(await token_of(provider, spec)) for spec in (managed, own)]
    shown = answer(tokens[0]["client_id"])["claimsAndScopeOverrideDetails"]["accessTokenGeneration"]
    assert shown["claimsToAddOrOverride"] == {
        "client_name": "Application",
        "namespacePrefixes": "uri://ed-fi.org,uri://acme.org",
        "educationOrganizationIds": "255901,19255901",
        "dataStoreIds": "1,2",
    }
    assert answer(tokens[1]["client_id"]) == {}


async def test_an_id_of_another_kind_is_never_found(provider: CognitoProvider) -> None:
    for text in ("", "nul\0", "\ud800", "x" * 5000, str(uuid4())):
        assert await provider.find_client(text) is None
