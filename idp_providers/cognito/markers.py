"""Proof that this installation made a client or an app client: a signature over what it is and where."""

import re
from hashlib import sha256

from idp_providers.cognito.settings import CognitoSettings
from idp_providers.contract import Host

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(rf"tenant-api\.(?P<key>[0-9a-f]{{32}}|{_UUID.pattern})\.(?P<marker>[A-Za-z0-9_=-]+)")


def key_of(client_id: str) -> str:
    """What a client is filed under: the same for every spelling of its id, of characters that AWS takes.

    Ids of applications' clients are UUIDs and stand for themselves; of any other id it is a hash.
    """
    lower = client_id.lower()
    return lower if _UUID.fullmatch(lower) else sha256(lower.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def client_id_in(key: str) -> str | None:
    """The client id that a key was made of, where it still tells."""
    return key if _UUID.fullmatch(key) else None


class Markers:
    """Signs and recognises what is ours. A marker proves nothing at another client, pool or installation.

    That of an app client says where its record is kept, too: whoever looks elsewhere finds no record of it, and must
    not take it for one that nobody needs.
    """

    def __init__(self, host: Host, settings: CognitoSettings) -> None:
        self._host = host
        self._pool = settings.user_pool_id
        self._records = settings.parameter_prefix

    def of_client(self, client_id: str, app_client_id: str) -> str:
        return self._host.sign(self._client(client_id, app_client_id))

    def proves_client(self, client_id: str, app_client_id: str, marker: str) -> bool:
        return self._host.signed(self._client(client_id, app_client_id), marker)

    def is_newest(self, client_id: str, app_client_id: str, marker: str, app_client_name: str) -> bool:
        """Whether both marker and name are those that we would give today, not some by an older key."""
        return (marker, app_client_name) == (self.of_client(client_id, app_client_id), self.app_client_name(client_id))

    def app_client_name(self, client_id: str) -> str:
        """Cognito chooses the ids of app clients and has room for our proof in the name only (128 characters)."""
        key = key_of(client_id)
        return f"tenant-api.{key}.{self._host.sign(self._app_client(key)).replace(':', '=')}"

    def key_in(self, app_client_name: str) -> str | None:
        """Whose app client this is by its name, if the name is one that we gave."""
        named = _NAME.fullmatch(app_client_name)
        if named is None or not self._host.signed(self._app_client(named["key"]), named["marker"].replace("=", ":")):
            return None
        return named["key"]

    def _client(self, client_id: str, app_client_id: str) -> bytes:
        return self._message("client", f"{key_of(client_id)}\0{app_client_id}")

    def _app_client(self, key: str) -> bytes:
        return self._message("app-client", f"{key}\0{self._records}")

    def _message(self, kind: str, what: str) -> bytes:
        return f"cognito\0{self._host.installation}\0{kind}\0{self._pool}\0{what}".encode()
