"""What a realm offers to everybody: tokens, its keys, and a description of itself."""

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2
from pydantic import BaseModel, Field, ValidationError

from idp_providers.errors import IdpDeniedError, InvalidClientError, UnauthorizedClientError
from idp_providers.keycloak.answers import contract_errors, refusal
from idp_providers.keycloak.settings import KeycloakSettings

_ODD = (ValueError, LookupError, TypeError)
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What one grant takes: a client's id and secret, or a person's name and password at a public client."""

    client_id: str
    secret: str = field(default="", repr=False)
    user: str | None = None

    def form(self) -> dict[str, str]:
        if self.user is None:
            return {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.secret}
        return {
            "grant_type": "password",
            "client_id": self.client_id,
            "username": self.user,
            "password": self.secret,
        }


class GrantedToken(BaseModel):
    """The members of a token answer that matter here."""

    access_token: str = Field(min_length=1, repr=False)
    expires_in: int = Field(gt=0)

    @property
    def algorithm(self) -> str:
        """By which it is signed, as its header says; empty if it has none that can be read."""
        try:
            header = json.loads(urlsafe_b64decode(self.access_token.partition(".")[0] + "=="))
            return str(header["alg"])
        except _ODD:
            return ""


class _Refusal(BaseModel):
    error: str = ""

    @classmethod
    def said_in(cls, body: bytes) -> str:
        """The error's name; empty where something else than the realm answers, as a gateway before it."""
        try:
            return cls.model_validate_json(body).error
        except ValidationError:
            return ""


class _Description(BaseModel):
    issuer: str


class _KeySet(BaseModel):
    keys: list[dict[str, Any]]


class RealmEndpoints:
    """Paths follow from the server's address as it is set, not from the realm's own description of itself: that
    names public addresses, which may not be reachable from here.
    """

    def __init__(self, settings: KeycloakSettings, realm: str | None = None) -> None:
        self._place = f"{settings.server}realms/{realm or settings.realm}/"
        self._http = httpx2.AsyncClient(
            timeout=settings.timeout_seconds,
            verify=settings.tls(),
            limits=httpx2.Limits(max_connections=settings.connections),
        )

    async def close(self) -> None:
        await self._http.aclose()

    @contract_errors
    async def issuer(self) -> str:
        """The `iss` that the realm writes into tokens."""
        answer = await self._got(".well-known/openid-configuration")
        return _Description.model_validate_json(answer.content).issuer

    @contract_errors
    async def keys(self) -> list[dict[str, Any]]:
        """All public keys of the realm, those for encryption included."""
        answer = await self._got("protocol/openid-connect/certs")
        return _KeySet.model_validate_json(answer.content).keys

    @contract_errors
    async def grant(self, credentials: Credentials, scopes: tuple[str, ...] = ()) -> GrantedToken:
        """A new token. InvalidClientError, UnauthorizedClientError; Keycloak's own words for both are ours.

        A 401 that says neither is about the client as well: we are not known at this endpoint by anything else.
        """
        form = credentials.form() | ({"scope": " ".join(scopes)} if scopes else {})
        answer = await self._http.post(
            f"{self._place}protocol/openid-connect/token",
            content=urlencode(form, errors="surrogatepass").encode("ascii"),
            headers=_FORM,
        )
        if answer.status_code == httpx2.codes.OK:
            return GrantedToken.model_validate_json(answer.content)
        if answer.status_code in {httpx2.codes.BAD_REQUEST, httpx2.codes.UNAUTHORIZED}:
            match _Refusal.said_in(answer.content):
                case "invalid_client":
                    raise InvalidClientError("The client is unknown or disabled.")
                case "unauthorized_client":
                    raise UnauthorizedClientError("Wrong client secret.")
                case "invalid_grant":
                    raise IdpDeniedError("Keycloak refuses this name and password.")
            if answer.status_code == httpx2.codes.UNAUTHORIZED:
                raise InvalidClientError("Keycloak does not accept the client.")
        raise refusal(answer.status_code)

    async def _got(self, path: str) -> httpx2.Response:
        answer = await self._http.get(self._place + path)
        if answer.status_code != httpx2.codes.OK:
            raise refusal(answer.status_code)
        return answer
