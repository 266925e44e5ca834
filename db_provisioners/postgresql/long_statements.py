"""Statements that may outlive a call: CREATE DATABASE and DROP DATABASE.

The server works on when its client is killed, and a big template takes longer than a call should. So such a
statement has a session of its own, named after the database; whoever comes later finds it there.
"""

import asyncio
from typing import Literal

from psycopg.sql import Composed

from db_provisioners.postgresql.server import Connection, Server

Verb = Literal["create", "drop"]


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


class LongStatements:
    """Runs each statement once, however many calls wait for it, and bounds how many creates run at a time."""

    def __init__(self, server: Server, *, creates_at_once: int, patience: float) -> None:
        self._server = server
        self._patience = patience
        self._turn: dict[Verb, asyncio.Semaphore] = {
            "create": asyncio.Semaphore(creates_at_once),
            "drop": asyncio.Semaphore(creates_at_once),
        }
        self._running: dict[str, asyncio.Task[None]] = {}

    async def finished(self, verb: Verb, database: str, statement: Composed) -> bool:
        """Start the statement or join the running one; False when patience ends first. Raises what it raised."""
        name = session_name(verb, database)
        task = self._running.get(name)
        if task is None:
            task = self._running[name] = asyncio.create_task(self._run(verb, name, statement), name=name)
        done, _ = await asyncio.wait({task}, timeout=self._patience)
        if not done:
            return False
        self._running.pop(name, None)
        task.result()
        return True

    async def close(self) -> None:
        tasks = list(self._running.values())
        self._running.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, verb: Verb, name: str, statement: Composed) -> None:
        async with self._turn[verb]:
            await self._server.run_alone(name, statement)
