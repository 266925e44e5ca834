"""What the pool offers to everybody: tokens, at its domain, and its keys."""

from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx2
from pydantic import BaseModel, Field, ValidationError

from idp_providers.cognito.answers import NoAnswerError, status_refusal
from idp_providers.cognito.settings import CognitoSettings
from idp_providers.errors import IdpError, IdpRejectedError, InvalidClientError, UnauthorizedClientError

Kind = TypeVar("Kind", bound=BaseModel)

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class GrantedToken(BaseModel):
    """The members of a token answer that matter here."""

    access_token: str = Field(min_length=1, repr=False)
    expires_in: int = Field(gt=0)


_trust = cache(httpx2.create_ssl_context)
"""The machine's certificate authorities, read once per process."""


class LostScopeError(IdpError):
    """The app client does not hold a scope that was asked for."""


class _Refusal(BaseModel):
    error: str = ""


class _KeySet(BaseModel):
    keys: list[dict[str, Any]]


class HostedEndpoints:
    """Both are outside of AWS's signed API, and reached by HTTP alone."""

    def __init__(self, settings: CognitoSettings) -> None:
        self._token_address = settings.token_address
        self._keys_address = settings.keys_address
        self._http = httpx2.AsyncClient(
            timeout=settings.timeout_seconds,
            verify=_trust(),
            limits=httpx2.Limits(max_connections=settings.connections),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def keys(self) -> list[dict[str, Any]]:
        """The public keys of the pool, with the `alg` and `use` that Cognito's always have."""
        answer = await self._sent("GET", self._keys_address)
        if answer.status_code != httpx2.codes.OK:
            raise _refusal(answer.status_code)
        return _read(_KeySet, answer).keys

    async def grant(self, app_client_id: str, secret: str, scopes: list[str]) -> GrantedToken:
        """A token with these scopes, with all if none are named.

        UnauthorizedClientError where Cognito calls the client wrong: it does not say whether it is the id or the
        secret. InvalidClientError where the client may not ask for tokens. LostScopeError.
        """
        form = {"grant_type": "client_credentials", "client_id": app_client_id, "client_secret": secret}
        form |= {"scope": " ".join(scopes)} if scopes else {}
        answer = await self._sent("POST", self._token_address, content=urlencode(form).encode("ascii"), headers=_FORM)
        if answer.status_code == httpx2.codes.OK:
            return _read(GrantedToken, answer)
        if answer.status_code in {400, 401}:
            match _read(_Refusal, answer).error:
                case "invalid_client":
                    raise UnauthorizedClientError("Wrong client secret.")
                case "unauthorized_client":
                    raise InvalidClientError("The client is disabled.")
                case "invalid_scope" | "invalid_grant":
                    raise LostScopeError("The client has lost a scope at Cognito: it must be updated.")
        raise _refusal(answer.status_code)

    async def _sent(self, method: str, address: str, **content: Any) -> httpx2.Response:
        try:
            return await self._http.request(method, address, **content)
        except (httpx2.HTTPError, RuntimeError) as error:
            failure = NoAnswerError(f"Cognito gave no answer ({type(error).__name__}).")
        raise failure


def _read(kind: type[Kind], answer: httpx2.Response) -> Kind:
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError:
        pass
    raise IdpError("Cognito's answer has not the expected form.")


def _refusal(status: int) -> IdpError:
    if status in {404, 409}:
        return IdpRejectedError(f"The pool's domain or its keys are not at the address of the settings ({status}).")
    return status_refusal(status)
