"""The secrets of clients at rest: hashes with a name and terms, several per client."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from idp_providers.contract import Host, Statements
from idp_providers.errors import SecretNotFoundError, TooManySecretsError
from idp_providers.secret_keeping import MOST_SECRETS, SecretState, SecretTerms
from idp_providers.self_hosted.database import contract_errors

KEYED = "hmac-sha256$"
"""How hashes of generated secrets begin. Only these have a greatest age: chosen ones are set anew by their owner."""

KEPT_AFTER_END = timedelta(days=7)
MOST_ENDED = 50
"""Ended secrets of one client that are kept so long, the newest ones."""

LIVE = f"""
(not_before is null or not_before <= clock_timestamp()) and (expires_at is null or expires_at > clock_timestamp())
and (
    %(maximum_age)s::interval is null or secret.created_at > clock_timestamp() - %(maximum_age)s::interval
    or not starts_with(hash, '{KEYED}')
)
"""
"""Whether a secret counts. The time is the database's: replicas whose clocks differ judge alike."""

_STATE = "id::text as id, label, created_at, not_before, expires_at, last_used_at, starts_with(hash, %s) as keyed"


_REMOVE = """
with gone as (delete from idp_client_secrets where {} returning client_id, hash),
blanked as (
    update idp_clients set secret = '' from gone
    where idp_clients.client_id = gone.client_id and idp_clients.secret = gone.hash
)
select from gone
"""
"""Replicas of the version before read `idp_clients.secret`: a secret that is gone must be gone there too."""

_ENDED_LONG_AGO = """
id in (
    select id from idp_client_secrets where client_id = %(client_id)s and expires_at <= clock_timestamp()
    order by expires_at desc, created_at desc offset %(kept)s
)
"""


@dataclass(frozen=True, kw_only=True)
class StoredSecret:
    """A live secret as a proof meets it."""

    id: str
    hash: str = field(repr=False)

    @property
    def is_keyed(self) -> bool:
        """Whether it was generated, so that checking it costs next to nothing."""
        return self.hash.startswith(KEYED)


