"""How the programs of PostgreSQL are run: as the right account, from `/`, with an environment of our own making."""

import os
import subprocess
from pathlib import Path
from typing import Any

from tenant_api.embedded.account import Account

# Nothing of the caller's environment: PGDATA, PGPORT, PGOPTIONS and their like would steer the server.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TZ": "UTC"}


def spawn(account: Account, arguments: list[str], log: Path, **options: Any) -> subprocess.Popen[bytes]:
    """Start a program whose output is added to `log` (0600); it survives us and hears no signal of our terminal."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
            **account.spawn_options,
            **options,
        )
    finally:
        os.close(descriptor)


def run(account: Account, arguments: list[str], log: Path, inherited: int, seconds: float) -> int:
    """Run a program that inherits a descriptor to its end and return its exit status."""
    process = spawn(account, arguments, log, pass_fds=[inherited])
    try:
        return process.wait(seconds)
    finally:
        process.kill()
        process.wait()


def last_words(log: Path) -> str:
    """Return the end of a log for an error message; servers and tools log no statement and no password."""
    return log.read_text(encoding="utf-8", errors="replace")[-1500:].strip()
