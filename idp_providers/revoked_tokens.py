"""Tokens of a provider on another machine that were ended before their time: it ends no single one, so we do."""

from collections.abc import Collection, Mapping
from datetime import datetime

from idp_providers.batching import CoalescedReader
from idp_providers.contract import Host
from idp_providers.self_hosted.database import contract_errors


class RevokedTokens:
    """The table `idp_revoked_tokens`, read afresh for every token, in reads that concurrent requests share."""

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

    async def has(self, token_id: str) -> bool:
        return bool(await self._fresh.read(token_id))

    @contract_errors
    async def sweep(self, before: datetime) -> None:
        """Forget tokens that expired before."""
        async with self._host.pool.connection() as connection:
            await connection.execute("delete from idp_revoked_tokens where expires_at < %s", (before,))

    @contract_errors
    async def _read_many(self, token_ids: Collection[str]) -> Mapping[str, bool]:
        async with self._host.pool.connection() as connection:
            cursor = await connection.execute(
                "select jti from idp_revoked_tokens where jti = any(%s)", (list(token_ids),)
            )
            return {row["jti"]: True for row in await cursor.fetchall()}
