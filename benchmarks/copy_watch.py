"""Sees on the server itself how long the CREATE DATABASE inside a create takes."""

import threading
from typing import Self

import psycopg

POLL_SECONDS = 0.0025
COPYING = """
SELECT query_start, clock_timestamp() FROM pg_stat_activity
WHERE state = 'active' AND query LIKE 'CREATE DATABASE%' AND pid <> pg_backend_pid()
"""


class CopyWatch:
    """Looks on from a thread between entering and leaving; only one such statement may run meanwhile.

    It begins before the request is sent, for the work may be done before the answer to the request has arrived.
    """

    def __init__(self, observer: psycopg.Connection) -> None:
        self._observer = observer
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="copy-watch", daemon=True)
        self.seconds: float | None = None
        """From its start to the last sight of it, so short by a look at most; None if it was never seen."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            row = self._observer.execute(COPYING).fetchone()
            if row is not None:
                self.seconds = (row[1] - row[0]).total_seconds()
            elif self.seconds is not None:
                return
