"""The operating system account that PostgreSQL runs as: our own, or an unprivileged one when we are root."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tenant_api.embedded.errors import EmbeddedServerStartError

UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """`dropped` says that root hands the server over to this account, which then cannot read what root keeps closed."""

    uid: int
    gid: int
    dropped: bool

    @classmethod
    def for_server(cls) -> Self:
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), dropped=False)
        for name in UNPRIVILEGED:
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid, dropped=True)
        names = " nor ".join(UNPRIVILEGED)
        raise EmbeddedServerStartError(f"PostgreSQL refuses to run as root, and there is neither an account {names}.")

    @property
    def spawn_options(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.dropped else {}

    def own(self, path: Path) -> None:
        if self.dropped:
            os.chown(path, self.uid, self.gid)

    def admit(self, folder: Path) -> None:
        """Let the account pass through a folder of root's; it can list nothing there, and the files stay closed."""
        if self.dropped:
            os.chown(folder, -1, self.gid)
            folder.chmod(0o710)

    def can_read(self, path: Path) -> bool:
        wanted = stat.S_IROTH | stat.S_IXOTH if path.is_dir() else stat.S_IROTH
        return self.can_enter(path.parent) and self._granted(path, wanted)

    def can_enter(self, folder: Path) -> bool:
        resolved = folder.resolve()
        return all(self._granted(step, stat.S_IXOTH) for step in (resolved, *resolved.parents))

    def _granted(self, path: Path, wanted: int) -> bool:
        if not self.dropped:
            return True
        # As the kernel decides: the first class that matches counts alone. Supplementary groups are given up.
        status = path.stat()
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return (status.st_mode >> shift) & wanted == wanted
