"""Tokens, registration, introspection and discovery on the wire. OAuth spells its members in snake_case."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tenant_api.web.rules import MaxLength, NotEmpty
from tenant_api.web.wire import ReadModel, Text, WriteModel, like

LONGEST_CLIENT_ID = 100
LONGEST_DISPLAY_NAME = 200

TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJvcGVyYXRvciJ9.c2lnbmF0dXJl"  # noqa: S105 - it is of no use
SECRET = "ValidClientSecret1234567890!Abcd"  # noqa: S105 - of nobody
ISSUER = "https://tenant-api.gbisd.example"


class TokenForm(BaseModel):
    """Body of a token request. The client may instead prove itself by HTTP Basic authentication."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "required": ["grant_type"],
            "examples": [
                {
                    "grant_type": "client_credentials",
                    "client_id": "operator",
                    "client_secret": SECRET,
                    "scope": "edfi_admin_api/full_access",
                }
            ],
        },
    )

    grant_type: str = Field("", description="`client_credentials`, in any case.")
    client_id: str = ""
    client_secret: str = Field("", repr=False)
    scope: str = Field("", description="Scopes to ask for, separated by spaces or commas; none means all.")

    def failures(self) -> dict[str, list[str]]:
        """The members that must not be empty and are."""
        needed = {"client_id": self.client_id, "client_secret": self.client_secret, "grant_type": self.grant_type}
        return {name: [f"'{name}' must not be empty."] for name, value in needed.items() if not value.strip()}


class TokenRead(BaseModel):
    """A granted token: exactly these members."""

    model_config = like({"access_token": TOKEN, "expires_in": 1800, "token_type": "Bearer"})

    access_token: str = Field(repr=False)
    expires_in: int
    token_type: str


class RegistrationForm(WriteModel):
    """Body of a registration."""

    model_config = like(
        {"clientId": "grand-bend-operators", "clientSecret": SECRET, "displayName": "Grand Bend operators"}
    )

    client_id: Annotated[Text, NotEmpty(), MaxLength(LONGEST_CLIENT_ID)] = ""
    client_secret: Annotated[Text, NotEmpty()] = Field("", repr=False)
    display_name: Annotated[Text, NotEmpty(), MaxLength(LONGEST_DISPLAY_NAME)] = ""


class RegistrationRead(ReadModel):
    """What a registration is answered with."""

    model_config = like({"title": "Registered client grand-bend-operators successfully.", "status": 200})

    title: str
    status: int = 200


class PresentedTokenForm(BaseModel):
    """Body of introspection and revocation."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"required": ["token"], "examples": [{"token": TOKEN}]})

    token: str = Field("", repr=False)


class InactiveTokenRead(BaseModel):
    """A token that does not count, for whatever reason."""

    model_config = like({"active": False})

    active: Literal[False] = False


class ActiveTokenRead(BaseModel):
    """A token that counts. Times are texts, as clients of this contract expect."""

    model_config = like(
        {
            "active": True,
            "client_id": "operator",
            "scope": "edfi_admin_api/full_access",
            "exp": "1787320000",
            "iat": "1787318200",
            "sub": "operator",
            "aud": "account",
            "iss": ISSUER,
            "token_type": "Bearer",
        }
    )

    active: Literal[True] = True
    client_id: str
    scope: str
    exp: str
    iat: str
    sub: str
    aud: str
    iss: str
    token_type: str = "Bearer"  # noqa: S105 - the scheme's name


class IssuerStatus(ReadModel):
    """Where the issuer is. OpenIddict was the library of another implementation; it is never enabled here."""

    model_config = like(
        {
            "openIddictServerEnabled": False,
            "authority": ISSUER,
            "discoveryEndpoint": f"{ISSUER}/.well-known/openid-configuration",
            "jwksEndpoint": f"{ISSUER}/.well-known/jwks.json",
            "tokenEndpoint": f"{ISSUER}/connect/token",
        }
    )

    open_iddict_server_enabled: bool = False
    authority: str
    discovery_endpoint: str
    jwks_endpoint: str
    token_endpoint: str


class ProviderMetadata(BaseModel):
    """The document that OpenID Connect Discovery defines, with the values that the contract lists (section 1.20)."""

    model_config = like(
        {
            "issuer": ISSUER,
            "token_endpoint": f"{ISSUER}/connect/token",
            "registration_endpoint": f"{ISSUER}/connect/register",
            "introspection_endpoint": f"{ISSUER}/connect/introspect",
            "revocation_endpoint": f"{ISSUER}/connect/revoke",
            "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": ["token"],
            "scopes_supported": [
                "edfi_admin_api/full_access",
                "edfi_admin_api/readonly_access",
                "edfi_admin_api/authMetadata_readonly_access",
            ],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "introspection_endpoint_auth_methods_supported": ["client_secret_basic"],
            "revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "subject_types_supported": ["public"],
        }
    )

    issuer: str
    token_endpoint: str
    registration_endpoint: str
    introspection_endpoint: str
    revocation_endpoint: str
    jwks_uri: str
    grant_types_supported: list[str]
    response_types_supported: list[str]
    scopes_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
    subject_types_supported: list[str]


class KeySet(BaseModel):
    """The public keys (JWK set) with which data planes verify tokens."""

    model_config = like(
        {
            "keys": [
                {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": "0vx7agoebGcQSuuPiLJXZpt", "e": "AQAB"}
            ]
        }
    )

    keys: list[dict[str, Any]]
