"""Statements that may outlive a call: CREATE DATABASE and DROP DATABASE.

The server works on when its client is killed, and a big template takes longer than a call should. So such a
statement has a session of its own, named after the database; whoever comes later finds it there.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from psycopg.sql import Composed

from db_provisioners.postgresql.server import Connection, Server

Verb = Literal["create", "drop"]
Check = Callable[[Connection], Awaitable[None]]


def session_name(verb: Verb, database: str) -> str:
    """At most 63 bytes, as PostgreSQL cuts an application_name there."""
    return f"{verb} {database}"


async def is_being_created(administrator: Connection, database: str) -> bool:
    """Whether a session still works on that CREATE DATABASE, whoever started it and whether or not he lives.

    Ask this before looking for the database: a look in the other order misses what appears between the two.
    """
    found = await administrator.execute(
        "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND usename = current_user",
        (session_name("create", database),),
    )
    return await found.fetchone() is not None


@dataclass(eq=False)
class _Run:
    """A statement on its way: queued until it has begun, and the number of calls that wait for its end."""

    task: asyncio.Task[None] = field(init=False)
    begun: bool = False
    waiting: int = 0


class LongStatements:
    """Runs each statement once, however many calls wait for it, and bounds how many of a verb run at a time."""

    def __init__(self, server: Server, *, creates_at_once: int, patience: float) -> None:
        self._server = server
        self._patience = patience
        self._turn: dict[Verb, asyncio.Semaphore] = {
            "create": asyncio.Semaphore(creates_at_once),
            "drop": asyncio.Semaphore(creates_at_once),
        }
        self._runs: dict[str, _Run] = {}

    async def finished(self, verb: Verb, database: str, statement: Composed, *, check: Check | None = None) -> bool:
        """Start the statement or join the one on its way; False when patience ends first. Raises what it raised.

        The check follows the wait for a turn, in the statement's own session. If it raises, nothing is executed.
        """
        name = session_name(verb, database)
        run = self._runs.get(name)
        if run is None:
            run = self._runs[name] = _Run()
            run.task = asyncio.create_task(self._execute(run, verb, name, statement, check), name=name)
        if not await self._ended(name, run):
            return False
        self._forget(name, run)
        run.task.result()
        return True

    async def close(self) -> None:
        tasks = [run.task for run in self._runs.values()]
        self._runs.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ended(self, name: str, run: _Run) -> bool:
        """Wait with patience. The last waiter who is cancelled takes a queued statement back."""
        run.waiting += 1
        try:
            done, _ = await asyncio.wait({run.task}, timeout=self._patience)
        except asyncio.CancelledError:
            if run.waiting == 1 and not run.begun:
                self._forget(name, run)
                run.task.cancel()
            raise
        finally:
            run.waiting -= 1
        return bool(done)

    def _forget(self, name: str, run: _Run) -> None:
        """Unless the name stands for a later run already."""
        if self._runs.get(name) is run:
            del self._runs[name]

    async def _execute(self, run: _Run, verb: Verb, name: str, statement: Composed, check: Check | None) -> None:
        async with self._turn[verb]:
            run.begun = True
            async with self._server.without_limits(name) as session:
                if check:
                    await check(session)
                await session.execute(statement)
