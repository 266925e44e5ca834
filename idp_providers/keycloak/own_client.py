"""The service's own client: how it must be, and in what one of its name differs from that."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, Field

from idp_providers.keycloak.settings import KeycloakSettings

MADE_FOR_US = "tenant-api.prepared"
"""An attribute of clients that were prepared for the service. A note, no proof: administrators alone can write it."""


class OwnClient(BaseModel):
    """A client as an administrator sees it, reduced to what matters here."""

    id: str
    client_id: str = Field(alias="clientId")
    name: str = ""
    enabled: bool = False
    public: bool = Field(default=True, alias="publicClient")
    bearer_only: bool = Field(default=False, alias="bearerOnly")
    authenticator: str = Field(default="", alias="clientAuthenticatorType")
    has_service_account: bool = Field(default=False, alias="serviceAccountsEnabled")
    has_full_scope: bool = Field(default=False, alias="fullScopeAllowed")
    standard_flow: bool = Field(default=False, alias="standardFlowEnabled")
    implicit_flow: bool = Field(default=False, alias="implicitFlowEnabled")
    direct_grants: bool = Field(default=False, alias="directAccessGrantsEnabled")
    redirects: list[str] = Field(default=[], alias="redirectUris")
    origins: list[str] = Field(default=[], alias="webOrigins")
    attributes: dict[str, str | None] = {}
    secret: str | None = Field(default=None, repr=False)

    @property
    def description(self) -> str:
        """What may tell an administrator whose it is."""
        return f" (its name is {self.name!r})" if self.name else ""


def unknown(client: OwnClient, settings: KeycloakSettings) -> bool:
    """Whether nothing says that it is ours: neither the note of who prepared it, nor that it has our secret."""
    return client.attributes.get(MADE_FOR_US) != "true" and client.secret != settings.client_secret.get_secret_value()


def made_for_us() -> dict[str, object]:
    """What a client is told that is ours from now on."""
    return {"attributes": {MADE_FOR_US: "true"}}


def own_client(settings: KeycloakSettings) -> dict[str, object]:
    """A client that opens with its secret, for itself alone."""
    parts = (made_for_us(), _ENABLED, _CONFIDENTIAL, _NO_LOGINS, _NOWHERE, _ALL_RIGHTS, _secret(settings))
    return {name: value for part in parts for name, value in part.items()}


def differences(client: OwnClient, settings: KeycloakSettings) -> Iterator[tuple[str, dict[str, object]]]:
    """Each thing that is not as it must be: what is done about it, and what Keycloak is told then."""
    if not client.enabled:
        yield "enable", _ENABLED
    secret_opens_it = client.authenticator == _CONFIDENTIAL["clientAuthenticatorType"]
    if client.public or client.bearer_only or not client.has_service_account or not secret_opens_it:
        yield "make it confidential with a service account", _CONFIDENTIAL
    if client.secret != settings.client_secret.get_secret_value():
        yield "set its secret to that of the settings", _secret(settings)
    if client.standard_flow or client.implicit_flow or client.direct_grants:
        yield "let nobody log in through it", _NO_LOGINS
    if places := [*client.redirects, *client.origins]:
        yield f"take away its redirects and origins ({', '.join(places)})", _NOWHERE
    if not client.has_full_scope:
        yield "let its tokens say all rights of its service account", _ALL_RIGHTS
    if client.attributes.get(MADE_FOR_US) != "true" and not unknown(client, settings):
        yield "note that it is ours", made_for_us()


_ENABLED: dict[str, Any] = {"enabled": True}
_CONFIDENTIAL: dict[str, Any] = {
    "publicClient": False,
    "bearerOnly": False,
    "clientAuthenticatorType": "client-secret",
    "serviceAccountsEnabled": True,
}
_NO_LOGINS: dict[str, Any] = {
    "standardFlowEnabled": False,
    "implicitFlowEnabled": False,
    "directAccessGrantsEnabled": False,
}
_NOWHERE: dict[str, Any] = {"redirectUris": [], "webOrigins": []}
_ALL_RIGHTS: dict[str, Any] = {"fullScopeAllowed": True}


def _secret(settings: KeycloakSettings) -> dict[str, object]:
    return {"secret": settings.client_secret.get_secret_value()}
