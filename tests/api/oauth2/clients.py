"""Clients of `/oauth2`: their requests, keys and assertions."""

import base64
import time
from typing import Any
from urllib.parse import quote_plus
from uuid import uuid4

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.api.service import SECRET, Api

INITIAL_TOKEN = "initial-token-of-the-operator"
ISSUER = "http://localhost:8081"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT = {"grant_type": "client_credentials"}
ADMIN = {"client_id": "admin", "client_secret": SECRET}
READER = {"client_id": "reader", "client_secret": SECRET}
METADATA = {"client_id": "metadata", "client_secret": SECRET}

RSA, EC, ED = RSAKey.generate_key(2048), ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519")
KEY_OF: dict[str, RSAKey | ECKey | OKPKey] = {"RS256": RSA, "PS256": RSA, "ES256": EC, "EdDSA": ED, "Ed25519": ED}


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Both halves form-urlencoded, as RFC 6749, section 2.3.1 wants them."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


async def ask(api: Api, endpoint: str, form: Any = None, **more: Any) -> httpx2.Response:
    return await api.http.post(f"/oauth2/{endpoint}", data=form, **more)


async def token_of(api: Api, client: dict[str, str], **more: str) -> str:
    answer = await ask(api, "token", {**GRANT, **client, **more})
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


def refused(answer: httpx2.Response, status: int, error: str) -> str:
    """The sentence of a refusal, which is one of OAuth in every respect."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.json()["error"] == error
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("application/json")
    sentence: str = answer.json()["error_description"]
    assert all(
        character in "\x20\x21" or "\x23" <= character <= "\x5b" or "\x5d" <= character <= "\x7e"
        for character in sentence
    )
    return sentence


def public(algorithm: str, **members: Any) -> dict[str, Any]:
    return {**KEY_OF[algorithm].as_dict(private=False), **members}


def claims(client_id: str, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    made = {"iss": client_id, "sub": client_id, "aud": ISSUER, "exp": now + 60, "iat": now, "jti": str(uuid4())}
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


class _Registry(JWSRegistry):
    """Signs with what it is told to, without advice."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]

    def check_header(self, header: Any) -> None:
        """Whatever it says."""


def assertion(algorithm: str, payload: dict[str, Any], *, key: Any = None, **header: Any) -> str:
    signed = {"alg": algorithm, "typ": "JWT", **header}
    return jwt.encode(signed, payload, key or KEY_OF[algorithm], registry=_Registry())


def asserted(text: str, **more: str) -> dict[str, str]:
    return {**GRANT, "client_assertion_type": JWT_BEARER, "client_assertion": text, **more}


async def register(api: Api, **metadata: Any) -> dict[str, Any]:
    answer = await api.http.post("/oauth2/register", json=metadata, headers=bearer(INITIAL_TOKEN))
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
