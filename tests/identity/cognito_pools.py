"""User pools behind the stand-in, providers on them, and the console of somebody who has every right in AWS."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config

from idp_providers.cognito.markers import key_of
from idp_providers.cognito.provider import CognitoProvider
from idp_providers.cognito.settings import CognitoSettings
from idp_providers.contract import ClientSpec, Host, TokenRequest
from idp_providers.suite.fault_proxy import Request
from idp_providers.testing import make_secret
from tests.parts.cognito_stand_in import CognitoStandIn

REGION = "us-east-1"


class AwsConsole:
    """By hand, past our service."""

    def __init__(self, url: str) -> None:
        session = boto3.session.Session(
            aws_access_key_id="console", aws_secret_access_key="console", region_name=REGION
        )
        config = Config(retries={"total_max_attempts": 1}, read_timeout=30)
        self.cognito: Any = session.client("cognito-idp", endpoint_url=url, config=config)
        self.ssm: Any = session.client("ssm", endpoint_url=url, config=config)

    def wake(self) -> None:
        """Moto loads a service at its first request, for longer than a provider waits for an answer."""
        self.cognito.list_user_pools(MaxResults=1)
        self.ssm.get_parameters(Names=["/none"])

    def new_pool(self, name: str) -> str:
        return str(self.cognito.create_user_pool(PoolName=name)["UserPool"]["Id"])

    def app_clients(self, pool: str) -> dict[str, str]:
        pages = self.cognito.get_paginator("list_user_pool_clients").paginate(UserPoolId=pool)
        return {client["ClientId"]: client["ClientName"] for page in pages for client in page["UserPoolClients"]}

    def record(self, settings: CognitoSettings, client_id: str) -> dict[str, Any]:
        text = self.ssm.get_parameter(Name=parameter_name(settings, client_id))["Parameter"]["Value"]
        record: dict[str, Any] = json.loads(text)
        return record

    def write(self, settings: CognitoSettings, client_id: str, value: str) -> None:
        name = parameter_name(settings, client_id)
        self.ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    def forget(self, settings: CognitoSettings, client_id: str) -> None:
        self.ssm.delete_parameter(Name=parameter_name(settings, client_id))

    def close(self) -> None:
        self.cognito.close()
        self.ssm.close()


def parameter_name(settings: CognitoSettings, client_id: str) -> str:
    return f"{settings.parameter_prefix}/{settings.user_pool_id}/{key_of(client_id)}"


def new_settings(fake: CognitoStandIn, console: AwsConsole, **changes: Any) -> CognitoSettings:
    """For a new pool."""
    pool = console.new_pool(f"pool-{uuid4().hex[:8]}")
    return at(fake.url, fake.issuer(pool), user_pool_id=pool, **changes)


def at(url: str, issuer: str, **given: Any) -> CognitoSettings:
    """Everything goes to one address."""
    endpoints = {"cognito_endpoint_url": url, "parameter_endpoint_url": url, "domain_url": url}
    keys = f"{url}/{issuer.rpartition('/')[2]}/.well-known/jwks.json"
    access = {"access_key_id": "service", "secret_access_key": "service"}
    return CognitoSettings.model_validate({**endpoints, "keys_url": keys, **access, **given})


def moved_to(settings: CognitoSettings, url: str, **changes: Any) -> CognitoSettings:
    """The same pool, reached by another address."""
    moved = at(url, settings.expected_issuer, user_pool_id=settings.user_pool_id)
    return moved.model_copy(update=changes)


@asynccontextmanager
async def provider_on(settings: CognitoSettings, host: Host) -> AsyncIterator[CognitoProvider]:
    provider = await CognitoProvider.open(settings, host)
    try:
        yield provider
    finally:
        await provider.close()


async def made(provider: CognitoProvider, spec: ClientSpec) -> str:
    """The secret that Cognito chose."""
    return (await provider.create_client(spec, make_secret())).secret


async def granted(provider: CognitoProvider, spec: ClientSpec, secret: str, *scopes: str) -> str:
    request = TokenRequest(client_id=spec.client_id, client_secret=secret, requested_scopes=scopes)
    return (await provider.token(request)).access_token


def targets(requests: list[Request]) -> list[str]:
    """The operations of AWS that were asked for; addresses where it was none."""
    return [request.headers.get("x-amz-target", "").rpartition(".")[2] or request.target for request in requests]
