"""Clients of the service itself from the command line, on its database: who registered, and an end to it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import rich_click as click
from sqlmodel.ext.asyncio.session import AsyncSession

from idp_providers.client_keeping import MOST_LISTED, ServiceClient, ServiceClientKeeper, service_client_keeper
from tenant_api.cli.arguments import MADE_IDS
from tenant_api.cli.opened import opened
from tenant_api.cli.output import Output, json_option
from tenant_api.plugins.unit_of_work import joined
from tenant_api.tenants.clients import TenantClientRepository

Answer = TypeVar("Answer")

COLUMNS = ("clientId", "name", "enabled", "registered", "scopes", "createdAt")


@click.group("oauth-clients")
def oauth_clients() -> None:
    """List, disable, enable and delete clients of the service: those of its settings and those that registered."""


@oauth_clients.command("list")
@click.option("--after", default="", help="Only clients whose ids follow this one.")
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=MOST_LISTED, show_default=True)
@json_option
def list_all(after: str, limit: int, as_json: bool) -> None:
    """List clients in the order of their ids. 'registered' is how one proves itself that registered by RFC 7591."""

    async def read(keeper: ServiceClientKeeper, _session: AsyncSession) -> Sequence[ServiceClient]:
        return await keeper.service_clients(after=after, most=limit)

    Output(as_json).table([_shown(client) for client in _run(read)], COLUMNS)


@oauth_clients.command(context_settings=MADE_IDS)
@click.argument("client_id")
@json_option
def disable(client_id: str, as_json: bool) -> None:
    """Give CLIENT_ID no more tokens, and end those that it has on every replica at once. Repeatable.

    It cannot manage its registration either. A client of the settings is enabled again by the next start.
    """
    _enable(client_id, enabled=False)
    Output(as_json).result({"clientId": client_id, "enabled": False}, f"Disabled {client_id}.")


@oauth_clients.command(context_settings=MADE_IDS)
@click.argument("client_id")
@json_option
def enable(client_id: str, as_json: bool) -> None:
    """Let CLIENT_ID get tokens again. Tokens of before that have not expired count again too. Repeatable."""
    _enable(client_id, enabled=True)
    Output(as_json).result({"clientId": client_id, "enabled": True}, f"Enabled {client_id}.")


@oauth_clients.command(context_settings=MADE_IDS)
@click.argument("client_id")
@json_option
def delete(client_id: str, as_json: bool) -> None:
    """Remove CLIENT_ID with its registration. Its tokens end at once on every replica.

    A client of the settings is made again by the next start. Its tokens of before stay ended, except for those that it
    got less than 5 seconds before that; 'signing-keys end-tokens' ends these too.
    """

    async def remove(keeper: ServiceClientKeeper, session: AsyncSession) -> None:
        await keeper.delete_service_client(client_id)
        await TenantClientRepository(session).remove([client_id])

    _run(remove)
    Output(as_json).result({"clientId": client_id}, f"Deleted {client_id}.")


def _enable(client_id: str, *, enabled: bool) -> None:
    _run(lambda keeper, _session: keeper.enable_service_client(client_id, enabled=enabled))


def _run(act: Callable[[ServiceClientKeeper, AsyncSession], Awaitable[Answer]]) -> Answer:
    """Act in one transaction."""

    async def run() -> Answer:
        async with opened() as runtime:
            keeper = service_client_keeper(runtime.idp)
            if keeper is None:
                raise click.ClickException(f"The identity provider {runtime.idp.name!r} keeps its clients itself.")
            async with runtime.sessions() as session, session.begin():
                with joined(session):
                    return await act(keeper, session)

    return asyncio.run(run())


def _shown(client: ServiceClient) -> dict[str, Any]:
    return {
        "clientId": client.client_id,
        "name": client.display_name,
        "enabled": client.enabled,
        "registered": client.method,
        "scopes": list(client.scopes),
        "createdAt": client.created_at.isoformat(),
    }
