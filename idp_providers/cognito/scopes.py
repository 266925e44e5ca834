"""A claim set reaches a token as a scope of our resource server: `<resource server>/<claim set>`."""

import asyncio
import re
from collections.abc import Iterable
from urllib.parse import unquote

from pydantic import BaseModel, Field

from idp_providers.cognito.aws import Answer, Aws, Done
from idp_providers.cognito.settings import SCOPE_CHARACTERS, CognitoSettings
from idp_providers.contract import Host
from idp_providers.errors import ClientNotFoundError, IdpRejectedError
from idp_providers.self_hosted.database import contract_errors

LONGEST_SCOPE = 256
MOST_SCOPES = 100
MOST_PER_CLIENT = 50

_ESCAPED = re.compile(f"%|[^{SCOPE_CHARACTERS}]")


class _Scope(BaseModel):
    name: str = Field(alias="ScopeName")
    description: str = Field(alias="ScopeDescription")


class _Server(BaseModel):
    name: str = Field(alias="Name")
    scopes: list[_Scope] = Field(default=[], alias="Scopes")


class _Described(BaseModel):
    server: _Server = Field(alias="ResourceServer")


class ScopeNames:
    """Our names and Cognito's. What Cognito does not take is written as in addresses: `a/b` becomes `a%2Fb`."""

    def __init__(self, resource_server: str) -> None:
        self._prefix = f"{resource_server}/"

    def at_cognito(self, names: Iterable[str]) -> list[str]:
        """IdpRejectedError for what no app client can hold."""
        held = [self._prefix + escaped(name) for name in names]
        if len(held) > MOST_PER_CLIENT:
            raise IdpRejectedError(f"Cognito lets a client have {MOST_PER_CLIENT} scopes, these are {len(held)}.")
        for scope in held:
            if scope == self._prefix or len(scope) > LONGEST_SCOPE:
                raise IdpRejectedError(
                    f"Cognito takes scopes of up to {LONGEST_SCOPE} characters, those before the name and the escapes "
                    "for special characters included; names must not be empty."
                )
        return held

    def of_ours(self, scopes: Iterable[str]) -> tuple[str, ...]:
        """Scopes of other resource servers mean nothing here."""
        return tuple(unquote(scope.removeprefix(self._prefix)) for scope in scopes if scope.startswith(self._prefix))


class ResourceServer:
    """Its list of scopes can only be written as a whole, so one of all replicas at a time adds to it."""

    def __init__(self, aws: Aws, settings: CognitoSettings, host: Host) -> None:
        self._aws = aws
        self._host = host
        self._pool = settings.user_pool_id
        self._identifier = settings.resource_server
        self._one_at_a_time = asyncio.Lock()

    async def open(self) -> None:
        """Let the resource server exist."""
        if await self._find() is None:
            await self._made()

    async def check(self) -> None:
        if await self._find() is None:
            raise IdpRejectedError("The user pool or its resource server is not there.")

    @contract_errors
    async def require(self, names: Iterable[str]) -> None:
        """Let the scopes exist, by two calls; none that is there is taken away. IdpRejectedError."""
        wanted = {escaped(name): name for name in names}
        async with self._one_at_a_time, self._host.pool.connection() as connection, connection.transaction():
            place = f"cognito:{self._pool}:{self._identifier}"
            await connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (place,))
            found = await self._find() or await self._made()
            held = {scope.name: scope.description for scope in found.scopes}
            if wanted.keys() <= held.keys():
                return
            held |= {scope: "A claim set." for scope in wanted if scope not in held}
            if len(held) > MOST_SCOPES:
                raise IdpRejectedError(
                    f"Cognito lets a resource server have {MOST_SCOPES} scopes: {self._identifier!r} has "
                    "no room for another claim set."
                )
            await self._call("update_resource_server", Done, Name=found.name, Scopes=_listed(held))

    async def _made(self) -> _Server:
        """Whoever else makes it at the same time makes the same."""
        try:
            await self._call("create_resource_server", Done, Name="Tenant API", Scopes=[])
        except ClientNotFoundError:
            raise IdpRejectedError("There is no such user pool.") from None
        except IdpRejectedError:
            if await self._find() is None:
                raise
        found = await self._find()
        if found is None:
            raise IdpRejectedError("The resource server vanished as soon as it was made.")
        return found

    async def _find(self) -> _Server | None:
        try:
            return (await self._call("describe_resource_server", _Described)).server
        except ClientNotFoundError:
            return None

    async def _call(self, operation: str, answer: type[Answer], **parameters: object) -> Answer:
        return await self._aws.call(
            "cognito-idp", operation, answer, UserPoolId=self._pool, Identifier=self._identifier, **parameters
        )


def escaped(name: str) -> str:
    """Reversible; of ASCII names without blanks, slashes, backslashes, quotation marks and `%` nothing changes."""
    return _ESCAPED.sub(_as_in_addresses, name)


def _as_in_addresses(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass"))


def _listed(scopes: dict[str, str]) -> list[dict[str, str]]:
    return [{"ScopeName": name, "ScopeDescription": description} for name, description in scopes.items()]
