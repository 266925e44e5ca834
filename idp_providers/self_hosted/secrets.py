"""How client secrets are kept: a keyed fast hash for generated ones, a slow one for those that people chose."""

import re

from idp_providers.contract import ClientSecret, Host
from idp_providers.self_hosted.clients import Client
from idp_providers.self_hosted.slow_hashes import SlowHashes, is_argon2id, is_outdated

_KEYED = "hmac-sha256$"
_GENERATED_LENGTH = 32
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_generated_id(client_id: str) -> bool:
    """Whether an id has the form that the service gives to clients of applications."""
    return _GUID.fullmatch(client_id) is not None


class SecretHashes:
    """Makes, judges and renews stored secrets.

    Generated secrets hold about 200 random bits, so a slow hash would add nothing: HMAC-SHA256 under the host's
    pepper, bound to the client's id. Chosen ones get argon2id. PBKDF2 hashes of imported clients are accepted
    and replaced on their first use.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._slow = SlowHashes()
        self._decoy = host.sign(b"")

    def close(self) -> None:
        self._slow.close()

    async def hash(self, client_id: str, secret: ClientSecret) -> str:
        """What to store for a new secret."""
        if secret.chosen:
            return await self._slow.hash(_bytes(secret.value))
        return _KEYED + self._host.sign(_message(client_id, secret.value))

    async def verify(self, client: Client, secret: str) -> bool:
        """Whether it is the client's secret."""
        if client.secret.startswith(_KEYED):
            return self._host.signed(_message(client.client_id, secret), client.secret.removeprefix(_KEYED))
        return await self._slow.verify(_bytes(secret), client.secret)

    async def pretend(self, client_id: str, secret: str) -> None:
        """The work of refusing a wrong secret, for an unknown id: that of the kind which such ids usually have."""
        if is_generated_id(client_id):
            self._host.signed(_message(client_id, secret), self._decoy)
        else:
            await self._slow.pretend(_bytes(secret))

    async def renewed(self, client: Client, secret: str) -> str | None:
        """A better hash of a secret that was just proven, or None if the stored one is as good as it gets.

        Imported hashes do not say whether their secret was generated: those of managed clients always were.
        """
        if client.secret.startswith(_KEYED):
            outdated, chosen = not self._host.is_newest(client.secret.removeprefix(_KEYED)), False
        elif is_argon2id(client.secret):
            outdated, chosen = is_outdated(client.secret), True
        else:
            outdated, chosen = True, not (client.managed and len(secret) == _GENERATED_LENGTH)
        return await self.hash(client.client_id, ClientSecret(value=secret, chosen=chosen)) if outdated else None


def _message(client_id: str, secret: str) -> bytes:
    return b"\0".join((b"idp_clients.secret", _bytes(client_id), _bytes(secret)))


def _bytes(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")
