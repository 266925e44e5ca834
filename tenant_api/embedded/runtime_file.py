"""The 0600 file by which other commands of this installation find the running server."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tenant_api.embedded import private_file
from tenant_api.embedded.address import ServerAddress

NAME = "runtime.json"


@dataclass(frozen=True, slots=True)
class Runtime:
    address: ServerAddress
    data: Path


def write(folder: Path, runtime: Runtime) -> None:
    private_file.write(folder / NAME, json.dumps({**asdict(runtime.address), "data": str(runtime.data)}))


def read(folder: Path) -> Runtime | None:
    """Return what the last service wrote, which may be of the past; None when it stopped in good order."""
    try:
        content = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Runtime(data=Path(content.pop("data")), address=ServerAddress(**content))


def remove(folder: Path) -> None:
    (folder / NAME).unlink(missing_ok=True)
