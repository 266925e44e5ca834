"""Claims operations and runs several at once, until told to stop."""

import asyncio
import os
import socket
import time
from contextlib import suppress
from uuid import uuid4

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from tenant_api.operations.engine import Engine
from tenant_api.operations.heartbeat import Heartbeat
from tenant_api.operations.plan import Plans
from tenant_api.operations.queue import CHANNEL, Claim, claim, hand_back
from tenant_api.operations.record import LeaseLostError
from tenant_api.web.state import Runtime

logger = structlog.get_logger(__name__)


class Worker:
    """One worker of one process. Several may run anywhere; the database tells them apart."""

    def __init__(self, runtime: Runtime, plans: Plans) -> None:
        self._runtime = runtime
        self._settings = runtime.settings.workers
        self._engine = Engine(runtime, plans)
        self._name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:6]}"
        self._running: dict[asyncio.Task[None], Claim] = {}
        self._wake = asyncio.Event()
        self._heartbeat = Heartbeat(
            runtime.database_url, lease_seconds=self._settings.lease_seconds, lost=self._lost_from_thread
        )
        self._loop = asyncio.get_running_loop()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then hand back what still runs after the drain time."""
        self._heartbeat.start()
        listener = asyncio.create_task(self._listen(), name="operations-listener")
        stopper = asyncio.create_task(self._wake_on(stop))
        try:
            while not stop.is_set():
                self._wake.clear()
                await self._claim()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._settings.poll_seconds)
            await self._drain()
        finally:
            for task in (listener, stopper, *self._running):
                task.cancel()
            await asyncio.gather(listener, stopper, *self._running, return_exceptions=True)
            await asyncio.to_thread(self._heartbeat.stop)

    async def _claim(self) -> None:
        room = self._settings.concurrency - len(self._running)
        if room <= 0:
            return
        since = time.monotonic()
        try:
            claims = await claim(
                self._runtime.pool, worker=self._name, room=room, lease_seconds=self._settings.lease_seconds
            )
        except (psycopg.OperationalError, PoolTimeout) as error:
            logger.warning("worker.claim.failed", error=type(error).__name__)
            return
        self._heartbeat.hold(claims, since)
        for held in claims:
            logger.info("operation.claimed", operation=str(held.id), kind=held.kind, fence=held.fence)
            task = asyncio.create_task(self._work(held), name=f"operation-{held.id}")
            self._running[task] = held
            task.add_done_callback(self._forget)

    async def _work(self, held: Claim) -> None:
        try:
            finished = await self._engine.run(held)
        except LeaseLostError:
            logger.warning("operation.lease_lost", operation=str(held.id))
        except asyncio.CancelledError:
            raise
        except Exception:  # the database went away: the lease runs out and the work is claimed again
            logger.exception("operation.interrupted", operation=str(held.id))
        else:
            if not finished:
                await hand_back(self._runtime.pool, held)
        finally:
            self._heartbeat.release(held)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._wake.set()

    async def _drain(self) -> None:
        """Let running calls come to their next pause; what takes longer is interrupted and handed back."""
        self._engine.draining = True
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=self._settings.drain_seconds)
        for task, held in [(task, self._running[task]) for task in late]:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with suppress(psycopg.Error, PoolTimeout):
                await hand_back(self._runtime.pool, held)

    def _lost_from_thread(self, held: Claim) -> None:
        with suppress(RuntimeError):  # the loop is closed: the process ends anyway
            self._loop.call_soon_threadsafe(self._lost, held)

    def _lost(self, held: Claim) -> None:
        for task, running in self._running.items():
            if running is held:
                logger.warning("operation.lease_lost", operation=str(held.id))
                task.cancel()

    async def _listen(self) -> None:
        """NOTIFY wakes us early; polling finds everything even without it."""
        while True:
            with suppress(psycopg.OperationalError):
                connection = await psycopg.AsyncConnection.connect(
                    self._runtime.database_url, autocommit=True, application_name="tenant-api listener"
                )
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    async for _ in connection.notifies():
                        self._wake.set()
            await asyncio.sleep(self._settings.poll_seconds)

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()
