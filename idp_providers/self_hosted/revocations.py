"""Which of our tokens no longer count."""

from collections.abc import Collection, Mapping
from datetime import datetime

from idp_providers.batching import CoalescedReader
from idp_providers.contract import Host
from idp_providers.self_hosted.database import contract_errors


class Revocations:
    """The table `idp_revoked_tokens`: a row per token that was ended before its time."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._fresh = CoalescedReader(self._read_many)

    @contract_errors
    async def add(self, token_id: str, expires_at: datetime) -> None:
        """In the caller's unit of work; repeating it does nothing."""
        async with self._host.connection() as connection:
            await connection.execute(
                "insert into idp_revoked_tokens (jti, expires_at) values (%s, %s) on conflict do nothing",
                (token_id, expires_at),
            )

    async def stands(self, token_id: str, client_id: str) -> bool:
        """Whether a token still counts: not revoked, and its client exists and is enabled."""
        return bool(await self._fresh.read((token_id, client_id)))

    @contract_errors
    async def sweep(self, before: datetime) -> int:
        """Forget tokens that expired before; how many there were."""
        async with self._host.pool.connection() as connection:
            cursor = await connection.execute("delete from idp_revoked_tokens where expires_at < %s", (before,))
            return cursor.rowcount

    @contract_errors
    async def _read_many(self, tokens: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], bool]:
        async with self._host.pool.connection() as connection:
            cursor = await connection.execute(
                """
                select token.jti, token.client_id
                from unnest(%s::text[], %s::text[]) as token (jti, client_id)
                join idp_clients as client on lower(client.client_id) = lower(token.client_id) and client.enabled
                where not exists (select from idp_revoked_tokens as revoked where revoked.jti = token.jti)
                """,
                ([jti for jti, _ in tokens], [client_id for _, client_id in tokens]),
            )
            return {(row["jti"], row["client_id"]): True for row in await cursor.fetchall()}
