"""What a client may say about itself when it registers, and what of it counts (RFC 7591, section 2)."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from idp_providers.authorization_server import AuthenticationMethod, RegisteredClient
from tenant_api.oauth2.errors import invalid_client_metadata
from tenant_api.oauth2.schemas import CLIENT_ID, SCOPE
from tenant_api.oauth2.tokens import CLIENT_CREDENTIALS
from tenant_api.web.wire import like

LONGEST_NAME = 200
UNSHOWABLE = ("Cc", "Cs")
"""Unicode's control characters, which move cursors and end lines, and surrogates, which cannot be stored."""
MOST_KEYS = 10

Strict = Annotated[str, Field(strict=True)]


class JwkSet(BaseModel):
    """Public keys (RFC 7517)."""

    keys: list[dict[str, Any]] = Field(max_length=MOST_KEYS)


class ClientMetadata(BaseModel):
    """Body of a registration. Members that are not listed are ignored, null counts as absent."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"client_name": "Roster reports", "scope": SCOPE}]}, extra="ignore"
    )

    client_name: Annotated[Strict, Field(max_length=LONGEST_NAME)] = ""
    token_endpoint_auth_method: AuthenticationMethod = "client_secret_basic"  # noqa: S105 - the method's name
    grant_types: list[Strict] = [CLIENT_CREDENTIALS]
    response_types: list[Strict] = []
    scope: Strict | None = Field(None, description="Scopes, separated by spaces; none means all that may be had.")
    jwks: JwkSet | None = Field(None, description="Public keys, needed by `private_key_jwt` and by it alone.")
    jwks_uri: Strict | None = Field(None, description="Refused: the server fetches no keys.")

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, body: Any) -> Any:
        return {name: value for name, value in body.items() if value is not None} if isinstance(body, dict) else body

    @classmethod
    def of(cls, body: Any) -> Self:
        """OAuthError names the member that is wrong."""
        try:
            metadata = cls.model_validate(body)
        except (ValidationError, RecursionError) as error:
            place = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ()
            member = str(place[0]) if place else "The body"
            raise invalid_client_metadata(f"{member} cannot be registered with this value.") from None
        metadata.require_consistent()
        return metadata

    def require_consistent(self) -> None:
        """OAuthError unless the members go together and are storable."""
        keyed = self.token_endpoint_auth_method == "private_key_jwt"  # noqa: S105 - the method's name
        if self.grant_types != [CLIENT_CREDENTIALS]:
            raise invalid_client_metadata(f"grant_types can only be {CLIENT_CREDENTIALS}.")
        if self.response_types:
            raise invalid_client_metadata("response_types must be empty: there is no authorization endpoint.")
        if self.jwks_uri is not None:
            raise invalid_client_metadata("jwks_uri is not supported; register jwks.")
        if keyed != bool(self.jwks and self.jwks.keys):
            raise invalid_client_metadata("jwks is needed by private_key_jwt, and by it alone.")
        if any(unicodedata.category(character) in UNSHOWABLE for character in self.client_name):
            raise invalid_client_metadata("client_name holds control characters.")

    def scopes(self, allowed: Sequence[str]) -> tuple[str, ...]:
        """What the client shall hold; OAuthError if it is not to be had."""
        if self.scope is None:
            return tuple(allowed)
        wanted = tuple(dict.fromkeys(self.scope.split(" ")))
        if not set(wanted) <= set(allowed):
            raise invalid_client_metadata(f"scope may hold {' '.join(allowed)}.")
        return wanted

    def client(self, client_id: str, *, role: str, allowed: Sequence[str]) -> RegisteredClient:
        """The client that is asked for."""
        return RegisteredClient(
            client_id=client_id,
            display_name=self.client_name or client_id,
            role=role,
            scopes=self.scopes(allowed),
            method=self.token_endpoint_auth_method,
            keys=tuple(self.jwks.keys) if self.jwks else (),
        )


class ClientUpdate(ClientMetadata):
    """Body of a change: all metadata anew, with the client's id (RFC 7592, section 2.2)."""

    model_config = ConfigDict(
        json_schema_extra={
            "required": ["client_id"],
            "examples": [{"client_id": CLIENT_ID, "client_name": "Roster reports", "scope": SCOPE}],
        }
    )

    client_id: Strict | None = None
    client_secret: Strict | None = Field(None, repr=False, description="The present one, if any; it is not changed.")


KEPT_BY_SERVER = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


def read_update(body: Any, client_id: str) -> ClientUpdate:
    """A change of this client; OAuthError if it is about another one or says what only the server may say."""
    if isinstance(body, dict) and (said := next((name for name in KEPT_BY_SERVER if name in body), None)):
        raise invalid_client_metadata(f"{said} is not for the client to say.")
    update = ClientUpdate.of(body)
    if update.client_id != client_id:
        raise invalid_client_metadata("client_id must be that of the address.")
    return update


class ClientInformation(BaseModel):
    """A registered client (RFC 7591, section 3.2.1). The secret is shown when it is made, and never again."""

    model_config = like(
        {
            "client_id": CLIENT_ID,
            "client_id_issued_at": 1787300000,
            "registration_access_token": "fT8kq1p3cJQm0b5r6H2y9w4uV7xZaB1cD2eF3gH4iJ5",
            "registration_client_uri": f"https://tenant-api.gbisd.example/oauth2/register/{CLIENT_ID}",
            "client_name": "Roster reports",
            "token_endpoint_auth_method": "private_key_jwt",
            "grant_types": ["client_credentials"],
            "response_types": [],
            "scope": SCOPE,
            "jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]},
        }
    )

    client_id: str
    client_secret: str | None = Field(None, repr=False, exclude_if=lambda value: value is None)
    client_secret_expires_at: int | None = Field(None, exclude_if=lambda value: value is None)
    client_id_issued_at: int | None = Field(None, exclude_if=lambda value: value is None)
    registration_access_token: str = Field(repr=False)
    registration_client_uri: str
    client_name: str
    token_endpoint_auth_method: str
    grant_types: list[str]
    response_types: list[str]
    scope: str
    jwks: Mapping[str, Any] | None = Field(None, exclude_if=lambda value: value is None)

    @classmethod
    def of(cls, client: RegisteredClient, access_token: str, address: str) -> Self:
        return cls(
            client_id=client.client_id,
            client_id_issued_at=int(client.issued_at.timestamp()) if client.issued_at else None,
            registration_access_token=access_token,
            registration_client_uri=address,
            client_name=client.display_name,
            token_endpoint_auth_method=client.method,
            grant_types=[CLIENT_CREDENTIALS],
            response_types=[],
            scope=" ".join(client.scopes),
            jwks={"keys": list(client.keys)} if client.keys else None,
        )
