"""The clients of the service itself, as an operator sees them."""

from collections.abc import Sequence
from typing import Any

from idp_providers.client_keeping import MOST_LISTED, ServiceClient
from idp_providers.contract import Host
from idp_providers.errors import ClientNotFoundError
from idp_providers.self_hosted.database import contract_errors


class ServiceClients:
    """Rows of `idp_clients` that no application stands behind, in the caller's unit of work."""

    def __init__(self, host: Host) -> None:
        self._host = host

    @contract_errors
    async def after(self, client_id: str, most: int) -> Sequence[ServiceClient]:
        """Those that follow, in the order of their ids."""
        async with self._host.connection() as connection:
            cursor = await connection.execute(
                """
                select client.client_id, display_name, scopes, enabled, created_at, method
                from idp_clients as client left join idp_registrations using (client_id)
                where not managed and client.client_id > %s order by client.client_id limit %s
                """,
                (client_id, min(most, MOST_LISTED)),
            )
            return [ServiceClient(**{**row, "scopes": tuple(row["scopes"])}) for row in await cursor.fetchall()]

    async def enable(self, client_id: str, *, enabled: bool) -> None:
        """ClientNotFoundError unless there is such a client of the service."""
        await self._change(
            """
            update idp_clients set enabled = %s, updated_at = now()
            where lower(client_id) = lower(%s) and not managed
            """,
            (enabled, client_id),
        )

    async def delete(self, client_id: str) -> None:
        """ClientNotFoundError unless there is such a client of the service."""
        await self._change("delete from idp_clients where lower(client_id) = lower(%s) and not managed", (client_id,))

    @contract_errors
    async def _change(self, statement: str, values: tuple[Any, ...]) -> None:
        async with self._host.connection() as connection:
            cursor = await connection.execute(statement, values)
        if not cursor.rowcount:
            raise ClientNotFoundError("The service has no client of its own with this id.")
