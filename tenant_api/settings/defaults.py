"""Defaults that depend on the machine."""

import os
from collections.abc import Mapping
from pathlib import Path


def data_folder(environ: Mapping[str, str]) -> Path:
    """Where the embedded PostgreSQL keeps its data: the system's place for root, the user's own otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/tenant-api")
    base = Path(environ.get("XDG_DATA_HOME", ""))
    # The XDG specification tells programs to ignore relative paths.
    home = base if base.is_absolute() else Path.home() / ".local" / "share"
    return home / "tenant-api"
