"""Which of our tokens no longer count."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from idp_providers.batching import CoalescedReader
from idp_providers.contract import Host
from idp_providers.self_hosted.database import contract_errors

KEPT_LONGER = timedelta(hours=1)
"""Replicas judge the end of a token by their own clocks; one that is this late still finds it revoked."""
CREATION_MARGIN = timedelta(seconds=5)
"""By how much the clock of a replica that signs a client's first token may be late."""


class Presented(NamedTuple):
    """A correctly signed token: its id, its client, the key that signed it, and when, in seconds since 1970."""

    token_id: str
    client_id: str
    kid: str
    issued_at: int


class Revocations:
    """The table `idp_revoked_tokens`: a row per token that was ended before its time.

    Every token is judged by a read that began after it was presented, shared by all that are presented meanwhile:
    what is ended on one replica is ended on all of them.
    """

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

    async def stands(self, token: Presented) -> bool:
        """Whether a token still counts: neither it nor its key was revoked, and its client exists and is enabled.

        It must also be of this client, not of one of the same id that was there before: whoever is made again does
        not bring old tokens back.
        """
        return bool(await self._fresh.read(token))

    @contract_errors
    async def sweep(self, skew: timedelta) -> int:
        """Forget tokens that expired longer ago than a skew and `KEPT_LONGER`; how many there were."""
        async with self._host.pool.connection() as connection:
            cursor = await connection.execute(
                "delete from idp_revoked_tokens where expires_at < now() - %s", (skew + KEPT_LONGER,)
            )
            return cursor.rowcount

    @contract_errors
    async def _read_many(self, tokens: Collection[Presented]) -> Mapping[Presented, bool]:
        async with self._host.pool.connection() as connection:
            cursor = await connection.execute(
                """
                select token.token_id, token.client_id, token.kid, token.issued_at
                from unnest(%s::text[], %s::text[], %s::text[], %s::bigint[])
                    as token (token_id, client_id, kid, issued_at)
                join idp_clients as client on lower(client.client_id) = lower(token.client_id) and client.enabled
                where to_timestamp(token.issued_at) >= coalesce(tokens_since, created_at - %s)
                and exists (select from idp_keys as key where key.kid = token.kid)
                and not exists (select from idp_revoked_tokens as revoked where revoked.jti = token.token_id)
                """,
                [*(list(column) for column in zip(*tokens, strict=True)), CREATION_MARGIN],
                prepare=True,
            )
            return {Presented(**row): True for row in await cursor.fetchall()}
