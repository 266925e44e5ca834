"""A stand-in for ACME Identity: clients and tokens in this process, behind an API key. For tests only."""

import hmac
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from litestar import Litestar, Request, delete, get, patch, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.types import ASGIApp

AUDIENCE = "account"


class AcmeServer:
    """Its state: clients by folded id, a signing key, and the ids of revoked tokens."""

    def __init__(self) -> None:
        self.api_key = secrets.token_urlsafe()
        self.url = ""
        self.key = RSAKey.generate_key(2048)
        self.clients: dict[str, dict[str, Any]] = {}
        self.revoked: set[str] = set()

    def add(self, client_id: str) -> None:
        """A client that somebody else made."""
        self.clients[client_id.lower()] = {
            "client_id": client_id,
            "display_name": "Theirs",
            "role": "theirs",
            "scopes": ["theirs"],
            "enabled": True,
            "claims": None,
            "secret": "theirs",
            "marker": "",
        }

    def client(self, client_id: str) -> dict[str, Any]:
        if client_id.lower() not in self.clients:
            raise HTTPException(status_code=404, detail="no such client")
        return self.clients[client_id.lower()]

    def rotate_signing_key(self) -> None:
        """The old one is forgotten, and its tokens with it."""
        self.key = RSAKey.generate_key(2048)

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.thumbprint()}, claims, self.key)

    def grant(self, form: dict[str, Any]) -> dict[str, Any]:
        client = self.clients.get(str(form["id"]).lower())
        claims = client["claims"] if client else None
        if client is None or not client["enabled"] or (claims and not claims["approved"]):
            return {"refused": "client"}
        if not hmac.compare_digest(_bytes(client["secret"]), _bytes(form["secret"])):
            return {"refused": "secret"}
        wanted = form["scope"].casefold().split()
        held = claims["scopes"] if claims else client["scopes"]
        scopes = [scope for scope in held if scope.casefold() in wanted] or held
        now = int(time.time())
        token = self.sign(
            {
                "iss": self.url,
                "aud": AUDIENCE,
                "iat": now,
                "exp": now + 1800,
                "jti": secrets.token_hex(16),
                "sub": client["client_id"],
                "client_id": client["client_id"],
                "scope": " ".join(scopes),
                "roles": [client["role"]],
                "namespacePrefixes": _joined(claims, "namespace_prefixes"),
                "educationOrganizationIds": _joined(claims, "education_organization_ids"),
                "dataStoreIds": _joined(claims, "data_store_ids"),
            }
        )
        return {"token": token, "expires_in": 1800, "scopes": list(scopes)}

    def judge(self, token: str) -> dict[str, Any]:
        rules = jwt.JWTClaimsRegistry(
            leeway=300,
            iss={"essential": True, "value": self.url},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
            jti={"essential": True},
        )
        try:
            decoded = jwt.decode(token, self.key, algorithms=["RS256"])
            if decoded.header.get("kid") != self.key.thumbprint():
                return {"active": False}
            rules.validate(decoded.claims)
        except (JoseError, ValueError, TypeError):
            return {"active": False}
        return {"active": decoded.claims["jti"] not in self.revoked, "claims": decoded.claims}

    def app(self) -> ASGIApp:
        return Litestar(
            [health, create, find, change, remove, token, introspect, revoke, keys], state=State({"server": self})
        )


def _of(request: Request[Any, Any, Any]) -> AcmeServer:
    server: AcmeServer = request.app.state.server
    if not hmac.compare_digest(request.headers.get("x-api-key", ""), server.api_key):
        raise HTTPException(status_code=401, detail="wrong key")
    return server


@get("/health")
async def health(request: Request[Any, Any, Any]) -> dict[str, Any]:
    _of(request)
    return {"status": "fine"}


@post("/clients")
async def create(request: Request[Any, Any, Any]) -> dict[str, Any]:
    server, client = _of(request), json.loads(await request.body())
    if "\0" in client["client_id"]:
        raise HTTPException(status_code=400, detail="no such ids here")
    if client["client_id"].lower() in server.clients:
        raise HTTPException(status_code=409, detail="taken")
    server.clients[client["client_id"].lower()] = client
    return {}


@get("/clients/{client_id:str}")
async def find(request: Request[Any, Any, Any], client_id: FromPath[str]) -> dict[str, Any]:
    client = _of(request).client(client_id)
    return {name: value for name, value in client.items() if name != "secret"}


@patch("/clients/{client_id:str}")
async def change(request: Request[Any, Any, Any], client_id: FromPath[str]) -> dict[str, Any]:
    client = _of(request).client(client_id)
    client |= json.loads(await request.body()) | {"client_id": client["client_id"]}
    return {}


@delete("/clients/{client_id:str}", status_code=200)
async def remove(request: Request[Any, Any, Any], client_id: FromPath[str]) -> dict[str, Any]:
    server = _of(request)
    server.client(client_id)
    del server.clients[client_id.lower()]
    return {}


@post("/token", status_code=200)
async def token(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return _of(request).grant(json.loads(await request.body()))


@post("/introspect", status_code=200)
async def introspect(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return _of(request).judge(json.loads(await request.body())["token"])


@post("/revoke", status_code=200)
async def revoke(request: Request[Any, Any, Any]) -> dict[str, Any]:
    server = _of(request)
    judged = server.judge(json.loads(await request.body())["token"])
    if judged["active"]:
        server.revoked.add(judged["claims"]["jti"])
    return {}


@get("/keys")
async def keys(request: Request[Any, Any, Any]) -> dict[str, Any]:
    key = _of(request).key
    return {"keys": [key.as_dict(private=False, use="sig", kid=key.thumbprint(), alg="RS256")]}


@contextmanager
def serving() -> Iterator[AcmeServer]:
    """A server on a free port of loopback, in a thread of its own."""
    acme = AcmeServer()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        acme.url = "http://127.0.0.1:{1}".format(*listener.getsockname())
        server = uvicorn.Server(uvicorn.Config(acme.app(), log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield acme
        finally:
            server.should_exit = True
            thread.join()


def _joined(claims: dict[str, Any] | None, name: str) -> str:
    return ",".join(map(str, claims[name])) if claims else ""


def _bytes(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")
