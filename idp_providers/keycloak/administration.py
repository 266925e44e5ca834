"""The administration API of one realm: clients and client scopes, one call each."""

from typing import Any

from keycloak import KeycloakAdmin, urls_patterns
from keycloak.exceptions import KeycloakGetError, raise_error_from_response
from pydantic import BaseModel, Field, TypeAdapter

from idp_providers.errors import ClientAlreadyExistsError, ClientNotFoundError
from idp_providers.keycloak.answers import client_errors, contract_errors
from idp_providers.keycloak.connection import AdminConnection
from idp_providers.keycloak.representation import StoredClient


class StoredScope(BaseModel):
    """A client scope of the realm."""

    id: str
    name: str
    protocol: str | None = None
    attributes: dict[str, str | None] = {}
    mappers: list[dict[str, Any]] = Field(default=[], alias="protocolMappers")


_CLIENTS = TypeAdapter(list[StoredClient])
_SCOPES = TypeAdapter(list[StoredScope])


class Administration:
    """What the provider asks of python-keycloak, with the contract's errors. Clients are never listed."""

    def __init__(self, connection: AdminConnection) -> None:
        self._connection = connection
        self._realm = str(connection.realm_name)
        self._admin = KeycloakAdmin(connection=connection)

    @property
    def algorithm(self) -> str:
        """By which the realm signed the token of the last call. Empty before the first one."""
        return self._connection.algorithm

    async def close(self) -> None:
        await self._connection.aclose()

    @contract_errors
    async def client(self, client_id: str) -> StoredClient | None:
        """By the id that its owner uses, in exactly this spelling."""
        path = urls_patterns.URL_ADMIN_CLIENTS.format(**{"realm-name": self._realm})
        answer = await self._connection.a_raw_get(path, clientId=client_id)
        found = _CLIENTS.validate_python(raise_error_from_response(answer, KeycloakGetError))
        return next((client for client in found if client.client_id == client_id), None)

    async def client_by_internal_id(self, internal_id: str) -> StoredClient | None:
        try:
            return await self._client_by_internal_id(internal_id)
        except ClientNotFoundError:
            return None

    @contract_errors
    async def create_client(self, representation: dict[str, Any]) -> str:
        """Its internal id. ClientAlreadyExistsError."""
        return str(await self._admin.a_create_client(representation, skip_exists=False))

    @client_errors
    async def update_client(self, internal_id: str, representation: dict[str, Any]) -> None:
        """In place; what the representation does not name stays, its secret too."""
        await self._admin.a_update_client(internal_id, representation)

    async def delete_client(self, internal_id: str) -> None:
        """One that is gone already is fine."""
        try:
            await self._delete_client(internal_id)
        except ClientNotFoundError:
            return

    @contract_errors
    async def scopes(self) -> list[StoredScope]:
        """All client scopes of the realm; Keycloak has no look-up by name."""
        return _SCOPES.validate_python(await self._admin.a_get_client_scopes())

    async def create_scope(self, representation: dict[str, Any]) -> str | None:
        """Its id, or None if a scope of that name exists."""
        try:
            return await self._create_scope(representation)
        except ClientAlreadyExistsError:
            return None

    @contract_errors
    async def update_scope(self, scope: str, representation: dict[str, Any]) -> None:
        """In place; what the representation does not name stays."""
        await self._admin.a_update_client_scope(scope, representation)

    @client_errors
    async def attach(self, client: str, scope: str, *, optional: bool) -> None:
        """Give a scope to a client; repeating it does nothing."""
        if optional:
            await self._admin.a_add_client_optional_client_scope(client, scope, {})
        else:
            await self._admin.a_add_client_default_client_scope(client, scope, {})

    @client_errors
    async def detach(self, client: str, scope: str, *, optional: bool) -> None:
        """Take a scope from a client; repeating it does nothing."""
        if optional:
            await self._admin.a_delete_client_optional_client_scope(client, scope)
        else:
            await self._admin.a_delete_client_default_client_scope(client, scope)

    @client_errors
    async def _client_by_internal_id(self, internal_id: str) -> StoredClient:
        return StoredClient.model_validate(await self._admin.a_get_client(internal_id))

    @client_errors
    async def _delete_client(self, internal_id: str) -> None:
        await self._admin.a_delete_client(internal_id)

    @contract_errors
    async def _create_scope(self, representation: dict[str, Any]) -> str:
        return str(await self._admin.a_create_client_scope(representation, skip_exists=False))
