"""Clients as rows: changed in the caller's unit of work, read for grants in shared fresh reads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from idp_providers.batching import CoalescedReader
from idp_providers.contract import ClientSpec, ClientState, Host
from idp_providers.errors import ClientNotFoundError
from idp_providers.self_hosted.database import can_be_client_id, contract_errors


@dataclass(frozen=True, kw_only=True)
class Client:
    """A stored client. `managed` means that the host knows its claims; `secret` is a hash of any kind."""

    client_id: str
    secret: str = field(repr=False)
    display_name: str
    role: str
    scopes: tuple[str, ...]
    managed: bool
    enabled: bool

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Client":
        return cls(**{**row, "scopes": tuple(row["scopes"])})

    @property
    def state(self) -> ClientState:
        return ClientState(
            client_id=self.client_id,
            display_name=self.display_name,
            role=self.role,
            scopes=self.scopes,
            enabled=self.enabled,
        )


class ClientStore:
    """The table `idp_clients`. Ids are compared without regard to case and kept as they were first written."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._fresh = CoalescedReader(self._read_many)

    async def insert(self, spec: ClientSpec, secret: str) -> None:
        """ClientAlreadyExistsError if the id is taken."""
        await self._change(
            """
            insert into idp_clients (client_id, secret, display_name, role, scopes, managed, enabled)
            values (%(client_id)s, %(secret)s, %(display_name)s, %(role)s, %(scopes)s, %(managed)s, %(enabled)s)
            """,
            {**_values(spec), "secret": secret},
        )

    async def update(self, spec: ClientSpec) -> None:
        """Everything but the secret and the spelling of the id. ClientNotFoundError."""
        changed = await self._change(
            """
            update idp_clients
            set display_name = %(display_name)s, role = %(role)s, scopes = %(scopes)s, managed = %(managed)s,
                enabled = %(enabled)s, updated_at = now()
            where lower(client_id) = lower(%(client_id)s)
            """,
            _values(spec),
        )
        if not changed:
            raise ClientNotFoundError("No client with this id.")

    async def replace_secret(self, client_id: str, secret: str) -> None:
        """`client_id` as it is spelt here, for hashes are bound to it. ClientNotFoundError."""
        changed = await self._change(
            "update idp_clients set secret = %s, updated_at = now() where client_id = %s",
            (secret, client_id),
        )
        if not changed:
            raise ClientNotFoundError("No client with this id.")

    async def delete(self, client_ids: Collection[str]) -> None:
        """Absent ones are fine."""
        await self._change(
            """
            delete from idp_clients
            where lower(client_id) in (select lower(gone) from unnest(%s::text[]) as gone)
            """,
            (list(client_ids),),
        )

    @contract_errors
    async def find(self, client_id: str) -> Client | None:
        """As the caller's unit of work sees it."""
        if not can_be_client_id(client_id):
            return None
        async with self._host.connection() as connection:
            cursor = await connection.execute(
                """
                select client_id, secret, display_name, role, scopes, managed, enabled
                from idp_clients where lower(client_id) = lower(%s)
                """,
                (client_id,),
            )
            row = await cursor.fetchone()
        return Client.of(row) if row else None

    async def current(self, client_id: str) -> Client | None:
        """As committed now, through a read shared with all who ask at the same time."""
        return await self._fresh.read(client_id) if can_be_client_id(client_id) else None

    @contract_errors
    async def renew_hash(self, client: Client, secret: str) -> None:
        """Store a better hash of the same secret, unless the secret was replaced meanwhile."""
        async with self._host.pool.connection() as connection:
            await connection.execute(
                "update idp_clients set secret = %s where client_id = %s and secret = %s",
                (secret, client.client_id, client.secret),
            )

    @contract_errors
    async def _change(self, statement: str, values: Any) -> int:
        async with self._host.connection() as connection:
            cursor = await connection.execute(statement, values)
        return cursor.rowcount

    @contract_errors
    async def _read_many(self, client_ids: Collection[str]) -> Mapping[str, Client]:
        async with self._host.pool.connection() as connection:
            cursor = await connection.execute(
                """
                select asked, client_id, secret, display_name, role, scopes, managed, enabled
                from unnest(%s::text[]) as asked join idp_clients on lower(client_id) = lower(asked)
                """,
                (list(client_ids),),
            )
            rows = await cursor.fetchall()
        return {row.pop("asked"): Client.of(row) for row in rows}


def _values(spec: ClientSpec) -> dict[str, Any]:
    return {
        "client_id": spec.client_id,
        "display_name": spec.display_name,
        "role": spec.role,
        "scopes": list(spec.scopes),
        "managed": spec.claims is not None,
        "enabled": spec.enabled,
    }
