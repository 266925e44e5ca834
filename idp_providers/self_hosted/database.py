"""What the database says, in the terms of the contract."""

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from psycopg import DataError, Error, IntegrityError, OperationalError
from psycopg.errors import RaiseException, UniqueViolation

from idp_providers.errors import ClientAlreadyExistsError, IdpError, IdpRejectedError, IdpUnavailableError

LONGEST_CLIENT_ID = 256

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def contract_errors(call: Callable[Arguments, Awaitable[Answer]]) -> Callable[Arguments, Awaitable[Answer]]:
    """Let `call` raise the contract's errors only.

    They are raised outside the handler, so that they do not carry psycopg's error as context: the detail of a
    violated constraint quotes the whole row.
    """

    @wraps(call)
    async def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        try:
            return await call(*args, **kwargs)
        except (Error, UnicodeEncodeError) as error:
            failure = _translated(error)
        raise failure

    return guarded


def can_be_client_id(text: str) -> bool:
    """Whether a client of this id can exist. One key that PostgreSQL refuses would spoil a shared read for all."""
    return 0 < len(text) <= LONGEST_CLIENT_ID and is_storable(text)


def is_storable(text: str) -> bool:
    """Whether PostgreSQL takes this text."""
    return not _UNSTORABLE.search(text)


def _translated(error: Error | UnicodeEncodeError) -> IdpError:
    if isinstance(error, UniqueViolation):
        return ClientAlreadyExistsError("A client with this id exists.")
    if isinstance(error, IntegrityError | DataError | RaiseException | UnicodeEncodeError):
        return IdpRejectedError("The database refuses these values.")
    # Not the statement's fault: no connection, too few resources, requests that met, somebody who intervened.
    if isinstance(error, OperationalError):
        return IdpUnavailableError(f"The database gave no usable answer ({type(error).__name__}).")
    return IdpError(f"The database cannot do what it was asked to ({type(error).__name__}).")
