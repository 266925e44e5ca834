"""Clients that registered themselves (RFC 7591), and the tokens with which they manage that (RFC 7592)."""

import logging
from collections.abc import Sequence
from typing import Any

from psycopg.types.json import Jsonb

from idp_providers.authorization_server import RegisteredClient
from idp_providers.contract import Host
from idp_providers.errors import ClientNotFoundError, IdpError, InvalidTokenError
from idp_providers.self_hosted.database import can_be_client_id, contract_errors

log = logging.getLogger(__name__)


class Registrations:
    """The table `idp_registrations` and the keys of clients, in the caller's unit of work."""

    def __init__(self, host: Host) -> None:
        self._host = host

    @contract_errors
    async def insert(self, client: RegisteredClient, access_token: str) -> None:
        """The client is there already, as a row of `idp_clients`."""
        async with self._host.connection() as connection:
            await connection.execute(
                "insert into idp_registrations (client_id, access_token, method) values (%s, %s, %s)",
                (client.client_id, self._host.sign(_message(client.client_id, access_token)), client.method),
            )

    @contract_errors
    async def change(self, client: RegisteredClient) -> None:
        """Another way of proving itself."""
        async with self._host.connection() as connection:
            await connection.execute(
                "update idp_registrations set method = %s where client_id = %s", (client.method, client.client_id)
            )

    @contract_errors
    async def find(self, client_id: str, access_token: str, *, to_change: bool = False) -> RegisteredClient:
        """InvalidTokenError unless there is a registration and this is its token; `to_change` locks it.

        A digest under an older key is renewed, whatever becomes of the caller's unit of work.
        """
        row = None
        if can_be_client_id(client_id):
            async with self._host.connection() as connection:
                if to_change:
                    await connection.execute("select from idp_clients where client_id = %s for update", (client_id,))
                cursor = await connection.execute(
                    """
                    select client.client_id, display_name, role, scopes, method, issued_at, access_token,
                           coalesce(keys, '[]') as keys
                    from idp_registrations join idp_clients as client using (client_id)
                    where client.client_id = %s and enabled
                    """,
                    (client_id,),
                )
                row = await cursor.fetchone()
        digest = row.pop("access_token") if row else ""
        if row is None or not self._host.signed(_message(client_id, access_token), digest):
            raise InvalidTokenError("No registration has this access token.")
        if not self._host.is_newest(digest):
            await self._renew(client_id, access_token, digest)
        return RegisteredClient(**{**row, "scopes": tuple(row["scopes"]), "keys": tuple(row["keys"])})

    async def _renew(self, client_id: str, access_token: str, digest: str) -> None:
        """Housekeeping: it waits for nobody who changes the registration, and its failure costs nobody anything."""
        try:
            await self._replace_digest(client_id, digest, self._host.sign(_message(client_id, access_token)))
        except IdpError as error:
            log.warning("idp.registration_token.not_renewed", extra={"client_id": client_id, "reason": str(error)})

    @contract_errors
    async def _replace_digest(self, client_id: str, old: str, new: str) -> None:
        async with self._host.pool.connection() as connection:
            await connection.execute(
                """
                with free as (
                    select client_id from idp_registrations where client_id = %s and access_token = %s
                    for no key update skip locked
                )
                update idp_registrations set access_token = %s from free
                where idp_registrations.client_id = free.client_id
                """,
                (client_id, old, new),
            )

    @contract_errors
    async def keys(self, client_id: str) -> Sequence[dict[str, Any]]:
        """The public keys of any client. ClientNotFoundError."""
        async with self._host.connection() as connection:
            cursor = await connection.execute(
                "select coalesce(keys, '[]') as keys from idp_clients where lower(client_id) = lower(%s)", (client_id,)
            )
            row = await cursor.fetchone()
        if row is None:
            raise ClientNotFoundError("No client with this id.")
        keys: list[dict[str, Any]] = row["keys"]
        return keys

    @contract_errors
    async def set_keys(self, client_id: str, keys: Sequence[dict[str, Any]]) -> None:
        """Of any client; they were found acceptable. ClientNotFoundError."""
        async with self._host.connection() as connection:
            cursor = await connection.execute(
                "update idp_clients set keys = %s, updated_at = now() where lower(client_id) = lower(%s)",
                (Jsonb(list(keys)) if keys else None, client_id),
            )
        if not cursor.rowcount:
            raise ClientNotFoundError("No client with this id.")


def _message(client_id: str, access_token: str) -> bytes:
    text = f"idp_registrations.access_token\0{client_id}\0{access_token}"
    return text.encode("utf-8", "surrogatepass")
