"""Proof that this installation made a client or a client scope: a signature over what it is and where."""

from idp_providers.contract import Host
from idp_providers.keycloak.representation import MARKER, StoredClient


class Markers:
    """Signs and recognises what is ours. A marker proves nothing at another client, realm or installation."""

    def __init__(self, host: Host, realm: str) -> None:
        self._host = host
        self._realm = realm

    def of_client(self, client_id: str) -> str:
        return self._host.sign(self._message("client", client_id.lower()))

    def of_scope(self, name: str) -> str:
        return self._host.sign(self._message("scope", name))

    def proves_client(self, client: StoredClient) -> bool:
        return self._proves(self._message("client", client.client_id.lower()), client.attributes.get(MARKER))

    def proves_scope(self, name: str, marker: str | None) -> bool:
        return self._proves(self._message("scope", name), marker)

    def is_newest(self, client: StoredClient) -> bool:
        """Whether its marker is the one that we would make today, not one by an older key."""
        return client.attributes.get(MARKER) == self.of_client(client.client_id)

    def _proves(self, message: bytes, marker: str | None) -> bool:
        return bool(marker) and self._host.signed(message, str(marker))

    def _message(self, kind: str, name: str) -> bytes:
        return f"keycloak\0{self._host.installation}\0{kind}\0{self._realm}\0{name}".encode()
