"""Credentials at the identity provider, kept in step with our rows. The secret is shown once, never stored."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.api_clients.issuing_inside import IssuingInside
from tenant_api.api_clients.issuing_outside import Announce, IssuingOutside
from tenant_api.identity.clients import Clients
from tenant_api.web.location import announce_job
from tenant_api.web.state import Connection, Runtime, runtime_of, tenant_of


class Issuing(Protocol):
    """The OAuth clients behind API clients.

    `create` and `renew` come last in a unit of work: with a provider outside our database they end it.
    """

    async def create(self, key: str, *, with_application: bool = False) -> str:
        """Make the client of an API client and answer its secret; BadGatewayError if the provider fails.

        Then the API client is gone again, and its application too if it was made `with_application`.
        """
        ...

    async def renew(self, key: str) -> str:
        """Give a client a new secret; the old one stops working at once. Mends a client that vanished."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove clients whose rows are gone; those that are gone already are no error."""
        ...

    async def changed(self, clients: Clients) -> None:
        """What these clients may do has changed, or is about to, in this unit of work."""
        ...


def issuing_for(connection: Connection, session: AsyncSession) -> Issuing:
    """For a request: a job that completes it is announced in its answer."""
    return issuing_in(session, runtime_of(connection), tenant_of(connection), partial(announce_job, connection))


def issuing_in(
    session: AsyncSession, runtime: Runtime, tenant_id: int, announce: Announce = lambda _job_id: None
) -> Issuing:
    """How this installation's provider is driven, by what it declares."""
    if runtime.idp.capabilities.transactional:
        return IssuingInside(session, runtime)
    return IssuingOutside(session, runtime, tenant_id, announce)
