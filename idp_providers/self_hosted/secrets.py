"""How client secrets are kept: a keyed fast hash for generated ones, a slow one for those that people chose."""

import re

from idp_providers.contract import ClientSecret, Host
from idp_providers.self_hosted.client_secrets import KEYED, StoredSecret
from idp_providers.self_hosted.clients import CurrentClient
from idp_providers.self_hosted.clock import Clock
from idp_providers.self_hosted.guesses import Guesses
from idp_providers.self_hosted.slow_hashes import SlowHashes, is_argon2id, is_outdated
from idp_providers.self_hosted.throttle import Throttle

_GENERATED_LENGTH = 32
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_generated_id(client_id: str) -> bool:
    """Whether an id has the form that the service gives to clients of applications."""
    return _GUID.fullmatch(client_id) is not None


class SecretHashes:
    """Makes, judges and renews stored secrets.

    Generated secrets hold about 200 random bits, so a slow hash would add nothing: HMAC-SHA256 under the host's
    pepper, bound to the client's id. Chosen ones get argon2id. PBKDF2 hashes of imported clients are accepted
    and replaced on their first use. Wrong guesses at slow ones are throttled per client; fast ones need no guard.
    """

    def __init__(self, host: Host, throttle: Throttle, *, delay_seconds: float = 0, clock: Clock | None = None) -> None:
        clock = clock or Clock()
        self._host = host
        self._slow = SlowHashes(clock)
        self._guesses = Guesses(self._slow, throttle, clock, delay_seconds)
        self._decoy = host.sign(b"")

    def close(self) -> None:
        """Let go of the thread and of all who wait."""
        self._guesses.close()
        self._slow.close()

    async def hash(self, client_id: str, secret: ClientSecret) -> str:
        """What to store. IdpUnavailableError when too many others wait for a slow one."""
        if secret.chosen:
            return await self._slow.hash(_bytes(secret.value))
        return KEYED + self._host.sign(_message(client_id, secret.value))

    async def is_same(self, stored: StoredSecret | None, secret: ClientSecret) -> bool:
        """Whether this is a hash of a chosen secret, made as it would be made today. IdpUnavailableError."""
        if stored is None or not is_argon2id(stored.hash) or is_outdated(stored.hash):
            return False
        return await self._slow.verify(_bytes(secret.value), stored.hash)

    def recognised(self, client: CurrentClient, secret: str) -> StoredSecret | None:
        """The one of the client's secrets that this is, if that can be told at once."""
        given = _bytes(secret)
        for stored in client.secrets:
            if stored.is_keyed and self._matches_keyed(client.client_id, secret, stored.hash):
                return stored
        return next((stored for stored in client.secrets if self._slow.knows(given, stored.hash)), None)

    async def judge(self, client_id: str, client: CurrentClient | None, secret: str) -> StoredSecret | None:
        """The one of the client's secrets that this is, though it was not `recognised`: this may take seconds.

        ThrottledError, IdpUnavailableError. A wrong secret costs the same whether the client is known or not: next to
        nothing where ids are generated, for who can guess neither; elsewhere a delay, whatever was computed meanwhile.
        """
        kept = client.secrets if client else ()
        slow = {stored.hash: stored for stored in kept if not stored.is_keyed}
        if slow or not is_generated_id(client_id):
            found = await self._guesses.judge(client_id, _bytes(secret), list(slow))
            return slow[found] if found else None
        if not kept:
            self._matches_keyed(client_id, secret, self._decoy)
        return None

    async def renewed(self, client: CurrentClient, stored: StoredSecret, secret: str) -> str | None:
        """A better hash of a secret that was just proven, or None if the stored one is as good as it gets.

        Imported hashes do not say whether their secret was generated: those of managed clients always were.
        """
        if stored.is_keyed:
            outdated, chosen = not self._host.is_newest(stored.hash.removeprefix(KEYED)), False
        elif is_argon2id(stored.hash):
            outdated, chosen = is_outdated(stored.hash), True
        else:
            outdated, chosen = True, not (client.managed and len(secret) == _GENERATED_LENGTH)
        return await self.hash(client.client_id, ClientSecret(value=secret, chosen=chosen)) if outdated else None

    def _matches_keyed(self, client_id: str, secret: str, stored: str) -> bool:
        return self._host.signed(_message(client_id, secret), stored.removeprefix(KEYED))


def _message(client_id: str, secret: str) -> bytes:
    return b"\0".join((b"idp_clients.secret", _bytes(client_id), _bytes(secret)))


def _bytes(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")
