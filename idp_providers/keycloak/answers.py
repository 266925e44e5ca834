"""What Keycloak answers, in the terms of the contract."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import httpx2
from keycloak.exceptions import KeycloakError
from pydantic import ValidationError

from idp_providers.errors import (
    ClientAlreadyExistsError,
    ClientNotFoundError,
    IdpDeniedError,
    IdpError,
    IdpRejectedError,
    IdpUnavailableError,
)

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

_NONSENSE = (ValidationError, LookupError, ValueError, TypeError, AttributeError)


def contract_errors(call: Callable[Arguments, Awaitable[Answer]]) -> Callable[Arguments, Awaitable[Answer]]:
    """Let `call` raise the contract's errors only; 404 means that there is no such realm."""
    return _guarding(call, IdpRejectedError("There is no such realm."))


def client_errors(call: Callable[Arguments, Awaitable[Answer]]) -> Callable[Arguments, Awaitable[Answer]]:
    """The same for calls about one client, where 404 means that it is gone."""
    return _guarding(call, ClientNotFoundError("No client with this id."))


def _guarding(
    call: Callable[Arguments, Awaitable[Answer]], missing: IdpError
) -> Callable[Arguments, Awaitable[Answer]]:
    """Errors are raised outside the handler: what they replace carries requests and answers, and with them secrets."""

    @wraps(call)
    async def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        try:
            return await call(*args, **kwargs)
        except KeycloakError as error:
            failure = type(missing)(*missing.args) if error.response_code == 404 else refusal(error.response_code)
        except httpx2.HTTPError as error:
            failure = IdpUnavailableError(f"Keycloak gave no answer ({type(error).__name__}).")
        except _NONSENSE as error:
            failure = IdpError(f"Keycloak's answer has not the expected form ({type(error).__name__}).")
        raise failure

    return guarded


def refusal(status: int | None) -> IdpError:
    """The error that an HTTP status stands for; None where there was no answer."""
    match status:
        case None:
            return IdpUnavailableError("Keycloak gave no answer.")
        case 400 | 422:
            return IdpRejectedError("Keycloak calls the request wrong.")
        case 401 | 403:
            return IdpDeniedError(f"Keycloak refuses our own client, or its rights do not suffice ({status}).")
        case 404:
            return IdpRejectedError("There is no such realm.")
        case 409:
            return ClientAlreadyExistsError("A client with this id exists.")
        case _ if status == 429 or status >= 500:
            return IdpUnavailableError(f"Keycloak cannot answer now ({status}).")
        case _:
            return IdpError(f"Keycloak answered with the unexpected status {status}.")
