"""PostgreSQL's errors in the words of the contract, without a secret in them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from db_provisioners.errors import (
    ProvisionerDeniedError,
    ProvisionerError,
    ProvisionerUnavailableError,
    QuotaExceededError,
)

_NO_ROOM = re.compile(r"^53")
_REFUSED = re.compile(r"^(28|42501)")
# Connection lost, transaction rolled back, lock not had, statement cancelled, server going down or coming up,
# and "tuple concurrently updated", which has no code of its own.
_PASSING = re.compile(r"^(08|25P0|40|55|57|XX000)")

# libpq does not hand over the SQLSTATE of a refused connection, so its sentence must do.
_LOGIN_REFUSED = re.compile(
    r"authentication failed|no pg_hba\.conf entry|not permitted to log in|role \".*\" does not exist"
    r"|permission denied for database|database \".*\" does not exist"
)
_ADDRESS = re.compile(r"^(?:connection failed: )?connection to server at .*? failed: (?:FATAL:\s+)?", re.DOTALL)
_SERVER_FULL = re.compile(r"too many clients|connection slots|too many connections")


@contextmanager
def translated() -> Iterator[None]:
    """Raise the contract's error in place of psycopg's; the original is cut off, for it may quote a statement."""
    try:
        yield
    except psycopg.Error as error:
        raise _translation(error) from None


def sentence(error: psycopg.Error) -> str:
    """The server's own first sentence, without details, context or the statement."""
    said = error.diag.message_primary or _ADDRESS.sub("", str(error)).strip().split("\n", maxsplit=1)[0]
    return said or type(error).__name__


def _translation(error: psycopg.Error) -> ProvisionerError:
    state = error.sqlstate
    if state is None:
        return _connection_error(sentence(error))
    message = f"PostgreSQL refused: {sentence(error)} (SQLSTATE {state})."
    if _NO_ROOM.match(state):
        return QuotaExceededError(message)
    if _REFUSED.match(state):
        return ProvisionerDeniedError(message)
    if _PASSING.match(state):
        return ProvisionerUnavailableError(message)
    return ProvisionerError(message)


def _connection_error(said: str) -> ProvisionerError:
    if _SERVER_FULL.search(said):
        return QuotaExceededError(f"PostgreSQL has no connection left: {said}.")
    if _LOGIN_REFUSED.search(said):
        return ProvisionerDeniedError(f"PostgreSQL refuses the login: {said}.")
    return ProvisionerUnavailableError(f"PostgreSQL does not answer: {said}.")
