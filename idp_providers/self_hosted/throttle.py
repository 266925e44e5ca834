"""Slows down whoever guesses secrets, client by client."""

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass

from idp_providers.errors import ThrottledError

MOST_CLIENTS = 10_000
MOST_SECRETS = 10_000
RESERVED_PER_MINUTE = 10
"""Checks per closed client for secrets that come again."""


@dataclass
class _Level:
    """A bucket that leaks: how full it is, and since when that holds."""

    level: float
    at: float


class Throttle:
    """Counts wrong secrets per client id, known or not, and nothing else: a granted token costs nothing.

    `per_minute` failures may follow each other at once; they are forgotten at that rate. 0 switches it off. While a
    client is closed, a secret that was turned away unchecked and comes again is let through, a few per minute: so
    does the rightful owner, whom this process may never have met; a guesser moves on to the next guess. Secrets are
    told apart by digests. What is counted lives in this process alone, for at most `MOST_CLIENTS` ids and
    `MOST_SECRETS` digests.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._failures: OrderedDict[bytes, _Level] = OrderedDict()
        self._reserves: OrderedDict[bytes, _Level] = OrderedDict()
        self._wrong: OrderedDict[tuple[bytes, bytes], bool] = OrderedDict()

    def admit(self, client_id: str, digest: bytes = b"") -> None:
        """Let a secret be checked; ThrottledError while the client has had too many failures.

        It counts as a failure from now on, until it is forgiven: guesses that arrive together do not slip through.
        """
        if not self._per_minute:
            return
        name = name_of(client_id)
        closed = _level(self._failures, name, self._per_minute) > self._per_minute - 1
        if closed and not self._comes_again(name, digest):
            raise ThrottledError("Too many wrong secrets for this client; try again in a minute.")
        _fill(self._failures, name, self._per_minute)

    def forgive(self, client_id: str) -> None:
        """What was admitted was right, or could not be checked."""
        name = name_of(client_id)
        if name in self._failures:
            level = _level(self._failures, name, self._per_minute)
            self._failures[name] = _Level(max(0.0, level - 1), time.monotonic())

    def found_wrong(self, client_id: str, digest: bytes) -> None:
        """What was admitted was wrong, and will be whenever it comes again."""
        if self._per_minute:
            self._remember(name_of(client_id), digest, wrong=True)

    def _comes_again(self, name: bytes, digest: bytes) -> bool:
        """Whether it was turned away before, was not found wrong since, and the reserve has room for it."""
        wrong = self._wrong.get((name, digest))
        if wrong is None:
            self._remember(name, digest, wrong=False)
        if wrong is not False or _level(self._reserves, name, RESERVED_PER_MINUTE) > RESERVED_PER_MINUTE - 1:
            return False
        _fill(self._reserves, name, RESERVED_PER_MINUTE)
        return True

    def _remember(self, name: bytes, digest: bytes, *, wrong: bool) -> None:
        self._wrong[name, digest] = wrong
        self._wrong.move_to_end((name, digest))
        if len(self._wrong) > MOST_SECRETS:
            self._wrong.popitem(last=False)


def name_of(client_id: str) -> bytes:
    """By which ids are told apart that nobody knows: a few bytes, however long an id somebody made up."""
    return hashlib.sha256(client_id.lower().encode("utf-8", "surrogatepass")).digest()


def _level(levels: OrderedDict[bytes, _Level], name: bytes, per_minute: int) -> float:
    found = levels.get(name)
    if found is None:
        return 0.0
    return max(0.0, found.level - (time.monotonic() - found.at) * per_minute / 60)


def _fill(levels: OrderedDict[bytes, _Level], name: bytes, per_minute: int) -> None:
    levels[name] = _Level(_level(levels, name, per_minute) + 1, time.monotonic())
    levels.move_to_end(name)
    if len(levels) > MOST_CLIENTS:
        levels.popitem(last=False)
