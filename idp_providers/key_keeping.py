"""What a provider that signs tokens itself may let an operator do about its keys, and about tokens at large."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast, runtime_checkable

from idp_providers.contract import IdentityProvider


@dataclass(frozen=True, kw_only=True)
class SigningKeyState:
    """One key. `state`: next (published, silent), active (signs), retired (verifies), revoked (counts for nothing)."""

    kid: str
    algorithm: str
    state: str
    published_at: datetime
    activated_at: datetime | None = None
    retired_at: datetime | None = None
    revoked_at: datetime | None = None


@runtime_checkable
class SigningKeyKeeper(Protocol):
    """Signing keys in an operator's hands. What is ended here is ended on every replica within a second."""

    async def signing_keys(self) -> Sequence[SigningKeyState]:
        """The signing key first, then the waiting one, retired ones, revoked ones."""
        ...

    async def rotate_signing_key(self, *, at_once: bool = False) -> None:
        """Let the waiting key sign from now on; the old one still verifies its tokens.

        IdpRejectedError if the waiting key was not published long enough for verifiers that cache keys, unless
        `at_once`.
        """
        ...

    async def revoke_signing_key(self, kid: str) -> None:
        """End a key and every token that it signed. If it was the signing one, the waiting one signs instead.

        Repeating it does nothing. IdpRejectedError if there never was such a key.
        """
        ...

    async def end_tokens(self, client_id: str) -> None:
        """End all tokens that a client has; new ones count from a few seconds later on. ClientNotFoundError."""
        ...


def signing_key_keeper(provider: IdentityProvider) -> SigningKeyKeeper | None:
    """The provider as a keeper of its signing keys, if it is one. It may stand behind a guard."""
    calls = ("signing_keys", "rotate_signing_key", "revoke_signing_key", "end_tokens")
    return cast("SigningKeyKeeper", provider) if all(hasattr(provider, call) for call in calls) else None
