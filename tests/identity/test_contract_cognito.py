"""Cognito keeps the contract, as far as moto and a stand-in for what moto lacks are like it."""

import json
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager

import pytest

from idp_providers.cognito.provider import CognitoProvider
from idp_providers.cognito.settings import CognitoSettings
from idp_providers.contract import IdentityProvider
from idp_providers.suite.fault_proxy import Request
from idp_providers.testing import RemoteIdentityProviderContract
from tests.identity.cognito_pools import AwsConsole, moved_to, new_settings, provider_on
from tests.identity.host import LocalHost
from tests.parts.cognito_stand_in import CognitoStandIn

CHANGES = {
    "AddUserPoolClientSecret",
    "CreateUserPoolClient",
    "DeleteParameters",
    "DeleteUserPoolClient",
    "DeleteUserPoolClientSecret",
    "PutParameter",
    "UpdateUserPoolClient",
}


@pytest.fixture(scope="module")
def other_pool(cognito: CognitoStandIn, aws_console: AwsConsole) -> CognitoSettings:
    return new_settings(cognito, aws_console)


class TestCognito(RemoteIdentityProviderContract):
    @pytest.fixture
    async def provider(self, pool: CognitoSettings, host: LocalHost) -> AsyncIterator[IdentityProvider]:
        async with provider_on(pool, host) as provider:
            yield provider

    @pytest.fixture
    async def stranger(self, other_pool: CognitoSettings, host: LocalHost) -> AsyncIterator[IdentityProvider]:
        async with provider_on(other_pool, host) as provider:
            yield provider

    @pytest.fixture(autouse=True)
    def by_hand(
        self, aws_console: AwsConsole, pool: CognitoSettings, other_pool: CognitoSettings, host: LocalHost
    ) -> None:
        self.console, self.pool, self.other_pool, self.host = aws_console, pool, other_pool, host

    async def make_foreign(self, client_id: str) -> None:
        self.console.write(self.pool, client_id, '{"theirs":true}')

    async def copy_client(self, client_id: str, stranger: IdentityProvider) -> None:
        self.console.write(self.other_pool, client_id, json.dumps(self.console.record(self.pool, client_id)))

    async def copy_proof(self, client_id: str, other_id: str) -> None:
        copied = {**self.console.record(self.pool, client_id), "client_id": other_id}
        self.console.write(self.pool, other_id, json.dumps(copied))

    async def alter_client(self, client_id: str) -> None:
        app_client = self.console.record(self.pool, client_id)["app_client_id"]
        self.console.cognito.update_user_pool_client(
            UserPoolId=self.pool.user_pool_id,
            ClientId=app_client,
            ClientName=self.console.app_clients(self.pool.user_pool_id)[app_client],
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=[],
        )

    def another_installation(self) -> AbstractContextManager[None]:
        return self.host.as_another_installation()

    def rotate_keys(self) -> None:
        self.host.rotate_pepper()

    @pytest.fixture
    def upstream(self, cognito: CognitoStandIn) -> str:
        return cognito.url

    async def open_through(self, url: str) -> IdentityProvider:
        limit = 2 * self.limit_seconds  # moto is slow when the machine is busy
        return await CognitoProvider.open(moved_to(self.pool, url, timeout_seconds=limit), self.host)

    def changes(self, request: Request) -> bool:
        return request.headers.get("x-amz-target", "").rpartition(".")[2] in CHANGES

    def logs_in(self, request: Request) -> bool:
        return False  # every request is signed
