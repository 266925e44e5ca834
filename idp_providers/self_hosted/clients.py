"""Clients as rows: changed in the caller's unit of work, read for grants in shared fresh reads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from idp_providers.batching import CoalescedReader
from idp_providers.contract import ClientSpec, ClientState, Host
from idp_providers.errors import ClientNotFoundError
from idp_providers.self_hosted.client_secrets import LIVE, StoredSecret
from idp_providers.self_hosted.database import can_be_client_id, contract_errors

TOKENS_MARGIN = timedelta(seconds=2)
"""By how much the clock of a replica may be ahead of the database's when the tokens of a client are ended."""

_CURRENT = f"""
select asked, client_id, display_name, role, scopes, managed, enabled, coalesce(keys, '[]') as keys,
       (select kid from idp_keys where state = 'active') as signing_kid,
       (select coalesce(json_agg(json_build_array(secret.id, secret.hash)), '[]')
        from idp_client_secrets as secret where secret.client_id = client.client_id and {LIVE}) as secrets
from unnest(%(asked)s::text[]) as asked
join idp_clients as client on lower(client_id) = lower(asked) and client_id = asked
"""  # noqa: S608 - a constant condition


@dataclass(frozen=True, kw_only=True)
class Client:
    """A stored client. `managed` means that the host knows its claims."""

    client_id: str
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


@dataclass(frozen=True, kw_only=True)
class CurrentClient(Client):
    """A client as it stands now, with all that a grant needs to know: its proofs, and which key signs."""

    secrets: tuple[StoredSecret, ...] = field(repr=False)
    keys: tuple[Mapping[str, Any], ...]
    signing_kid: str | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "CurrentClient":
        return cls(
            **{
                **row,
                "scopes": tuple(row["scopes"]),
                "keys": tuple(row["keys"]),
                "secrets": tuple(StoredSecret(id=id, hash=hash) for id, hash in row["secrets"]),
            }
        )


class ClientStore:
    """The table `idp_clients`. Ids that differ in case alone are one id, kept as it was first written.

    Whoever wants a token spells it exactly so.
    """

    def __init__(self, host: Host, secret_maximum_age: timedelta | None = None) -> None:
        self._host = host
        self._maximum_age = secret_maximum_age
        self._fresh = CoalescedReader(self._read_many)

    async def insert(self, spec: ClientSpec, secret: str) -> None:
        """With this hash as its one secret, or with none. ClientAlreadyExistsError if the id is taken."""
        await self._change(
            """
            insert into idp_clients (client_id, secret, display_name, role, scopes, managed, enabled)
            values (%(client_id)s, %(secret)s, %(display_name)s, %(role)s, %(scopes)s, %(managed)s, %(enabled)s)
            """,
            {**_values(spec), "secret": secret},
        )

    async def update(self, spec: ClientSpec) -> None:
        """Everything but the secrets and the spelling of the id. ClientNotFoundError."""
        changed = await self._change(
            """
            update idp_clients
            set display_name = %(display_name)s, role = %(role)s, scopes = %(scopes)s, managed = %(managed)s,
                enabled = %(enabled)s, updated_at = now()
            where lower(client_id) = lower(%(client_id)s)
            """,
            _values(spec),
        )
        _require(changed)

    async def replace_secret(self, client_id: str, secret: str) -> None:
        """The one secret from now on. `client_id` as it is spelt here: hashes are bound to it. ClientNotFoundError."""
        changed = await self._change(
            "update idp_clients set secret = %s, updated_at = now() where client_id = %s", (secret, client_id)
        )
        _require(changed)

    async def end_tokens(self, client_id: str) -> None:
        """Tokens that were issued before now count no longer. ClientNotFoundError.

        Now is the database's, which all replicas share, and `TOKENS_MARGIN` more for those whose clocks are ahead.
        """
        changed = await self._change(
            "update idp_clients set tokens_since = clock_timestamp() + %s where lower(client_id) = lower(%s)",
            (TOKENS_MARGIN, client_id),
        )
        _require(changed)

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
                select client_id, display_name, role, scopes, managed, enabled
                from idp_clients where lower(client_id) = lower(%s)
                """,
                (client_id,),
            )
            row = await cursor.fetchone()
        return Client.of(row) if row else None

    async def known(self, client_id: str) -> Client:
        """As `find`; ClientNotFoundError."""
        client = await self.find(client_id)
        if client is None:
            raise ClientNotFoundError("No client with this id.")
        return client

    async def current(self, client_id: str) -> CurrentClient | None:
        """The client of exactly this id as committed now, through a read shared with all who ask at the same time."""
        return await self._fresh.read(client_id) if can_be_client_id(client_id) else None

    @contract_errors
    async def _change(self, statement: str, values: Any) -> int:
        async with self._host.connection() as connection:
            cursor = await connection.execute(statement, values)
        return cursor.rowcount

    @contract_errors
    async def _read_many(self, client_ids: Collection[str]) -> Mapping[str, CurrentClient]:
        values = {"asked": list(client_ids), "maximum_age": self._maximum_age}
        async with self._host.pool.connection() as connection:
            rows = await (await connection.execute(_CURRENT, values, prepare=True)).fetchall()
        return {row.pop("asked"): CurrentClient.of(row) for row in rows}


def _require(changed: int) -> None:
    if not changed:
        raise ClientNotFoundError("No client with this id.")


def _values(spec: ClientSpec) -> dict[str, Any]:
    return {
        "client_id": spec.client_id,
        "display_name": spec.display_name,
        "role": spec.role,
        "scopes": list(spec.scopes),
        "managed": spec.claims is not None,
        "enabled": spec.enabled,
    }
