"""Tokens of a provider on another machine that were ended before their time: it ends no single one, so we do.

For any provider whose system cannot end a token: `add` in `revoke`, ask `has` in `verify`, and `sweep` in `maintain`.
"""

from collections.abc import Awaitable, Collection, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from idp_providers.batching import CoalescedReader
from idp_providers.contract import Host
from idp_providers.self_hosted.database import contract_errors
from idp_providers.self_hosted.revocations import KEPT_LONGER


class Revocations(Protocol):
    """Ended tokens by their ids, the same for all processes of the service."""

    def add(self, token_id: str, expires_at: datetime) -> Awaitable[None]:
        """End a token from now on, in every process. Repeating it does nothing."""
        ...

    def has(self, token_id: str) -> Awaitable[bool]:
        """Whether a token was ended."""
        ...

    def sweep(self, before: datetime) -> Awaitable[None]:
        """Forget tokens that expired before that, some time afterwards."""
        ...


@runtime_checkable
class KeepsRevocations(Protocol):
    """A host without a database that keeps them itself, as the one of the test kit does."""

    @property
    def revocations(self) -> Revocations: ...


def revocations_on(host: Host) -> Revocations:
    """Where ended tokens are kept: in the service's database, or by a host that has none."""
    return host.revocations if isinstance(host, KeepsRevocations) else RevokedTokens(host)


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
        """Forget tokens that expired before, and `KEPT_LONGER` ago."""
        async with self._host.pool.connection() as connection:
            await connection.execute("delete from idp_revoked_tokens where expires_at < %s", (before - KEPT_LONGER,))

    @contract_errors
    async def _read_many(self, token_ids: Collection[str]) -> Mapping[str, bool]:
        async with self._host.pool.connection() as connection:
            cursor = await connection.execute(
                "select jti from idp_revoked_tokens where jti = any(%s)", (list(token_ids),), prepare=True
            )
            return {row["jti"]: True for row in await cursor.fetchall()}
