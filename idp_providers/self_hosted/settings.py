"""What an operator may set about the built-in issuer."""

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Algorithm = Literal["RS256", "PS256", "ES256", "EdDSA"]

LONGEST_TOKEN_LIFETIME = timedelta(days=1)
"""The bound of `token_lifetime_seconds`. Retired keys outlive it, so that shortening the setting strands no token."""


class SelfHostedSettings(BaseModel):
    """Settings of `self_hosted`. `issuer` must be the URL with which data planes are configured, byte by byte.

    A verifier may cache the published keys for `key_publication_hours`; no key signs before it was published
    that long. `access_token_type` is the header `typ`, `at+jwt` as RFC 9068 says. `secret_use_delay_seconds` is how
    late the last use of a secret may be written. `failed_secrets_per_minute` throttles guesses per client; 0 does not.
    `failed_secret_delay_seconds` is when a wrong one is answered, unless its client's id was generated; 0 is at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(default="http://localhost:8081", pattern=r"^https?://\S+$")
    audience: str = Field(default="account", min_length=1)
    algorithm: Algorithm = "RS256"
    token_lifetime_seconds: int = Field(default=1800, ge=60, le=int(LONGEST_TOKEN_LIFETIME.total_seconds()))
    clock_skew_seconds: int = Field(default=300, ge=0, le=3600)
    role_claim: str = Field(default="http://schemas.microsoft.com/ws/2008/06/identity/claims/role", min_length=1)
    key_rotation_days: int = Field(default=90, ge=1, le=3650)
    key_publication_hours: int = Field(default=24, ge=24, le=720)
    access_token_type: Literal["JWT", "at+jwt"] = "JWT"  # noqa: S105 - a header
    secret_maximum_age_days: int | None = Field(default=None, ge=1, le=3650)
    secret_use_delay_seconds: int = Field(default=30, ge=1, le=45)
    failed_secrets_per_minute: int = Field(default=30, ge=0, le=6000)
    failed_secret_delay_seconds: float = Field(default=0.5, ge=0, le=2, allow_inf_nan=False)

    @model_validator(mode="after")
    def _publication_fits_into_rotation(self) -> "SelfHostedSettings":
        if self.key_publication > self.key_rotation:
            raise ValueError("key_publication_hours must not exceed key_rotation_days")
        return self

    @property
    def token_lifetime(self) -> timedelta:
        return timedelta(seconds=self.token_lifetime_seconds)

    @property
    def clock_skew(self) -> timedelta:
        return timedelta(seconds=self.clock_skew_seconds)

    @property
    def key_rotation(self) -> timedelta:
        return timedelta(days=self.key_rotation_days)

    @property
    def secret_maximum_age(self) -> timedelta | None:
        return timedelta(days=self.secret_maximum_age_days) if self.secret_maximum_age_days else None

    @property
    def key_publication(self) -> timedelta:
        return timedelta(hours=self.key_publication_hours)
