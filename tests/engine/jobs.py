"""Enqueue operations, read them back, wait for what must happen."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from tenant_api.db.tables import DEFAULT_TENANT_ID, Operation, OperationStep
from tenant_api.operations.repository import OperationRepository
from tenant_api.operations.states import OPEN, State
from tenant_api.web.state import Runtime


async def enqueue(
    runtime: Runtime, kind: str, target: str = "a", *, deadline: timedelta = timedelta(minutes=5), max_attempts: int = 3
) -> UUID:
    async with runtime.sessions.begin() as session:
        operations = OperationRepository(session, DEFAULT_TENANT_ID)
        return await operations.enqueue(kind, target, deadline=deadline, max_attempts=max_attempts)


async def read(runtime: Runtime, operation_id: UUID) -> Operation:
    async with runtime.sessions() as session:
        found = await OperationRepository(session, DEFAULT_TENANT_ID).find(operation_id)
    assert found is not None
    return found


async def steps(runtime: Runtime, operation_id: UUID) -> list[OperationStep]:
    async with runtime.sessions() as session:
        return (await OperationRepository(session, DEFAULT_TENANT_ID).steps_of([operation_id]))[operation_id]


async def ended(runtime: Runtime, operation_id: UUID) -> Operation:
    """The operation once it has ended."""
    await until(lambda: _has_ended(runtime, operation_id))
    return await read(runtime, operation_id)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    give_up = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < give_up, "waited too long"
        await asyncio.sleep(0.02)


async def _has_ended(runtime: Runtime, operation_id: UUID) -> bool:
    return State((await read(runtime, operation_id)).state) not in OPEN
