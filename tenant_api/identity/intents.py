"""Intents as requests write them, inside the transaction of the change that they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, null, or_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.session import driver_connection
from tenant_api.db.tables import IdentityIntent
from tenant_api.identity.clients import Clients, these_clients
from tenant_api.kernel.errors import ConcurrentModificationError

CHANGED: dict[str, Any] = {"version": IdentityIntent.version + 1, "run_after": func.now(), "error": null()}

# Whoever stood still for longer than it held a client may have told the provider of older rows than somebody else did
# meanwhile: the client is due again. An intent outlives its tenant.
NOTE_LOST = """
INSERT INTO identity_intents AS i (client_id, tenant_id)
SELECT lost.client_id, coalesce((SELECT id FROM tenants WHERE id = %(tenant)s FOR KEY SHARE), 0)
FROM unnest(%(clients)s::text[], %(untils)s::timestamptz[]) AS lost (client_id, held_until)
WHERE NOT EXISTS (SELECT FROM identity_intents h
                  WHERE h.client_id = lost.client_id AND h.held_until = lost.held_until)
ORDER BY lost.client_id
ON CONFLICT (client_id) DO UPDATE SET version = i.version + 1, run_after = now(), error = NULL
"""


@dataclass(frozen=True, kw_only=True)
class Hold:
    """A client that is ours to bring in line until the hold ends. A later `version` was changed meanwhile."""

    client_id: str
    version: int
    held_until: datetime
    attempts: int = 0


class IntentRepository:
    """Intents in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def record(self, clients: Clients) -> Sequence[int]:
        """Note that these clients may differ now, in one statement; answers the ids of their tenants."""
        found = clients.subquery()
        client_id, tenant_id = found.c
        noted = insert(IdentityIntent).from_select(
            ["client_id", "tenant_id"],
            # In one order, so that two changes of the same clients wait for each other and never in a circle.
            select(client_id, tenant_id).order_by(client_id),
            include_defaults=False,
        )
        touched = noted.on_conflict_do_update(index_elements=["client_id"], set_=CHANGED)
        tenants = touched.returning(col(IdentityIntent.tenant_id)).cte("touched").c.tenant_id
        return (await self._session.exec(select(tenants).distinct())).all()

    async def try_again(self, tenant_id: int) -> None:
        """Somebody removed what stood in the way: a tenant's clients are due at once."""
        free = (col(IdentityIntent.tenant_id) == tenant_id, col(IdentityIntent.held_until).is_(None))
        await self._session.exec(update(IdentityIntent).where(*free).values(run_after=func.now(), error=null()))

    async def hold(self, client_id: str, tenant_id: int, *, seconds: float) -> Hold:
        """Keep everybody else from calling the provider about a client; ConcurrentModificationError if one does."""
        # Not `now()`: what this transaction waited for before would shorten the hold.
        now = func.clock_timestamp()
        until = now + timedelta(seconds=seconds)
        statement: Any = (
            insert(IdentityIntent)
            .values(client_id=client_id, tenant_id=tenant_id, held_until=until, run_after=until)
            .on_conflict_do_update(
                index_elements=["client_id"],
                set_={"version": IdentityIntent.version + 1, "held_until": until, "run_after": until},
                where=or_(col(IdentityIntent.held_until).is_(None), col(IdentityIntent.held_until) < now),
            )
            .returning(col(IdentityIntent.version), col(IdentityIntent.held_until))
        )
        row = (await self._session.exec(statement)).first()
        if row is None:
            raise ConcurrentModificationError
        return Hold(client_id=client_id, version=row[0], held_until=row[1])

    async def clear(self, hold: Hold, tenant_id: int) -> None:
        """The client is as wanted, unless it was changed meanwhile, is in doubt, or is no longer ours to judge."""
        done = delete(IdentityIntent).where(
            *_held(hold),
            col(IdentityIntent.version) == hold.version,
            or_(col(IdentityIntent.doubtful_until).is_(None), col(IdentityIntent.doubtful_until) < func.now()),
        )
        if (await self._session.exec(done)).rowcount or await self._release(hold):
            return
        lost = {"tenant": tenant_id, "clients": [hold.client_id], "untils": [hold.held_until]}
        await (await driver_connection(self._session)).execute(NOTE_LOST, lost)

    async def give_up(self, hold: Hold, tenant_id: int, *, doubt_seconds: float) -> None:
        """Nobody knows what the provider did, or will do: the client is due now, also for whoever took it up since."""
        await self.record(these_clients([hold.client_id], tenant_id))
        this = update(IdentityIntent).where(col(IdentityIntent.client_id) == hold.client_id)
        await self._session.exec(this.values(doubtful_until=func.now() + timedelta(seconds=doubt_seconds)))
        await self._release(hold)

    async def _release(self, hold: Hold) -> bool:
        """Whether it was still ours."""
        free = update(IdentityIntent).where(*_held(hold)).values(held_until=None)
        return bool((await self._session.exec(free)).rowcount)


def _held(hold: Hold) -> tuple[Any, ...]:
    """A later hold of the same client ends at another time, whatever version it begins with."""
    return (col(IdentityIntent.client_id) == hold.client_id, col(IdentityIntent.held_until) == hold.held_until)
