"""A place of root's that an unprivileged account can reach, for what the account cannot reach where it is."""

import stat
from pathlib import Path

from tenant_api.embedded.account import Account
from tenant_api.embedded.errors import EmbeddedServerStartError

DEFAULT = Path("/var/lib/tenant-api")


def first_reachable(account: Account, candidates: tuple[Path, ...]) -> Path:
    """Return the first of these folders, made when missing, that is root's alone to change and open to the account."""
    for place in candidates:
        try:
            place.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError:
            continue
        if _belongs_to_root(place) and account.can_enter(place):
            return place
    places = " nor ".join(map(str, candidates))
    raise EmbeddedServerStartError(f"Neither {places} is a folder of root's that the server's account can enter.")


def _belongs_to_root(place: Path) -> bool:
    status = place.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == 0 and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
