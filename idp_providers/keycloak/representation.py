"""How a client of the contract looks in Keycloak, and the way back."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel, ConfigDict, Field, model_validator

from idp_providers.contract import ClientClaims, ClientSpec, ClientState
from idp_providers.keycloak.settings import KeycloakSettings

MARKER = "tenant-api.marker"
DISPLAY_NAME = "tenant-api.display-name"
HELD_BACK = "tenant-api.held-back"
"""Why a client is disabled: words of DISABLED and UNAPPROVED, for Keycloak knows one switch for both."""
DISABLED, UNAPPROVED = "disabled", "unapproved"
LONGEST_NAME = 255

FIXED: Mapping[str, Any] = {
    "protocol": "openid-connect",
    "clientAuthenticatorType": "client-secret",
    "publicClient": False,
    "bearerOnly": False,
    "consentRequired": False,
    "serviceAccountsEnabled": True,
    "authorizationServicesEnabled": False,
    "standardFlowEnabled": False,
    "implicitFlowEnabled": False,
    "directAccessGrantsEnabled": False,
    "fullScopeAllowed": False,
    "redirectUris": [],
    "webOrigins": [],
}
"""What is the same for all clients: their secret opens them, for themselves alone, and for nothing but their scopes."""

_IN_TOKENS = {"access.token.claim": "true", "introspection.token.claim": "true"}
_NOWHERE_ELSE = {"id.token.claim": "false", "userinfo.token.claim": "false"}


class Mapper(BaseModel):
    """What adds something to tokens."""

    model_config = ConfigDict(populate_by_name=True)

    name: str
    kind: str = Field(alias="protocolMapper")
    config: dict[str, str | None] = {}

    def as_json(self) -> dict[str, Any]:
        return {**self.model_dump(by_alias=True), "protocol": "openid-connect"}


class StoredClient(BaseModel):
    """A client as Keycloak answers, reduced to what matters here. Its secret is not read."""

    id: str
    client_id: str = Field(alias="clientId")
    name: str = ""
    enabled: bool = False
    attributes: dict[str, str | None] = {}
    mappers: list[Mapper] = Field(default=[], alias="protocolMappers")
    default_scopes: list[str] = Field(default=[], alias="defaultClientScopes")
    optional_scopes: list[str] = Field(default=[], alias="optionalClientScopes")
    access: dict[str, bool] = {}
    fixed: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _with_fixed(cls, answer: Any) -> Any:
        """Together what `FIXED` names. What a Keycloak does not tell is as it was made."""
        if not isinstance(answer, dict):
            return answer
        return {**answer, "fixed": {name: answer.get(name, made) for name, made in FIXED.items()}}

    @property
    def is_public(self) -> bool:
        """Whether it has no secret: Keycloak forgets that of a client that somebody makes public."""
        return self.fixed["publicClient"] is True


def internal_id(realm: str, client_id: str) -> str:
    """The key under which Keycloak keeps a client of ours: the same for every spelling of its id."""
    return str(uuid5(NAMESPACE_URL, f"tenant-api:keycloak:{realm}:{client_id.lower()}"))


def wanted(spec: ClientSpec, settings: KeycloakSettings, marker: str) -> dict[str, Any]:
    """What Keycloak is told about a client, but for its id, its secret and its scopes."""
    approved = spec.claims is None or spec.claims.approved
    held_back = [*([] if spec.enabled else [DISABLED]), *([] if approved else [UNAPPROVED])]
    return {
        "name": spec.display_name[:LONGEST_NAME],
        "enabled": not held_back,
        **FIXED,
        "attributes": {MARKER: marker, DISPLAY_NAME: spec.display_name, HELD_BACK: " ".join(held_back)},
        "protocolMappers": [mapper.as_json() for mapper in mappers(spec, settings)],
    }


def state(client: StoredClient, *, owned: bool) -> ClientState:
    """What Keycloak holds, in the contract's terms. What was changed by hand shows as it is, not as it was wanted."""
    held_back = (client.attributes.get(HELD_BACK) or "").split()
    approved = client.enabled or UNAPPROVED not in held_back
    enabled = client.enabled or bool(held_back and DISABLED not in held_back)
    scopes = _scopes(client)
    return ClientState(
        client_id=client.client_id,
        display_name=client.attributes.get(DISPLAY_NAME) or client.name,
        role=next((mapper.config.get("role") or "" for mapper in client.mappers if mapper.kind == _ROLE), ""),
        scopes=scopes,
        enabled=enabled,
        owned=owned,
        claims=_claims(client.mappers, scopes, approved=approved),
    )


def held_scopes(spec: ClientSpec) -> tuple[str, ...]:
    """What a client's tokens may say in `scope`."""
    return spec.claims.scopes if spec.claims else spec.scopes


