"""An identity provider in about a hundred lines: clients of ACME Identity, which speaks JSON over HTTP."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, Self
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter, ValidationError

from idp_providers import contract, errors

STATE = TypeAdapter(contract.ClientState)
_trust = cache(httpx2.create_ssl_context)  # to read the machine's certificate authorities takes 20 ms


class AcmeSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    server: str
    api_key: SecretStr
    timeout_seconds: float = 5.0


class AcmeProvider:
    name: ClassVar[str] = "acme"
    api_version: ClassVar[int] = contract.API_VERSION
    settings_model: ClassVar[type[BaseModel]] = AcmeSettings
    capabilities: ClassVar[contract.Capabilities] = contract.Capabilities(issues_tokens=True)

    def __init__(self, settings: AcmeSettings, host: contract.Host) -> None:
        self._host, self.issuer = host, settings.server
        key = {"X-API-Key": settings.api_key.get_secret_value()}
        self._http = httpx2.AsyncClient(
            base_url=settings.server, headers=key, timeout=settings.timeout_seconds, verify=_trust()
        )

    @classmethod
    async def open(cls, settings: AcmeSettings, host: contract.Host) -> Self:
        return cls(settings, host)

    async def close(self) -> None:
        await self._http.aclose()

    async def maintain(self) -> None:
        pass

    async def check(self) -> None:
        await self._call("GET", "/health")

    async def create_client(
        self, spec: contract.ClientSpec, secret: contract.ClientSecret
    ) -> contract.ClientCredentials:
        client = self._wanted(spec) | {"secret": secret.value}
        await self._call("POST", "/clients", client, conflict=errors.ClientAlreadyExistsError)
        return contract.ClientCredentials(client_id=spec.client_id, secret=secret.value)

    async def update_client(self, spec: contract.ClientSpec) -> None:
        await self._call("PATCH", await self._own(spec.client_id), self._wanted(spec))

    async def replace_secret(self, client_id: str, secret: contract.ClientSecret) -> contract.ClientCredentials:
        await self._call("PATCH", await self._own(client_id), {"secret": secret.value})
        return contract.ClientCredentials(client_id=client_id, secret=secret.value)

    async def delete_clients(self, client_ids: Collection[str]) -> None:
        for client_id in client_ids:
            try:
                await self._call("DELETE", await self._own(client_id))
            except errors.ClientNotFoundError:
                continue

    async def find_client(self, client_id: str) -> contract.ClientState | None:
        try:
            found = await self._call("GET", _address(client_id))
            marker = str(found.get("marker"))
            owned = self._host.signed(self._marked(str(found.get("client_id"))), marker)
            stale = owned and not self._host.is_newest(marker)
            return STATE.validate_python({**found, "owned": owned, "stale": stale})
        except errors.ClientNotFoundError:
            return None
        except ValidationError as error:
            failure = errors.IdpError(f"ACME described a client in {error.error_count()} unexpected ways.")
        raise failure

    async def token(self, request: contract.TokenRequest) -> contract.TokenAnswer:
        form = {"id": request.client_id, "secret": request.client_secret, "scope": " ".join(request.requested_scopes)}
        answer = await self._call("POST", "/token", form)
        match answer:
            case {"refused": "client"}:
                raise errors.InvalidClientError("The client is unknown, disabled or not approved.")
            case {"refused": "secret"}:
                raise errors.UnauthorizedClientError("Wrong client secret.")
            case {"token": str(token), "expires_in": int(seconds), "scopes": list(scopes)}:
                return contract.TokenAnswer(access_token=token, expires_in=seconds, scopes=tuple(scopes))
        raise errors.IdpError("ACME granted a token in an unexpected form.")

    async def verify(self, token: str) -> contract.Principal:
        match await self._call("POST", "/introspect", {"token": token}):
            case {"active": True, "claims": {"client_id": str(client), "exp": int(end), "jti": str(id)} as claims}:
                return contract.Principal(
                    client_id=client,
                    subject=client,
                    scopes=frozenset(claims["scope"].split()),
                    roles=frozenset(claims["roles"]),
                    token_id=id,
                    expires_at=datetime.fromtimestamp(end, UTC),
                    claims=claims,
                )
        raise errors.InvalidTokenError("The token does not count.")

    async def revoke(self, token: str) -> None:
        await self._call("POST", "/revoke", {"token": token})

    async def keys(self) -> Sequence[dict[str, Any]]:
        return list((await self._call("GET", "/keys"))["keys"])

    def _wanted(self, spec: contract.ClientSpec) -> dict[str, Any]:
        return asdict(spec) | {"marker": self._host.sign(self._marked(spec.client_id))}

    def _marked(self, client_id: str) -> bytes:
        """What a marker signs: who made which client where. Copied anywhere else, it proves nothing."""
        place = f"{self._host.installation}\0{self.issuer}"
        return f"acme\0{place}\0{client_id.lower()}".encode("utf-8", "replace")

    async def _own(self, client_id: str) -> str:
        """The address of a client that carries our marker."""
        found = await self.find_client(client_id)
        if found is None:
            raise errors.ClientNotFoundError("ACME has no such client.")
        if not found.owned:
            raise errors.IdpRejectedError("This client was not made by us.")
        return _address(found.client_id)

    async def _call(
        self, method: str, path: str, body: object = None, *, conflict: type[errors.IdpError] = errors.IdpError
    ) -> Mapping[str, Any]:
        """One request. What goes wrong leaves as an error of the family, raised where no cause shows the request."""
        try:
            answer = await self._http.request(method, path, content=json.dumps(body))
            found = answer.json() if answer.is_success else {}
        except httpx2.HTTPError as error:
            failure: errors.IdpError = errors.IdpUnavailableError(f"ACME gave no answer ({type(error).__name__}).")
        except ValueError:
            failure = errors.IdpError("ACME's answer is no JSON.")
        else:
            if answer.is_success and isinstance(found, dict):
                return found
            failure = _refusal(answer.status_code, conflict)
        raise failure


def _address(client_id: str) -> str:
    return "/clients/" + quote(client_id or "\0", safe="", errors="replace")


def _refusal(status: int, conflict: type[errors.IdpError]) -> errors.IdpError:
    kinds: dict[int, type[errors.IdpError]] = {
        400: errors.IdpRejectedError,
        401: errors.IdpDeniedError,
        403: errors.IdpDeniedError,
        404: errors.ClientNotFoundError,
        409: conflict,
        429: errors.IdpUnavailableError,
    }
    kind = errors.IdpUnavailableError if status >= 500 else kinds.get(status, errors.IdpError)
    return kind(f"ACME answered with status {status}.")
