"""An exclusive lock that the kernel releases when its holder dies, however it dies."""

import fcntl
import os
import time
from pathlib import Path

from tenant_api.embedded.errors import EmbeddedServerBusyError

POLL_SECONDS = 0.02


class FileLock:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def acquire(self, *, patience_seconds: float = 0) -> int:
        """Take the lock or raise `EmbeddedServerBusyError` naming the holder; return the locked descriptor."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        deadline = time.monotonic() + patience_seconds
        while not _locked(descriptor):
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
                os.close(descriptor)
                raise EmbeddedServerBusyError(
                    f"{self.path.parent} is in use by another service (process {holder or 'unknown'})."
                    " Stop that one first, or choose another data folder."
                )
            time.sleep(POLL_SECONDS)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