class ClientSecrets:
    """The table `idp_client_secrets`, in the caller's unit of work. Client ids are those of `idp_clients`."""

    def __init__(self, host: Host, maximum_age: timedelta | None) -> None:
        self._host = host
        self._maximum_age = maximum_age

    @contract_errors
    async def of(self, client_id: str) -> Sequence[SecretState]:
        """All that are kept, the newest first."""
        async with self._host.connection() as connection:
            cursor = await connection.execute(
                f"select {_STATE} from idp_client_secrets where client_id = %s order by created_at desc, id",  # noqa: S608 - constant columns
                (KEYED, client_id),
            )
            return [self._state(row) for row in await cursor.fetchall()]

    @contract_errors
    async def only(self, client_id: str) -> StoredSecret | None:
        """The one secret of a client that has no other live one, if it counts now and without end."""
        async with self._host.connection() as connection:
            cursor = await connection.execute(
                """
                select id::text as id, hash, not_before is null and expires_at is null as lasting
                from idp_client_secrets
                where client_id = %s and (expires_at is null or expires_at > clock_timestamp()) limit 2
                """,
                (client_id,),
            )
            rows = await cursor.fetchall()
        if len(rows) != 1 or not rows[0].pop("lasting"):
            return None
        return StoredSecret(**rows[0])

    @contract_errors
    async def add(self, client_id: str, hash: str, terms: SecretTerms, overlap: timedelta | None) -> SecretState:
        """One more. Those who add to the same client take turns, so that none exceeds the limit."""
        values = {
            "client_id": client_id,
            "hash": hash,
            "keyed": KEYED,
            "most": MOST_SECRETS,
            "maximum_age": self._maximum_age,
            "overlap": overlap,
            "label": terms.label,
            "not_before": terms.not_before,
            "expires_at": terms.expires_at,
        }
        async with self._host.connection() as connection:
            await _lock(connection, client_id)
            await connection.execute(
                """
                update idp_client_secrets set expires_at = least(
                    expires_at, greatest(clock_timestamp(), %(not_before)s::timestamptz) + %(overlap)s::interval
                )
                where client_id = %(client_id)s and %(overlap)s::interval is not null
                """,
                values,
            )
            await connection.execute(_REMOVE.format(_ENDED_LONG_AGO), {"client_id": client_id, "kept": MOST_ENDED})
            cursor = await connection.execute(
                """
                insert into idp_client_secrets (client_id, hash, label, not_before, expires_at)
                select %(client_id)s, %(hash)s, %(label)s, %(not_before)s, %(expires_at)s
                where %(most)s > (
                    select count(*) from idp_client_secrets as secret
                    where client_id = %(client_id)s and (expires_at is null or expires_at > clock_timestamp())
                    and (
                        %(maximum_age)s::interval is null
                        or secret.created_at > clock_timestamp() - %(maximum_age)s::interval
                        or not starts_with(hash, %(keyed)s)
                    )
                )
                returning id::text as id, label, created_at, not_before, expires_at, last_used_at,
                          starts_with(hash, %(keyed)s) as keyed
                """,
                values,
            )
            row = await cursor.fetchone()
            if row is None:
                # Raised inside, so that the savepoint takes back what happened to the others.
                raise TooManySecretsError(f"The client has {MOST_SECRETS} live secrets already.")
        return self._state(row)

    @contract_errors
    async def remove(self, client_id: str, secret_id: str) -> None:
        """SecretNotFoundError if the client has no such secret."""
        removed = 0
        if _is_uuid(secret_id):
            async with self._host.connection() as connection:
                await _lock(connection, client_id)
                cursor = await connection.execute(_REMOVE.format("client_id = %s and id = %s"), (client_id, secret_id))
                removed = len(await cursor.fetchall())
        if not removed:
            raise SecretNotFoundError("The client has no such secret.")

    @contract_errors
    async def remove_all(self, client_id: str) -> None:
        """For a client that proves itself otherwise."""
        async with self._host.connection() as connection:
            await connection.execute("update idp_clients set secret = '' where client_id = %s", (client_id,))
            await connection.execute("delete from idp_client_secrets where client_id = %s", (client_id,))

    @contract_errors
    async def renew_hash(self, secret: StoredSecret, hash: str) -> None:
        """Store a better hash of the same secret, unless it was replaced meanwhile."""
        async with self._host.pool.connection() as connection, connection.transaction():
            await connection.execute(
                """
                select from idp_clients where client_id = (select client_id from idp_client_secrets where id = %s)
                for update
                """,
                (secret.id,),
            )
            await connection.execute(
                """
                with renewed as (
                    update idp_client_secrets set hash = %(new)s where id = %(id)s and hash = %(old)s
                    returning client_id
                )
                update idp_clients set secret = %(new)s from renewed
                where idp_clients.client_id = renewed.client_id and secret = %(old)s
                """,
                {"new": hash, "old": secret.hash, "id": secret.id},
            )

    @contract_errors
    async def used(self, last_uses: Mapping[str, datetime]) -> Collection[str]:
        """When secrets were last used, in one statement for all. Answers which are left to be written.

        Those are secrets that somebody is changing: waiting for one of them while holding the others could make two
        replicas wait for each other.
        """
        async with self._host.pool.connection() as connection:
            cursor = await connection.execute(
                """
                with use as (select * from unnest(%s::uuid[], %s::timestamptz[]) as use (id, at)),
                free as (
                    select id from idp_client_secrets where id in (select id from use) for no key update skip locked
                ),
                written as (
                    update idp_client_secrets as secret set last_used_at = greatest(last_used_at, use.at)
                    from use join free using (id) where secret.id = use.id returning secret.id
                )
                select id::text as id from idp_client_secrets
                where id in (select id from use) and id not in (select id from written)
                """,
                (list(last_uses), list(last_uses.values())),
            )
            return [row["id"] for row in await cursor.fetchall()]

    @contract_errors
    async def sweep(self) -> None:
        """Write down which reached the greatest age, so that they stay ended whatever it is set to later.

        Then forget those that ended long ago.
        """
        async with self._host.pool.connection() as connection:
            if self._maximum_age:
                await connection.execute(
                    """
                    update idp_client_secrets set expires_at = created_at + %(age)s
                    where created_at <= now() - %(age)s and starts_with(hash, %(keyed)s)
                    and (expires_at is null or expires_at > created_at + %(age)s)
                    """,
                    {"age": self._maximum_age, "keyed": KEYED},
                )
            await connection.execute(_REMOVE.format("expires_at < now() - %s"), (KEPT_AFTER_END,))

    def _state(self, row: Mapping[str, Any]) -> SecretState:
        values = dict(row)
        if values.pop("keyed") and self._maximum_age:
            too_old = values["created_at"] + self._maximum_age
            values["expires_at"] = min(values["expires_at"] or too_old, too_old)
        return SecretState(**values)


async def _lock(connection: Statements, client_id: str) -> None:
    """Those who change the secrets of one client take turns."""
    await connection.execute("select from idp_clients where client_id = %s for update", (client_id,))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
