"""What a provider may let an operator see and do about clients of the service itself, registered ones above all.

Optional. Clients of applications are none of its business: those are changed with their rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast, runtime_checkable

from idp_providers.contract import IdentityProvider

MOST_LISTED = 1000


@dataclass(frozen=True, kw_only=True)
class ServiceClient:
    """One client. `method` is how it proves itself if it registered by RFC 7591, None for all others."""

    client_id: str
    display_name: str
    scopes: tuple[str, ...]
    enabled: bool
    created_at: datetime
    method: str | None = None


@runtime_checkable
class ServiceClientKeeper(Protocol):
    """Clients of the service in an operator's hands. Ids are compared without regard to case."""

    async def service_clients(self, *, after: str = "", most: int = MOST_LISTED) -> Sequence[ServiceClient]:
        """Those whose ids follow `after`, in the order of their ids; at most `MOST_LISTED`."""
        ...

    async def enable_service_client(self, client_id: str, *, enabled: bool) -> None:
        """Let it get tokens, or none and end those that it has at once. Repeatable. ClientNotFoundError."""
        ...

    async def delete_service_client(self, client_id: str) -> None:
        """Remove it with its registration and its tokens. ClientNotFoundError."""
        ...


def service_client_keeper(provider: IdentityProvider) -> ServiceClientKeeper | None:
    """The provider as a keeper of the service's clients, if it is one. It may stand behind a guard."""
    calls = ("service_clients", "enable_service_client", "delete_service_client")
    return cast("ServiceClientKeeper", provider) if all(hasattr(provider, call) for call in calls) else None
