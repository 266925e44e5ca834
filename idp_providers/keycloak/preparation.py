"""A realm as the service needs it: what it lacks, shown before it is done."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

from keycloak import KeycloakAdmin
from pydantic import BaseModel, Field, TypeAdapter

from idp_providers.errors import ClientAlreadyExistsError, ClientNotFoundError, IdpError
from idp_providers.keycloak.administration import StoredScope
from idp_providers.keycloak.answers import client_errors, contract_errors
from idp_providers.keycloak.connection import AdminConnection
from idp_providers.keycloak.endpoints import Credentials, RealmEndpoints
from idp_providers.keycloak.own_client import OwnClient, differences, made_for_us, own_client, unknown
from idp_providers.keycloak.scopes import IN_TOKEN, representation
from idp_providers.keycloak.settings import KeycloakSettings
from idp_providers.preparation import Administrator, Change

ADMINISTRATORS_REALM = "master"
ADMINISTRATORS_CLIENT = "admin-cli"
OWNER_OF_RIGHTS = "realm-management"
RIGHT = "manage-clients"


@dataclass(frozen=True, kw_only=True)
class RealmChange(Change):
    """A change of a realm, and how to do it; doing it twice does no harm."""

    do: Callable[[], Awaitable[object]] = field(repr=False, compare=False)


class _Realm(BaseModel):
    enabled: bool = False
    token_lifetime: int = Field(default=0, alias="accessTokenLifespan")


class _Named(BaseModel):
    id: str
    name: str = ""


class RealmPreparation:
    """Looks at one realm with an administrator's rights, and brings it to what the settings say."""

    def __init__(self, settings: KeycloakSettings, connection: AdminConnection) -> None:
        self._settings = settings
        self._admin = KeycloakAdmin(connection=connection)

    @classmethod
    @asynccontextmanager
    async def opened(cls, settings: KeycloakSettings, administrator: Administrator) -> AsyncIterator[Self]:
        """Administrators of the server log in at its realm `master`."""
        login = RealmEndpoints(settings, ADMINISTRATORS_REALM)
        person = Credentials(client_id=ADMINISTRATORS_CLIENT, user=administrator.name, secret=administrator.password)
        connection = AdminConnection(settings, settings.realm, person, login)
        try:
            yield cls(settings, connection)
        finally:
            await connection.aclose()
            await login.close()

    async def plan(self) -> Sequence[RealmChange]:
        realm = await self._realm()
        exists = realm is not None
        return [
            *self._realm_changes(realm),
            *self._role_changes(await self._roles() if exists else set()),
            *self._scope_changes(await self._scopes() if exists else []),
            *await self._client_changes(await self._client() if exists else None),
        ]

    async def apply(self, changes: Sequence[Change]) -> AsyncIterator[Change]:
        for change in changes:
            if not isinstance(change, RealmChange):
                raise IdpError("Only changes of this plan can be applied.")
            with suppress(ClientAlreadyExistsError):  # somebody did it meanwhile
                await contract_errors(change.do)()
            yield change

    def _realm_changes(self, realm: _Realm | None) -> list[RealmChange]:
        name, seconds = self._settings.realm, self._settings.token_lifetime_seconds
        wanted = {"enabled": True, "accessTokenLifespan": seconds}
        subject = f"realm {name}"
        if realm is None:
            create = {"realm": name, **wanted}
            change = f"create, with tokens that live {seconds} s"
            return [RealmChange(subject=subject, change=change, do=lambda: self._admin.a_create_realm(create))]
        changes = []
        if not realm.enabled:
            changes.append("enable")
        if realm.token_lifetime != seconds:
            changes.append(f"let tokens live {seconds} s instead of {realm.token_lifetime} s")
        if not changes:
            return []
        change = " and ".join(changes)
        return [RealmChange(subject=subject, change=change, do=lambda: self._admin.a_update_realm(name, wanted))]

    def _role_changes(self, existing: set[str]) -> list[RealmChange]:
        return [
            RealmChange(subject=f"role {role}", change="create", do=self._creating_role(role))
            for role in self._settings.roles
            if role not in existing
        ]

    def _scope_changes(self, existing: Sequence[StoredScope]) -> list[RealmChange]:
        found = {scope.name: scope for scope in existing}
        return [
            *(
                RealmChange(subject=f"client scope {name}", change="create", do=self._creating_scope(name))
                for name in self._settings.client_scopes
                if name not in found
            ),
            *(
                RealmChange(
                    subject=f"client scope {name}", change="show it in tokens", do=self._showing_scope(found[name])
                )
                for name in self._settings.client_scopes
                if name in found and found[name].attributes.get(IN_TOKEN) != "true"
            ),
        ]

    async def _client_changes(self, client: OwnClient | None) -> list[RealmChange]:
        subject = f"client {self._settings.client_id}"
        right = RealmChange(subject=subject, change=f"grant {RIGHT} of {OWNER_OF_RIGHTS}", do=self._grant_right)
        if client is None:
            create = {"clientId": self._settings.client_id, "name": "Tenant API", **own_client(self._settings)}
            made = "create, confidential, with a service account"
            return [RealmChange(subject=subject, change=made, do=lambda: self._admin.a_create_client(create)), right]
        has_right = client.has_service_account and await self._has_right(client.id)
        return [
            *self._taking_over(client),
            *(
                RealmChange(subject=subject, change=change, do=self._updating(client.id, wanted))
                for change, wanted in differences(client, self._settings)
            ),
            *([] if has_right else [right]),
        ]

    def _taking_over(self, client: OwnClient) -> list[RealmChange]:
        """A client that bears the name of ours, and is not known to be. Its rights and its tokens become ours."""
        if not unknown(client, self._settings):
            return []
        change = f"take over, which was not made by this command{client.description}"
        do = self._updating(client.id, made_for_us())
        return [RealmChange(subject=f"client {client.client_id}", change=change, takes_over=True, do=do)]

    def _updating(self, internal_id: str, wanted: dict[str, object]) -> Callable[[], Awaitable[object]]:
        return lambda: self._admin.a_update_client(internal_id, wanted)

    def _creating_role(self, role: str) -> Callable[[], Awaitable[object]]:
        return lambda: self._admin.a_create_realm_role({"name": role})

    def _creating_scope(self, name: str) -> Callable[[], Awaitable[object]]:
        return lambda: self._admin.a_create_client_scope(representation(name))

    def _showing_scope(self, scope: StoredScope) -> Callable[[], Awaitable[object]]:
        wanted = {"id": scope.id, **representation(scope.name), "attributes": {**scope.attributes, IN_TOKEN: "true"}}
        return lambda: self._admin.a_update_client_scope(scope.id, wanted)

    async def _grant_right(self) -> None:
        client = await self._client()
        owner = await self._admin.a_get_client_id(OWNER_OF_RIGHTS)
        if client is None or owner is None:
            raise IdpError("The realm has lost a client that was there a moment ago.")
        user = _Named.model_validate(await self._admin.a_get_client_service_account_user(client.id))
        role = await self._admin.a_get_client_role(owner, RIGHT)
        await self._admin.a_assign_client_role(user.id, owner, [role])
        if not await self._has_right(client.id):
            raise IdpError(f"Keycloak did not grant {RIGHT}, and did not say why.")

    @contract_errors
    async def _has_right(self, internal_id: str) -> bool:
        user = _Named.model_validate(await self._admin.a_get_client_service_account_user(internal_id))
        owner = await self._admin.a_get_client_id(OWNER_OF_RIGHTS)
        held = await self._admin.a_get_composite_client_roles_of_user(user.id, str(owner))
        return RIGHT in {role.name for role in _NAMED.validate_python(held)}

    async def _realm(self) -> _Realm | None:
        try:
            return await self._existing_realm()
        except ClientNotFoundError:
            return None

    @client_errors
    async def _existing_realm(self) -> _Realm:
        return _Realm.model_validate(await self._admin.a_get_realm(self._settings.realm))

    @contract_errors
    async def _roles(self) -> set[str]:
        return {role.name for role in _NAMED.validate_python(await self._admin.a_get_realm_roles())}

    @contract_errors
    async def _scopes(self) -> list[StoredScope]:
        return _SCOPES.validate_python(await self._admin.a_get_client_scopes())

    @contract_errors
    async def _client(self) -> OwnClient | None:
        internal_id = await self._admin.a_get_client_id(self._settings.client_id)
        return OwnClient.model_validate(await self._admin.a_get_client(internal_id)) if internal_id else None


_NAMED = TypeAdapter(list[_Named])
_SCOPES = TypeAdapter(list[StoredScope])
