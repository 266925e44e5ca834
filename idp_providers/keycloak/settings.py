"""What an operator may set about Keycloak."""

import ssl
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from idp_providers.self_hosted.settings import LONGEST_TOKEN_LIFETIME, SelfHostedSettings

ADMIN_SCOPES = (
    "edfi_admin_api/full_access",
    "edfi_admin_api/readonly_access",
    "edfi_admin_api/authMetadata_readonly_access",
)
SCOPE_NAME = r"^[\x21\x23-\x5B\x5D-\x7E]{1,255}$"
"""What Keycloak takes as the name of a client scope: no blanks, quotation marks or backslashes, ASCII only."""


_trust = cache(ssl.create_default_context)
"""The machine's certificate authorities, read once per process."""


def _words(given: object) -> object:
    """Settings arrive as text: words between blanks."""
    return given.split() if isinstance(given, str) else given


Word = Annotated[str, Field(pattern=SCOPE_NAME)]
Words = Annotated[tuple[Word, ...], BeforeValidator(_words)]


class KeycloakSettings(BaseModel):
    """Settings of `keycloak`.

    `server_url` is the address without `/realms/…`; `issuer` what Keycloak writes into `iss`, where it differs from
    that. `client_id` and `client_secret` belong to a confidential client of the same realm whose service account
    may `manage-clients`. `client_scopes` are scopes that may be used although this installation did not make them;
    `tenant-api idp prepare` makes them. A call fails after `timeout_seconds` without an answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    server_url: str = Field(pattern=r"^https?://[^\s?#]+$")
    realm: str = Field(default="edfi", pattern=r"^[A-Za-z0-9._-]{1,255}$")
    issuer: str | None = Field(default=None, pattern=r"^https?://\S+$")
    client_id: str = Field(default="tenant-api", min_length=1, max_length=239)
    client_secret: SecretStr = Field(min_length=1, max_length=255)
    timeout_seconds: float = Field(default=10.0, gt=0, le=300, allow_inf_nan=False)
    connections: int = Field(default=20, ge=1, le=500)
    verify_tls: bool = True
    ca_file: Path | None = None
    audience: str = Field(default="account", min_length=1)
    role_claim: str = Field(default="http://schemas.microsoft.com/ws/2008/06/identity/claims/role", min_length=1)
    clock_skew_seconds: int = Field(default=300, ge=0, le=3600)
    key_cache_seconds: int = Field(default=300, ge=10, le=86400)
    client_scopes: Words = ADMIN_SCOPES
    roles: Words = ("cms-client", "dms-client")
    token_lifetime_seconds: int = Field(default=1800, ge=60, le=int(LONGEST_TOKEN_LIFETIME.total_seconds()))

    @property
    def server(self) -> str:
        """The address with exactly one slash at its end: paths are joined to it."""
        return f"{self.server_url.rstrip('/')}/"

    @property
    def expected_issuer(self) -> str:
        """What the tokens' `iss` must be."""
        return self.issuer or f"{self.server}realms/{self.realm}"

    @property
    def judgement(self) -> SelfHostedSettings:
        """The rules for tokens, which are the same whoever signs them."""
        return SelfHostedSettings(
            issuer=self.expected_issuer,
            audience=self.audience,
            role_claim=self.role_claim,
            clock_skew_seconds=self.clock_skew_seconds,
        )

    def tls(self) -> Any:
        """The context for connections, or False where certificates are not looked at."""
        if not self.verify_tls:
            return False
        return ssl.create_default_context(cafile=self.ca_file) if self.ca_file else _trust()
