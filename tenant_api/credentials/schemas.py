"""Secrets and public keys of API clients on the wire."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field, TypeAdapter, ValidationError

from idp_providers.secret_keeping import SecretState
from tenant_api.web.rules import MaxLength
from tenant_api.web.wire import Int32, ReadModel, Text, WriteModel, like

LONGEST_LABEL = 100
LONGEST_OVERLAP = 30 * 24 * 3600

_MOMENT = TypeAdapter(datetime)
_EXAMPLE = {
    "id": "5b5c1c0e-6c0f-4f0e-9a5c-0d6a3f7d9d5e",
    "label": "autumn",
    "createdAt": "2026-09-01T06:00:00Z",
    "notBefore": None,
    "expiresAt": "2027-09-01T06:00:00Z",
}


@dataclass(frozen=True)
class Moment:
    """A time with its offset, as RFC 3339 writes it."""

    def failures(self, value: Any, label: str) -> Iterator[tuple[str, str]]:
        if value is not None and moment(value) is None:
            yield "", f"'{label}' must be a time with an offset, such as 2026-11-21T14:00:00Z."


@dataclass(frozen=True)
class Between:
    """A number within bounds."""

    least: int
    most: int

    def failures(self, value: Any, label: str) -> Iterator[tuple[str, str]]:
        if value is not None and not self.least <= value <= self.most:
            yield "", f"'{label}' must be between {self.least} and {self.most}."


def moment(text: str | None) -> datetime | None:
    """The time that a text names; None if it names none, or one without an offset."""
    if text is None or not text[:1].isdigit() or "-" not in text:
        return None
    try:
        found = _MOMENT.validate_python(text)
    except ValidationError:
        return None
    return found if found.tzinfo is not None and 1970 < found.year < 9999 else None


class SecretCreate(WriteModel):
    """Body of POST. With `overlapSeconds` it is a rotation: all other secrets end that long after the new one begins.

    Without it the others stay as they are.
    """

    model_config = like({"label": "autumn", "expiresAt": "2027-09-01T06:00:00Z", "overlapSeconds": 86400})

    label: Annotated[Text, MaxLength(LONGEST_LABEL)] = ""
    not_before: Annotated[Text | None, Moment()] = Field(None, json_schema_extra={"format": "date-time"})
    expires_at: Annotated[Text | None, Moment()] = Field(None, json_schema_extra={"format": "date-time"})
    overlap_seconds: Annotated[Int32 | None, Between(0, LONGEST_OVERLAP)] = Field(
        None, description=f"0 to {LONGEST_OVERLAP}."
    )


class SecretRead(ReadModel):
    """A secret without its value. `lastUsedAt` is when it last proved its client, and may be a minute late."""

    model_config = like({**_EXAMPLE, "lastUsedAt": "2026-11-21T14:00:00Z"})

    id: str
    label: str
    created_at: datetime
    not_before: datetime | None
    expires_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, state: SecretState) -> Self:
        return cls(
            id=state.id,
            label=state.label,
            created_at=state.created_at,
            not_before=state.not_before,
            expires_at=state.expires_at,
            last_used_at=state.last_used_at,
        )


class SecretCreatedRead(ReadModel):
    """A new secret: the only body that ever holds its value."""

    model_config = like(
        {
            **_EXAMPLE,
            "key": "0f2a7c1e-5d0b-4f0e-9a3c-2b7d9c4e6a11",
            "secret": "fN)wU1.Ye$9?kQz:7Lm-3Xc^8Rp_2Vb(",
        }
    )

    id: str
    label: str
    created_at: datetime
    not_before: datetime | None
    expires_at: datetime | None
    key: str
    secret: str = Field(repr=False)

    @classmethod
    def of(cls, state: SecretState, key: str, secret: str) -> Self:
        return cls(
            id=state.id,
            label=state.label,
            created_at=state.created_at,
            not_before=state.not_before,
            expires_at=state.expires_at,
            key=key,
            secret=secret,
        )


_KEY = {"kty": "OKP", "crv": "Ed25519", "kid": "2026", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


class KeySetReplace(WriteModel):
    """Body of PUT: public keys (JWK), all of them anew."""

    model_config = like({"keys": [_KEY]})

    keys: list[dict[str, Any]]


class KeySetRead(ReadModel):
    """The public keys that verify assertions of the client."""

    model_config = like({"keys": [_KEY]})

    keys: Sequence[dict[str, Any]]
