"""The app clients of one user pool, one call each. They are looked up by Cognito's id for them."""

import re
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from idp_providers.cognito.aws import Answer, Aws, Done
from idp_providers.cognito.records import Record
from idp_providers.cognito.scopes import ScopeNames
from idp_providers.cognito.settings import CognitoSettings
from idp_providers.contract import ClientSecret
from idp_providers.errors import ClientNotFoundError, IdpRejectedError, IdpUnavailableError

FLOW = "client_credentials"
MOST_SECRETS = 2
_PAGE = 60
_SECRET = re.compile(r"[A-Za-z0-9_+]{24,64}")


class AppClient(BaseModel):
    """An app client as Cognito answers, reduced to what matters here. Its secret is not read."""

    id: str = Field(alias="ClientId")
    name: str = Field(alias="ClientName")
    created_at: datetime = Field(default=datetime.max.replace(tzinfo=UTC), alias="CreationDate")
    grants: bool = Field(default=False, alias="AllowedOAuthFlowsUserPoolClient")
    flows: list[str] = Field(default=[], alias="AllowedOAuthFlows")
    scopes: list[str] = Field(default=[], alias="AllowedOAuthScopes")

    @property
    def usable(self) -> bool:
        """Whether it can get tokens."""
        return self.grants and FLOW in self.flows


class NewAppClient(BaseModel):
    """What Cognito chose."""

    id: str = Field(alias="ClientId")
    secret: str | None = Field(default=None, alias="ClientSecret", repr=False)


class Listed(BaseModel):
    """What a list says about an app client."""

    id: str = Field(alias="ClientId")
    name: str = Field(alias="ClientName")


class Page(BaseModel):
    """Some app clients of the pool, whoever made them."""

    clients: list[Listed] = Field(alias="UserPoolClients")
    next: str | None = Field(default=None, alias="NextToken")


class _New(BaseModel):
    client: NewAppClient = Field(alias="UserPoolClient")


class _Described(BaseModel):
    client: AppClient = Field(alias="UserPoolClient")


class _Secret(BaseModel):
    id: str = Field(alias="ClientSecretId")
    value: str | None = Field(default=None, alias="ClientSecretValue", repr=False)
    created_at: datetime = Field(alias="ClientSecretCreateDate")


class _NewSecret(BaseModel):
    secret: _Secret = Field(alias="ClientSecretDescriptor")


class _Secrets(BaseModel):
    secrets: list[_Secret] = Field(alias="ClientSecrets")


class AppClients:
    """Cognito makes the secrets, unless a person chose one that it takes."""

    def __init__(self, aws: Aws, settings: CognitoSettings, names: ScopeNames) -> None:
        self._aws = aws
        self._pool = settings.user_pool_id
        self._lifetime = settings.token_lifetime_seconds
        self._names = names

    async def create(self, name: str, record: Record, secret: ClientSecret) -> tuple[str, str]:
        """Cognito's id for it, and its secret. UnknownScopeError."""
        given = {"ClientSecret": secret.value} if secret.chosen else {"GenerateSecret": True}
        try:
            made = (await self._call("create_user_pool_client", _New, **self._wanted(name, record), **given)).client
        except ClientNotFoundError:
            raise IdpRejectedError("There is no such user pool.") from None
        return made.id, _shown(secret, made.secret)

    async def update(self, name: str, record: Record) -> None:
        """All of it but its secret: what is not said is reset. ClientNotFoundError, UnknownScopeError."""
        wanted = self._wanted(name, record)
        await self._call("update_user_pool_client", _Described, ClientId=record.app_client_id, **wanted)

    async def find(self, app_client_id: str) -> AppClient | None:
        try:
            return (await self._call("describe_user_pool_client", _Described, ClientId=app_client_id)).client
        except ClientNotFoundError:
            return None

    async def delete(self, app_client_id: str) -> bool:
        """Whether it was there."""
        try:
            await self._call("delete_user_pool_client", Done, ClientId=app_client_id)
        except ClientNotFoundError:
            return False
        return True

    async def page(self, after: str | None) -> Page:
        """The next app clients of the pool."""
        token = {"NextToken": after} if after else {}
        return await self._call("list_user_pool_clients", Page, MaxResults=_PAGE, **token)

    async def secrets(self, app_client_id: str) -> list[str]:
        """The ids of its one or two secrets, the older first."""
        found = (await self._call("list_user_pool_client_secrets", _Secrets, ClientId=app_client_id)).secrets
        return [secret.id for secret in sorted(found, key=lambda secret: secret.created_at)]

    async def add_secret(self, app_client_id: str, secret: ClientSecret) -> str:
        """The secret. IdpUnavailableError while there are two: somebody else is in the middle of replacing it."""
        given = {"ClientSecret": secret.value} if secret.chosen else {}
        try:
            answer = await self._call("add_user_pool_client_secret", _NewSecret, ClientId=app_client_id, **given)
            return _shown(secret, answer.secret.value)
        except IdpRejectedError:
            if len(await self.secrets(app_client_id)) < MOST_SECRETS:
                raise
        raise IdpUnavailableError("Somebody else is replacing this secret right now.")

    async def delete_secret(self, app_client_id: str, secret_id: str) -> None:
        await self._call("delete_user_pool_client_secret", Done, ClientId=app_client_id, ClientSecretId=secret_id)

    async def _call(self, operation: str, answer: type[Answer], **parameters: Any) -> Answer:
        return await self._aws.call("cognito-idp", operation, answer, UserPoolId=self._pool, **parameters)

    def _wanted(self, name: str, record: Record) -> dict[str, Any]:
        """Nobody logs in with it: of the flows for people, only the one that Cognito demands is left."""
        scopes = self._names.at_cognito(record.scopes)
        return {
            "ClientName": name,
            "AccessTokenValidity": self._lifetime,
            "TokenValidityUnits": {"AccessToken": "seconds"},
            "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
            "AllowedOAuthFlowsUserPoolClient": record.usable,
            "AllowedOAuthFlows": [FLOW] if record.usable else [],
            "AllowedOAuthScopes": scopes if record.usable else [],
        }


def can_be_secret(text: str) -> bool:
    """Whether Cognito could have taken or made this secret."""
    return bool(_SECRET.fullmatch(text))


def judge_secret(secret: ClientSecret) -> None:
    """IdpRejectedError for a secret that a person chose and Cognito does not take."""
    if secret.chosen and not can_be_secret(secret.value):
        raise IdpRejectedError("Cognito takes secrets of 24 to 64 letters, digits, underscores and plus signs.")


def _shown(given: ClientSecret, made: str | None) -> str:
    if given.chosen:
        return given.value
    if not made:
        raise LookupError
    return made
