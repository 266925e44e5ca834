"""Where the cluster of a data folder lives: inside it, or in root's refuge when the server cannot get in there."""

import hashlib
import secrets
import stat
from pathlib import Path

from tenant_api.embedded import private_file, refuge
from tenant_api.embedded.account import Account
from tenant_api.embedded.errors import EmbeddedServerStartError

INSIDE = "cluster"
RECORD = "location"
INTENT = "location.intended"


def existing(folder: Path) -> Path | None:
    """Return the home of the cluster that this folder has, or None before there is one."""
    if home := _written(folder / RECORD):
        if not home.exists():
            raise EmbeddedServerStartError(
                f"The database cluster of {folder} was kept in {home}, which is gone."
                f" Restore it, or delete {folder} to start with an empty one."
            )
        return home
    home = _written(folder / INTENT) or folder / INSIDE
    return home if home.exists() else None


def intended(folder: Path, account: Account, place: Path) -> Path:
    """Decide where a new cluster is to live. Outside the folder, that is written down before anything exists there."""
    if _is_roots_alone(folder):
        account.admit(folder)
    if account.can_enter(folder):
        return folder / INSIDE
    if home := _written(folder / INTENT):
        return home
    clusters = refuge.first_reachable(account, (place,)) / "clusters"
    clusters.mkdir(mode=0o755, exist_ok=True)
    # The random part keeps a folder that was deleted and made again from finding its former cluster.
    home = clusters / f"{hashlib.sha256(bytes(folder)).hexdigest()[:16]}-{secrets.token_hex(4)}"
    private_file.write(folder / INTENT, str(home))
    return home


def confirm(folder: Path) -> None:
    """Turn the intention into the record, now that the cluster is there."""
    if (folder / INTENT).exists():
        (folder / INTENT).rename(folder / RECORD)
        private_file.sync_folder(folder)


def _written(file: Path) -> Path | None:
    return Path(file.read_text(encoding="utf-8")) if file.exists() else None


def _is_roots_alone(folder: Path) -> bool:
    status = folder.stat()
    return status.st_uid == 0 and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
