"""The signing keys at rest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from idp_providers.contract import Host
from idp_providers.errors import IdpConfigurationError, IdpRejectedError
from idp_providers.key_keeping import SigningKeyState
from idp_providers.self_hosted import signing
from idp_providers.self_hosted.database import contract_errors
from idp_providers.self_hosted.rotation import (
    KeyRecord,
    KeyState,
    Rotation,
    RotationPolicy,
    due_rotation,
    needed_rotation,
    wanted_rotation,
)
from idp_providers.self_hosted.signing import SigningKey

_LOCK = int.from_bytes(b"idp_keys")


class KeyStore:
    """The table `idp_keys`: at most one key signs, at most one waits, however many replicas start at once."""

    def __init__(self, host: Host, policy: RotationPolicy) -> None:
        self._host = host
        self._policy = policy

    @contract_errors
    async def rows(self) -> list[DictRow]:
        """All keys: the signing one first, then the waiting one, then the retired ones, newest first."""
        async with self._host.pool.connection() as connection:
            cursor = await connection.execute(
                """
                select kid, algorithm, state, private_key, public_jwk from idp_keys
                order by array_position(array['active', 'next', 'retired'], state), published_at desc
                """
            )
            return await cursor.fetchall()

    @contract_errors
    async def ensure(self) -> None:
        """Make the keys that are missing. What is there stays, whatever its age: that is for `rotate`."""
        async with self._alone() as connection:
            await self._apply(connection, needed_rotation(await _records(connection)))

    @contract_errors
    async def rotate(self) -> None:
        """Apply what is due. Replicas take turns; all but the first find nothing left to do."""
        async with self._alone() as connection:
            await self._apply(connection, due_rotation(await _records(connection), self._host.now(), self._policy))

    @contract_errors
    async def rotate_now(self, *, at_once: bool) -> None:
        """Let the waiting key sign. IdpRejectedError if it was not shown long enough, unless `at_once`."""
        policy = replace(self._policy, publication=timedelta(0)) if at_once else self._policy
        async with self._alone() as connection:
            rotation = wanted_rotation(await _records(connection), self._host.now(), policy)
            if rotation is not None:
                await self._apply(connection, rotation)
                return
        raise IdpRejectedError(
            f"The waiting key must be published for {self._policy.publication // timedelta(hours=1)} hours "
            "before it signs: verifiers cache keys."
        )

    @contract_errors
    async def revoke(self, kid: str) -> None:
        """End a key for good, and let another one sign if it was the signing one. IdpRejectedError."""
        async with self._alone() as connection:
            cursor = await connection.execute(
                """
                with gone as (delete from idp_keys where kid = %s returning kid, algorithm, published_at, activated_at)
                insert into idp_revoked_keys (kid, algorithm, published_at, activated_at, revoked_at)
                select *, %s from gone
                """,
                (kid, self._host.now()),
            )
            if not cursor.rowcount and not await _was_revoked(connection, kid):
                raise IdpRejectedError("There is no signing key with this id.")
            await self._apply(connection, needed_rotation(await _records(connection)))

    @contract_errors
    async def states(self) -> list[SigningKeyState]:
        """All keys there are, revoked ones last."""
        async with self._host.pool.connection() as connection:
            cursor = await connection.execute(
                """
                select * from (
                    select kid, algorithm, state, published_at, activated_at, retired_at,
                           null::timestamptz as revoked_at
                    from idp_keys
                    union all
                    select kid, algorithm, 'revoked', published_at, activated_at, null, revoked_at
                    from idp_revoked_keys
                ) as key
                order by state = 'revoked', state = 'retired', state = 'next', published_at desc
                """
            )
            return [SigningKeyState(**row) for row in await cursor.fetchall()]

    def unsealed(self, row: DictRow) -> SigningKey:
        """The private key of a row; IdpConfigurationError if no sealing key of the ring opens it."""
        try:
            der = self._host.unseal(row["private_key"], _seal_context(row["kid"]))
        except ValueError:
            der = None
        if der is None:
            raise IdpConfigurationError("No sealing key opens the stored signing key.")
        return signing.private_key(der, row["algorithm"], row["kid"])

    @contract_errors
    async def renew_seals(self) -> None:
        """Bring private keys under the newest sealing key, so that an old one can leave the ring."""
        async with self._host.pool.connection() as connection:
            cursor = await connection.execute("select kid, private_key from idp_keys where private_key is not null")
            for row in await cursor.fetchall():  # two at most
                renewed = self._rewrapped(row)
                if renewed != row["private_key"]:
                    await connection.execute(
                        "update idp_keys set private_key = %s where kid = %s and private_key = %s",
                        (renewed, row["kid"], row["private_key"]),
                    )

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        """A transaction during which nobody else changes keys."""
        async with self._host.pool.connection() as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            yield connection

    def _rewrapped(self, row: DictRow) -> str:
        try:
            return self._host.rewrap(row["private_key"], _seal_context(row["kid"]))
        except ValueError:
            raise IdpConfigurationError("No sealing key opens the stored signing key.") from None

    async def _apply(self, connection: AsyncConnection[DictRow], rotation: Rotation) -> None:
        now = self._host.now()
        await connection.execute("delete from idp_keys where kid = any(%s)", (list(rotation.remove),))
        await connection.execute(
            "update idp_keys set state = 'retired', retired_at = %s, private_key = null where kid = %s",
            (now, rotation.retire),
        )
        await connection.execute(
            "update idp_keys set state = 'active', activated_at = %s where kid = %s", (now, rotation.activate)
        )
        for state in rotation.create:
            await self._create(connection, state)

    async def _create(self, connection: AsyncConnection[DictRow], state: KeyState) -> None:
        pair = await asyncio.to_thread(signing.generate, self._policy.algorithm)
        now = self._host.now()
        await connection.execute(
            """
            insert into idp_keys (kid, algorithm, state, private_key, public_jwk, published_at, activated_at)
            values (%s, %s, %s, %s, %s, %s, %s)
            """,
            (
                pair.kid,
                pair.algorithm,
                state,
                self._host.seal(pair.private_key, _seal_context(pair.kid)),
                Jsonb(pair.public_jwk),
                now,
                now if state is KeyState.ACTIVE else None,
            ),
        )


async def _records(connection: AsyncConnection[DictRow]) -> list[KeyRecord]:
    cursor = await connection.execute(
        "select kid, algorithm, state, published_at, activated_at, retired_at from idp_keys"
    )
    return [KeyRecord(**{**row, "state": KeyState(row["state"])}) for row in await cursor.fetchall()]


async def _was_revoked(connection: AsyncConnection[DictRow], kid: str) -> bool:
    cursor = await connection.execute("select from idp_revoked_keys where kid = %s", (kid,))
    return bool(cursor.rowcount)


def _seal_context(kid: str) -> str:
    return f"idp_keys:private_key:{kid}"
