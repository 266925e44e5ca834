"""Renews the leases of running operations from a thread of its own.

A busy event loop must not lose a lease, and a lost lease must stop the work: the time limit is counted from the
start of the last renewal that succeeded.
"""

import threading
import time
from collections.abc import Callable

import psycopg
import structlog

from tenant_api.operations.queue import RENEW, Claim, renewal

logger = structlog.get_logger(__name__)


class Heartbeat:
    """Keeps claims alive. `lost` is called, from this thread, with each claim that is no longer ours."""

    def __init__(self, url: str, *, lease_seconds: float, lost: Callable[[Claim], None]) -> None:
        self._url = url
        self._lease = lease_seconds
        self._lost = lost
        self._held: dict[int, tuple[Claim, float]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._connection: psycopg.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin renewing."""
        self._thread.start()

    def stop(self) -> None:
        """End renewing; blocks until the thread is gone."""
        self._stop.set()
        self._thread.join()

    def hold(self, claims: list[Claim], since: float) -> None:
        """Renew these from now on. `since` is the monotonic time before they were claimed."""
        with self._lock:
            self._held.update({claim.number: (claim, since) for claim in claims})

    def release(self, claim: Claim) -> None:
        """No longer renew this one. A newer claim on the same operation stays held."""
        with self._lock:
            entry = self._held.get(claim.number)
            if entry is not None and entry[0] is claim:
                del self._held[claim.number]

    def _run(self) -> None:
        while not self._stop.wait(self._lease / 3):
            started = time.monotonic()
            with self._lock:
                held = [claim for claim, _ in self._held.values()]
            if held:
                self._settle(self._renew(held), held, started)
        if self._connection is not None:
            self._connection.close()

    def _renew(self, held: list[Claim]) -> set[int] | None:
        """The numbers that are still ours, or None if the database did not say."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(
                    self._url,
                    autocommit=True,
                    prepare_threshold=None,
                    connect_timeout=max(2, int(self._lease)),
                    tcp_user_timeout=int(self._lease * 1000),
                    keepalives_idle=max(1, int(self._lease / 3)),  # a lost answer leaves nothing of ours unacknowledged
                    keepalives_interval=max(1, int(self._lease / 3)),
                    options=f"-c statement_timeout={int(self._lease * 1000)}",
                    application_name="tenant-api heartbeat",
                )
            rows = self._connection.execute(RENEW, renewal(held, self._lease)).fetchall()
            return {row[0] for row in rows}
        except psycopg.Error as error:
            logger.warning("heartbeat.failed", error=type(error).__name__)
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return None

    def _settle(self, renewed: set[int] | None, asked: list[Claim], started: float) -> None:
        gone = []
        with self._lock:
            for claim in asked:
                entry = self._held.get(claim.number)
                if entry is None or entry[0] is not claim:
                    continue
                if renewed is not None and claim.number in renewed:
                    self._held[claim.number] = (claim, started)
                elif renewed is not None or time.monotonic() - entry[1] >= self._lease:
                    gone.append(claim)
                    del self._held[claim.number]
        for claim in gone:
            self._lost(claim)
