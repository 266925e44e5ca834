"""The 0600 file by which other commands find the running service of a data folder."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from tenant_api.embedded import private_file
from tenant_api.embedded.postmaster import command_line

NAME = "service.json"


@dataclass(frozen=True, kw_only=True)
class Presence:
    """A service that said it was there. A killed one could not take that back, hence `alive`."""

    pid: int
    url: str
    command: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; its number may have gone to another program."""
        return bool(self.command) and command_line(self.pid) == self.command


def announce(folder: Path, url: str) -> None:
    """Say that this process now serves at `url`."""
    presence = Presence(pid=os.getpid(), url=url, command=command_line(os.getpid()))
    private_file.write(folder / NAME, json.dumps(asdict(presence)))


def withdraw(folder: Path) -> None:
    """Take back what was announced. Repeating it does no harm."""
    (folder / NAME).unlink(missing_ok=True)


def read(folder: Path) -> Presence | None:
    """What the last service announced; None when it stopped in good order or never started."""
    try:
        return Presence(**json.loads((folder / NAME).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def running(folder: Path) -> Presence | None:
    """The service that runs on this folder now."""
    presence = read(folder)
    return presence if presence and presence.alive else None
