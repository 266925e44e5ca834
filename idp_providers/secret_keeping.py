"""What a provider may do beyond one secret per client: several live ones, with names, terms and dates of use.

Optional. A provider that does it says so in `capabilities` (`multiple_secrets`, and `expiring_secrets` where it keeps
dates) and has these calls; a service asks for the declaration and the calls, never for a provider's name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, cast, runtime_checkable

from idp_providers.contract import ClientSecret, IdentityProvider

MOST_SECRETS = 10
"""Live secrets of one client, those that have not begun included."""


@dataclass(frozen=True, kw_only=True)
class SecretTerms:
    """What holds for a new secret: a name for people, and when it counts. Without dates: from now on, without end."""

    label: str = ""
    not_before: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SecretState:
    """What a provider tells of a secret, never its value.

    `expires_at` is the moment from which it no longer counts, whether by its terms or by a greatest age.
    `last_used_at` is when it last proved its client, at whatever endpoint and whatever was answered then; it may be a
    minute late. None if it never did.
    """

    id: str
    label: str
    created_at: datetime
    not_before: datetime | None
    expires_at: datetime | None
    last_used_at: datetime | None


@runtime_checkable
class SecretKeeper(Protocol):
    """Keeps several secrets per client. Changes belong to the caller's unit of work, like those of clients."""

    async def secrets(self, client_id: str) -> Sequence[SecretState]:
        """All secrets of a client, the newest first. ClientNotFoundError.

        Ended ones are shown for a week; a provider may forget them earlier if there are many.
        """
        ...

    async def add_secret(
        self, client_id: str, secret: ClientSecret, terms: SecretTerms, *, overlap: timedelta | None = None
    ) -> SecretState:
        """One more secret; with `overlap` all others end that long after it begins, unless they end before.

        By the clock that judges secrets: with no overlap the others are over for everybody at once. Not idempotent.
        ClientNotFoundError; TooManySecretsError if the client has `MOST_SECRETS` live ones.
        """
        ...

    async def remove_secret(self, client_id: str, secret_id: str) -> None:
        """End one secret now. ClientNotFoundError, SecretNotFoundError."""
        ...


def secret_keeper(provider: IdentityProvider) -> SecretKeeper | None:
    """The provider as a keeper of several secrets, if it declares and does that.

    It looks for the calls one by one: a provider behind a guard is no instance of anything.
    """
    does = all(hasattr(provider, call) for call in ("secrets", "add_secret", "remove_secret"))
    return cast("SecretKeeper", provider) if provider.capabilities.multiple_secrets and does else None
