"""OAuth's bodies, members as the RFCs spell them."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from idp_providers.contract import Principal, TokenAnswer
from tenant_api.web.wire import like

ISSUER = "https://tenant-api.gbisd.example"
CLIENT_ID = "0f2a7c1e-5d0b-4f0e-9a3c-2b7d9c4e6a11"
SECRET = "ValidClientSecret1234567890!Abcd"  # noqa: S105 - of nobody
TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJvcGVyYXRvciJ9.c2lnbmF0dXJl"  # noqa: S105 - it is of no use
SCOPE = "edfi_admin_api/readonly_access"


class ClientProofForm(BaseModel):
    """How a client proves itself, unless it uses HTTP Basic authentication."""

    client_id: str = ""
    client_secret: str = Field("", repr=False)
    client_assertion_type: str = Field(
        "", description="`urn:ietf:params:oauth:client-assertion-type:jwt-bearer` (RFC 7523)."
    )
    client_assertion: str = Field("", repr=False, description="A JWT that the client signed.")


class TokenRequestForm(ClientProofForm):
    """Body of a token request (RFC 6749, section 4.4.2)."""

    model_config = ConfigDict(
        json_schema_extra={
            "required": ["grant_type"],
            "examples": [
                {
                    "grant_type": "client_credentials",
                    "scope": SCOPE,
                    "client_id": CLIENT_ID,
                    "client_secret": SECRET,
                }
            ],
        }
    )

    grant_type: str = Field("", description="`client_credentials`.")
    scope: str = Field("", description="Scopes, separated by spaces; none means all that the client holds.")


class OAuthTokenForm(ClientProofForm):
    """Body of introspection and revocation."""

    model_config = ConfigDict(
        json_schema_extra={
            "required": ["token"],
            "examples": [{"token": TOKEN, "client_id": CLIENT_ID, "client_secret": SECRET}],
        }
    )

    token: str = Field("", repr=False)
    token_type_hint: str = Field("", description="Any; there are access tokens only.")


class OAuthErrorRead(BaseModel):
    """A refusal (RFC 6749, section 5.2)."""

    model_config = like({"error": "invalid_client", "error_description": "Client authentication failed."})

    error: str
    error_description: str


class TokenGrantRead(BaseModel):
    """A granted token (RFC 6749, section 5.1)."""

    model_config = like({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 1800, "scope": SCOPE})

    access_token: str = Field(repr=False)
    token_type: str
    expires_in: int
    scope: str

    @classmethod
    def of(cls, answer: TokenAnswer) -> Self:
        return cls(
            access_token=answer.access_token,
            token_type=answer.token_type,
            expires_in=answer.expires_in,
            scope=" ".join(answer.scopes),
        )


class InactiveRead(BaseModel):
    """A token that does not count, or is none of the caller's business (RFC 7662, section 2.2)."""

    model_config = like({"active": False})

    active: Literal[False] = False


class IntrospectionRead(BaseModel):
    """A token that counts (RFC 7662, section 2.2)."""

    model_config = like(
        {
            "active": True,
            "scope": SCOPE,
            "client_id": CLIENT_ID,
            "token_type": "Bearer",
            "exp": 1787301800,
            "iat": 1787300000,
            "sub": CLIENT_ID,
            "aud": "account",
            "iss": ISSUER,
            "jti": "5b5c1c0e-6c0f-4f0e-9a5c-0d6a3f7d9d5e",
        }
    )

    active: Literal[True] = True
    scope: str
    client_id: str
    token_type: str = "Bearer"  # noqa: S105 - the scheme's name
    exp: int
    iat: int
    sub: str
    aud: str | list[str]
    iss: str
    jti: str

    @classmethod
    def of(cls, principal: Principal) -> Self:
        claims = principal.claims
        return cls(
            scope=str(claims.get("scope", "")),
            client_id=principal.client_id,
            exp=int(principal.expires_at.timestamp()),
            iat=int(claims.get("iat", 0)),
            sub=principal.subject,
            aud=claims["aud"],
            iss=claims["iss"],
            jti=principal.token_id,
        )


class ServerMetadata(BaseModel):
    """What a client needs to know of the server (RFC 8414, section 2)."""

    model_config = like(
        {
            "issuer": ISSUER,
            "token_endpoint": f"{ISSUER}/oauth2/token",
            "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
            "scopes_supported": [SCOPE],
            "response_types_supported": ["none"],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
            "introspection_endpoint": f"{ISSUER}/oauth2/introspect",
            "introspection_endpoint_auth_methods_supported": ["client_secret_basic"],
            "introspection_endpoint_auth_signing_alg_values_supported": ["RS256"],
            "revocation_endpoint": f"{ISSUER}/oauth2/revoke",
            "revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
            "revocation_endpoint_auth_signing_alg_values_supported": ["RS256"],
        }
    )

    issuer: str
    token_endpoint: str
    jwks_uri: str
    registration_endpoint: str | None = Field(None, exclude_if=lambda value: value is None)
    scopes_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    token_endpoint_auth_signing_alg_values_supported: list[str]
    introspection_endpoint: str
    introspection_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_signing_alg_values_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_signing_alg_values_supported: list[str]
