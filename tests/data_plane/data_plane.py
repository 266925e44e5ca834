"""A data plane as the contract describes it (section 6): its calls, its headers, its caches left out.

Nothing here comes from the service: addresses, decryption and the judgement of tokens are written from the contract.
"""

import base64
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx2
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from joserfc import jwt
from joserfc.jwk import KeySet

ACCEPT = [("Accept", "application/json"), ("Accept", "application/x-www-form-urlencoded")]
CACHE_SECONDS = 1500
SKEW_SECONDS = 30


class CallFailedError(Exception):
    """Any answer that is not 2xx."""

    def __init__(self, answer: httpx2.Response) -> None:
        super().__init__(f"{answer.status_code} {answer.text}")
        self.status = answer.status_code


class NoRouteError(Exception):
    """No data store of the caller's matches the request's qualifiers."""


@dataclass(frozen=True)
class Caller:
    """What a data plane takes from a token."""

    client_id: str
    claim_set: str
    namespace_prefixes: tuple[str, ...]
    education_organization_ids: tuple[int, ...]
    data_store_ids: tuple[int, ...]


class DataPlane:
    """One data plane with its client of the service, its issuer and the shared key.

    `http` reaches the service, `web` everything else.
    """

    def __init__(
        self,
        http: httpx2.AsyncClient,
        web: httpx2.AsyncClient,
        base_url: str,
        *,
        client_id: str,
        client_secret: str,
        key: str,
        issuer: str,
    ) -> None:
        self._http = http
        self._web = web
        self._base = base_url.strip("/") + "/"
        self._credential = {"client_id": client_id, "client_secret": client_secret}
        self._key = key
        self._issuer = issuer
        self._token = ""

    async def connect(self) -> None:
        """Call 1, and the token must outlive the cache in which a data plane keeps it."""
        form = {
            **self._credential,
            "grant_type": "client_credentials",
            "scope": "edfi_admin_api/readonly_access",
        }
        answer = await self._http.post(urljoin(self._base, "connect/token"), data=form, headers=ACCEPT)
        self._token = _members(_succeeded(answer))["access_token"]
        lifetime = _payload(self._token)
        assert lifetime["exp"] - time.time() > CACHE_SECONDS + SKEW_SECONDS

    async def tenants(self) -> list[str]:
        """Call 2."""
        return [_members(tenant)["name"] for tenant in await self._get("v3/tenants/")]

    async def data_stores(self, tenant: str | None = None) -> list[dict[str, Any]]:
        """Call 3: members with names in lower case, the connection strings in the clear."""
        return [self._opened(_members(store)) for store in await self._get("v3/dataStores/", tenant)]

    async def claim_sets(self, tenant: str | None = None) -> dict[str, dict[str, dict[str, list[str]]]]:
        """Call 4: by claim set and claim, the strategies of each action. Claims without authorization are dropped."""
        found = {}
        for entry in map(_members, await self._get("v3/authorizationMetadata", tenant)):
            actions = {
                authorization["id"]: {
                    action["name"]: [strategy["name"] for strategy in action["authorizationStrategies"]]
                    for action in authorization["actions"]
                }
                for authorization in entry["authorizations"]
            }
            claims = {
                claim["name"]: actions[claim["authorizationId"]]
                for claim in entry["claims"]
                if claim["authorizationId"] in actions
            }
            found[entry["claimsetname"]] = claims
        return found

    async def application_of(self, client_id: str, tenant: str | None = None) -> dict[str, Any] | None:
        """Call 5, which sends no tenant by itself. A refusal counts as no application."""
        try:
            return _members(await self._get(f"/v3/apiClients/{client_id}", tenant))
        except CallFailedError:
            return None

    async def profile_ids(self, application_id: int, tenant: str | None = None) -> list[int]:
        """Call 6."""
        ids: list[int] = _members(await self._get(f"/v3/applications/{application_id}", tenant))["profileids"]
        return ids

    async def profiles(self, tenant: str | None = None) -> dict[int, str]:
        """Calls 7 and 8: the catalogue, then every profile: definitions by id."""
        definitions = {}
        for listed in map(_members, await self._get("/v3/profiles", tenant)):
            profile = _members(await self._get(f"/v3/profiles/{listed['id']}", tenant))
            assert (profile["id"], profile["name"]) == (listed["id"], listed["name"])
            definitions[profile["id"]] = profile["definition"]
        return definitions

    async def judged(self, token: str) -> Caller:
        """Who calls the data plane with this token (section 6.3), whichever description of the issuer it is set to."""
        described_by = {urljoin(base, ".well-known/openid-configuration") for base in (self._base, f"{self._issuer}/")}
        [caller] = {await self._judged(token, address) for address in described_by}
        return caller

    async def document(self, address: str) -> Any:
        """What everybody may read there."""
        http = self._http if address.startswith(self._base) else self._web
        return _succeeded(await http.get(address))

    async def _judged(self, token: str, metadata_address: str) -> Caller:
        metadata = await self.document(metadata_address)
        assert metadata["issuer"] == self._issuer
        keys = KeySet.import_key_set(await self.document(metadata["jwks_uri"]))
        claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
        assert claims["iss"] == self._issuer
        assert claims["aud"] == "account"
        assert claims["exp"] > time.time() - SKEW_SECONDS
        return Caller(
            client_id=claims["client_id"],
            claim_set=claims["scope"],
            namespace_prefixes=tuple(claims["namespacePrefixes"].split(",")),
            education_organization_ids=_integers(claims["educationOrganizationIds"]),
            data_store_ids=_integers(claims.get("dataStoreIds", "")),
        )

    async def route(self, caller: Caller, qualifiers: dict[str, str], tenant: str | None = None) -> str:
        """The connection string for a request (section 6.4); NoRouteError."""
        matching = [
            store
            for store in await self.data_stores(tenant)
            if store["id"] in caller.data_store_ids and _qualifiers(store) == qualifiers
        ]
        if not matching:
            raise NoRouteError
        [store] = matching
        connection_string: str = store["connectionstring"]
        return connection_string

    def _opened(self, store: dict[str, Any]) -> dict[str, Any]:
        opened = {**store, "connectionstring": self._decrypted(store["connectionstring"])}
        opened["datastorederivatives"] = {
            derivative["derivativeType"]: self._decrypted(derivative["connectionString"])
            for derivative in store["datastorederivatives"]
        }
        return opened

    def _decrypted(self, encoded: str | None) -> str | None:
        """AES-256-CBC with PKCS 7, the vector first; the key is padded with zeros and cut (section 2.4)."""
        if encoded is None:
            return None
        blob = base64.b64decode(encoded, validate=True)
        decryptor = Cipher(AES256((self._key + "0" * 32)[:32].encode()), CBC(blob[:16])).decryptor()
        padded = decryptor.update(blob[16:]) + decryptor.finalize()
        assert 1 <= padded[-1] <= 16
        assert padded.endswith(bytes([padded[-1]]) * padded[-1])
        return padded[: -padded[-1]].decode()

    async def _get(self, path: str, tenant: str | None = None) -> Any:
        """Relative paths lead below the base, absolute ones to the root of its host."""
        headers = [*ACCEPT, ("Authorization", f"Bearer {self._token}")]
        if tenant is not None:
            headers.append(("Tenant", tenant))
        return _succeeded(await self._http.get(urljoin(self._base, path), headers=headers))


def _succeeded(answer: httpx2.Response) -> Any:
    if not answer.is_success:
        raise CallFailedError(answer)
    return answer.json()


def _members(body: dict[str, Any]) -> dict[str, Any]:
    """Names are read in any case."""
    return {name.lower(): value for name, value in body.items()}


def _qualifiers(store: dict[str, Any]) -> dict[str, str]:
    found = {context["contextKey"]: context["contextValue"] for context in store["datastorecontexts"]}
    assert len(found) == len(store["datastorecontexts"])
    return found


def _integers(text: str) -> tuple[int, ...]:
    return tuple(int(entry) for entry in text.split(",")) if text else ()


def _payload(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims
