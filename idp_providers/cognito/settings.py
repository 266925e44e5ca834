"""What an operator may set about Cognito."""

from datetime import timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

SCOPE_CHARACTERS = r"\x21\x23-\x2E\x30-\x5B\x5D-\x7E"
"""What Cognito takes in the name of a scope: ASCII without blanks, quotation marks, slashes and backslashes."""

_ADDRESS = r"^https?://[^\s?#]+$"


class CognitoSettings(BaseModel):
    """Settings of `cognito`.

    `domain_url` is the address of the pool's domain, below which `/oauth2/token` lies. `resource_server` belongs to
    this installation alone: claim sets become its scopes. `parameter_prefix` is where what Cognito cannot hold is kept
    in Parameter Store. Without `access_key_id` the credentials are looked for as every AWS program does. `issuer`,
    `keys_url` and the endpoints differ from what follows from the pool's id only outside the public regions, or behind
    private endpoints. A request fails that needs more than `timeout_seconds` to connect, or again to be answered.
    A round of maintenance that finds more than `orphan_limit` app clients to remove removes none of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    user_pool_id: str = Field(pattern=r"^[a-z0-9-]{1,40}_[0-9A-Za-z]{1,40}$")
    domain_url: str = Field(pattern=_ADDRESS)
    resource_server: str = Field(default="tenant-api", pattern=rf"^[{SCOPE_CHARACTERS}]{{1,100}}$")
    parameter_prefix: str = Field(default="/tenant-api", pattern=r"^(/[A-Za-z0-9_.-]{1,100}){1,5}$")
    parameter_tier: Literal["Standard", "Advanced", "Intelligent-Tiering"] = "Standard"
    access_key_id: str | None = Field(default=None, min_length=1)
    secret_access_key: SecretStr | None = Field(default=None, min_length=1)
    issuer: str | None = Field(default=None, pattern=_ADDRESS)
    keys_url: str | None = Field(default=None, pattern=_ADDRESS)
    cognito_endpoint_url: str | None = Field(default=None, pattern=_ADDRESS)
    parameter_endpoint_url: str | None = Field(default=None, pattern=_ADDRESS)
    timeout_seconds: float = Field(default=5.0, gt=0, le=60, allow_inf_nan=False)
    connections: int = Field(default=20, ge=1, le=200)
    token_lifetime_seconds: int = Field(default=1800, ge=300, le=86400)
    clock_skew_seconds: int = Field(default=300, ge=0, le=3600)
    key_cache_seconds: int = Field(default=300, ge=10, le=86400)
    client_cache_seconds: int = Field(default=60, ge=1, le=3600)
    orphan_grace_seconds: int = Field(default=3600, ge=600, le=604800)
    orphan_limit: int = Field(default=5, ge=0, le=300)

    @model_validator(mode="after")
    def _fits_aws(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key belong together")
        if self.parameter_prefix.lower().startswith(("/aws", "/ssm")):
            raise ValueError("parameter_prefix must not begin with /aws or /ssm")
        return self

    @property
    def region(self) -> str:
        """The ids of pools begin with it."""
        return self.user_pool_id.partition("_")[0]

    @property
    def expected_issuer(self) -> str:
        """What the tokens' `iss` must be."""
        return self.issuer or f"https://cognito-idp.{self.region}.amazonaws.com/{self.user_pool_id}"

    @property
    def keys_address(self) -> str:
        return self.keys_url or f"{self.expected_issuer}/.well-known/jwks.json"

    @property
    def token_address(self) -> str:
        return f"{self.domain_url.rstrip('/')}/oauth2/token"

    @property
    def clock_skew(self) -> timedelta:
        return timedelta(seconds=self.clock_skew_seconds)

    @property
    def orphan_grace(self) -> timedelta:
        return timedelta(seconds=self.orphan_grace_seconds)
