"""The administrator that the service makes for itself when it runs embedded and no clients are configured."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tenant_api.embedded import private_file
from tenant_api.kernel.secrets import generate_client_secret
from tenant_api.settings.tree import EmbeddedSettings

FILE = "administrator.json"


@dataclass(frozen=True, kw_only=True)
class Administrator:
    """What a client needs to administer the service; kept in a 0600 file that the command line reads."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)


def read(file: Path) -> Administrator | None:
    """The administrator in this file, if there is one."""
    try:
        return Administrator(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def prepare(settings: EmbeddedSettings, url: str, secret_length: int) -> tuple[Administrator, bool]:
    """The administrator of this data folder, and whether it is new. Address and id are brought up to date."""
    file = settings.folder / FILE
    known = read(file)
    secret = known.client_secret if known else generate_client_secret(secret_length)
    administrator = Administrator(url=url, client_id=settings.administrator_id, client_secret=secret)
    if administrator != known:
        private_file.write(file, json.dumps(asdict(administrator), indent=2) + "\n")
    return administrator, known is None