def scope_lists(scopes: Iterable[str]) -> tuple[list[str], list[str]]:
    """Which scopes are in every token, and which only on request.

    One scope is in every token, so that a client may ask for none. Of several, requests can pick some.
    """
    held = list(scopes)
    return (held, []) if len(held) == 1 else ([], held)


_CLAIM = "oidc-hardcoded-claim-mapper"
_ROLE = "oidc-hardcoded-role-mapper"
ALWAYS_THERE = "service_account"
"""The scope that Keycloak gives to every service account by itself; it never shows in `scope`."""


def mappers(spec: ClientSpec, settings: KeycloakSettings) -> list[Mapper]:
    """The claims of the management API contract, sections 3.4 and 3.7.

    The role is a mapper too: it is there as soon as the client is, where assigning it would be another call.
    """
    held = held_scopes(spec)
    role_claim = {
        "claim.name": settings.role_claim.replace(".", r"\."),
        "jsonType.label": "String",
        "multivalued": "true",
    }
    return [
        Mapper(name="Subject", kind="oidc-sub-mapper", config=dict(_IN_TOKENS)),
        Mapper(
            name="Audience",
            kind="oidc-audience-mapper",
            config={"included.custom.audience": settings.audience, **_IN_TOKENS, "id.token.claim": "false"},
        ),
        Mapper(name="Role", kind=_ROLE, config={"role": spec.role}),
        Mapper(
            name="Configuration service role mapper",
            kind="oidc-usermodel-realm-role-mapper",
            config={**role_claim, **_IN_TOKENS, **_NOWHERE_ELSE},
        ),
        _claim("Client ID", "client_id", spec.client_id),
        _claim("Permission", "permission", held[0] if len(held) == 1 else list(held)),
        *(_application_claims(spec.claims) if spec.claims else []),
    ]


def _application_claims(claims: ClientClaims) -> list[Mapper]:
    data_stores = _joined(claims.data_store_ids)
    return [
        _claim("Client Name", "client_name", claims.display_name),
        _claim("Namespace Prefixes", "namespacePrefixes", _joined(claims.namespace_prefixes)),
        _claim("Education Organization Ids", "educationOrganizationIds", _joined(claims.education_organization_ids)),
        *([_claim("Data Store IDs", "dataStoreIds", data_stores)] if data_stores else []),
    ]


def _claim(name: str, claim: str, value: str | list[str]) -> Mapper:
    """A fixed claim. Keycloak leaves out empty text, so that goes as JSON, as lists do."""
    plain = isinstance(value, str) and value != ""
    config: dict[str, str | None] = {
        "claim.name": claim,
        "claim.value": str(value) if plain else json.dumps(value),
        "jsonType.label": "String" if plain else "JSON",
        **_IN_TOKENS,
        **_NOWHERE_ELSE,
    }
    return Mapper(name=name, kind=_CLAIM, config=config)


def _claims(stored: Iterable[Mapper], scopes: tuple[str, ...], *, approved: bool) -> ClientClaims | None:
    values = {mapper.config.get("claim.name"): _text(mapper.config) for mapper in stored if mapper.kind == _CLAIM}
    if "namespacePrefixes" not in values:
        return None
    return ClientClaims(
        scopes=scopes,
        namespace_prefixes=tuple(_parts(values.get("namespacePrefixes"))),
        education_organization_ids=tuple(_numbers(values.get("educationOrganizationIds"))),
        data_store_ids=tuple(_numbers(values.get("dataStoreIds"))),
        approved=approved,
        display_name=values.get("client_name", ""),
    )


def _scopes(client: StoredClient) -> tuple[str, ...]:
    """In the order in which they were wanted, as far as that is known."""
    held = {*client.default_scopes, *client.optional_scopes} - {ALWAYS_THERE}
    known = next((mapper for mapper in client.mappers if mapper.config.get("claim.name") == "permission"), None)
    order = _listed(known.config) if known else []
    return tuple(sorted(held, key=lambda scope: (order.index(scope) if scope in order else len(order), scope)))


def _listed(config: Mapping[str, str | None]) -> list[str]:
    text = config.get("claim.value") or ""
    if config.get("jsonType.label") != "JSON":
        return [text]
    try:
        listed = json.loads(text)
    except ValueError:
        return []
    return [str(scope) for scope in listed] if isinstance(listed, list) else []


def _text(config: Mapping[str, str | None]) -> str:
    text = config.get("claim.value") or ""
    return "" if config.get("jsonType.label") == "JSON" and text == '""' else text


def _joined(values: Iterable[object]) -> str:
    return ",".join(map(str, values))


def _parts(text: str | None) -> list[str]:
    return text.split(",") if text else []


def _numbers(text: str | None) -> list[int]:
    """What somebody wrote there by hand and is no number shows as missing."""
    return [int(part) for part in _parts(text) if part.isascii() and part.isdigit()]
