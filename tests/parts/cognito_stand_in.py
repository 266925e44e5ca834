"""A FAKE in front of moto, for what moto 5.2 lacks of Cognito. What it does is what AWS's documentation says, not seen.

Its own: `/oauth2/token`, keys per pool, secrets of app clients (made, chosen, two at a time), resource servers with
changeable scopes, the refusal of scopes that no resource server has, the time at which an app client was made, and the
resetting of what an update does not name. All else is moto's.
"""

import asyncio
import json
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import httpx2
import uvicorn
import uvloop
from joserfc import jwt
from joserfc.jwk import RSAKey

COGNITO = "AWSCognitoIdentityProviderService."
JSON = "application/x-amz-json-1.1"
SECRET = re.compile(r"[A-Za-z0-9_+]{24,64}")
WORD = re.compile("([A-Z])")
LIFETIME = 3600
LONGEST_REST = 3600
"""Seconds that a connection may rest: a request that meets its end would fail, and boto3 repeats none here."""

Answer = tuple[int, dict[str, Any]]


class RefusedError(Exception):
    def __init__(self, code: str, message: str = "refused by the stand-in") -> None:
        super().__init__(code)
        self.body = {"__type": code, "message": message}


class CognitoStandIn:
    """Its state, and one method for each operation that it does not leave to moto."""

    def __init__(self, moto: str) -> None:
        self.moto = moto
        self.url = ""
        self.keys: dict[str, RSAKey] = {}
        self.servers: dict[tuple[str, str], dict[str, Any]] = {}
        self.secrets: dict[str, dict[str, str]] = {}
        self.pools: dict[str, str] = {}
        self.made_at: dict[str, float] = {}
        self.numbers = iter(range(1, 1_000_000))
        self.http = httpx2.AsyncClient(timeout=30)
        self.turn = asyncio.Lock()

    async def answer(self, server: uvicorn.Server, listener: socket.socket) -> None:
        """Until the server is told to end; then nothing is left open, of which the loop would complain."""
        async with self.http:
            await server.serve([listener])

    def issuer(self, pool: str) -> str:
        return f"https://cognito-idp.{pool.partition('_')[0]}.amazonaws.com/{pool}"

    def key(self, pool: str) -> RSAKey:
        if pool not in self.keys:
            self.keys[pool] = RSAKey.generate_key(2048)
        return self.keys[pool]

    def sign(self, pool: str, claims: dict[str, Any]) -> str:
        key = self.key(pool)
        return jwt.encode({"alg": "RS256", "kid": key.thumbprint()}, claims, key)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (event := await receive())["type"] == "http.request":
            body += event.get("body", b"")
            if not event.get("more_body"):
                break
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path = scope["path"]
        operation = headers.get("x-amz-target", "").removeprefix(COGNITO)
        kind = "application/json"
        if path == "/oauth2/token":
            status, answer = await self.grant(parse_qs(body.decode(), keep_blank_values=True))
        elif path.endswith("/.well-known/jwks.json"):
            key = self.key(path.split("/")[1])
            public = key.as_dict(private=False, use="sig", kid=key.thumbprint(), alg="RS256")
            status, answer = 200, {"keys": [public]}
        else:
            kind = JSON
            handle = getattr(self, "on" + WORD.sub(r"_\1", operation).lower(), None)
            try:
                asked = json.loads(body)
                status, answer = await (handle(asked, headers) if handle else self.passed_on(asked, headers))
            except RefusedError as refused:
                status, answer = 400, refused.body
        content = json.dumps(answer).encode()
        extra = [("content-type", kind), ("content-length", str(len(content))), ("x-amzn-requestid", str(uuid4()))]
        encoded = [(name.encode(), value.encode()) for name, value in extra]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": content})

    async def passed_on(self, asked: dict[str, Any], headers: dict[str, str], operation: str = "") -> Answer:
        """One at a time: of two that take a name at once, moto now and then lets both have it."""
        names: tuple[str, ...] = ("authorization", "x-amz-target", "x-amz-date")
        kept = {name: headers[name] for name in names if name in headers}
        if operation:
            kept["x-amz-target"] = COGNITO + operation
        kept |= {"content-type": JSON, "accept-encoding": "identity"}
        async with self.turn:
            answer = await self.http.post(self.moto, headers=kept, content=json.dumps(asked).encode())
        return answer.status_code, json.loads(answer.content) if answer.content else {}

    async def on_create_user_pool_client(self, asked: dict[str, Any], headers: dict[str, str]) -> Answer:
        self.demand_scopes(asked)
        given = asked.pop("ClientSecret", None)
        assert not (given and asked.get("GenerateSecret"))
        if given and not SECRET.fullmatch(given):
            raise RefusedError("InvalidParameterException")
        status, answer = await self.passed_on(asked, headers)
        if status == 200:
            client = answer["UserPoolClient"]
            self.pools[client["ClientId"]] = asked["UserPoolId"]
            self.made_at[client["ClientId"]] = time.time()
            self.secrets[client["ClientId"]] = {}
            client["ClientSecret"] = self.new_secret(client["ClientId"], given)[1]
        return status, answer

    async def on_update_user_pool_client(self, asked: dict[str, Any], headers: dict[str, str]) -> Answer:
        self.demand_scopes(asked)
        reset = {"AllowedOAuthFlows": [], "AllowedOAuthScopes": [], "AllowedOAuthFlowsUserPoolClient": False}
        return await self.passed_on({**reset, **asked}, headers)

    async def on_describe_user_pool_client(self, asked: dict[str, Any], headers: dict[str, str]) -> Answer:
        status, answer = await self.passed_on(asked, headers)
        if status == 200:
            answer["UserPoolClient"]["CreationDate"] = self.made_at[asked["ClientId"]]
            answer["UserPoolClient"]["ClientSecret"] = next(iter(self.held(asked).values()))
        return status, answer

    async def on_delete_user_pool_client(self, asked: dict[str, Any], headers: dict[str, str]) -> Answer:
        self.secrets.pop(asked["ClientId"], None)
        return await self.passed_on(asked, headers)

    async def on_list_user_pool_client_secrets(self, asked: dict[str, Any], _: dict[str, str]) -> Answer:
        held = [self.described(secret_id) for secret_id in reversed(self.held(asked))]
        return 200, {"ClientSecrets": held}

    async def on_add_user_pool_client_secret(self, asked: dict[str, Any], _: dict[str, str]) -> Answer:
        given = asked.get("ClientSecret")
        if given and not SECRET.fullmatch(given):
            raise RefusedError("InvalidParameterException")
        if len(self.held(asked)) > 1:
            raise RefusedError("LimitExceededException")
        secret_id, value = self.new_secret(asked["ClientId"], given)
        shown = {} if given else {"ClientSecretValue": value}
        return 200, {"ClientSecretDescriptor": {**self.described(secret_id), **shown}}

    async def on_delete_user_pool_client_secret(self, asked: dict[str, Any], _: dict[str, str]) -> Answer:
        held = self.held(asked)
        if asked["ClientSecretId"] not in held:
            raise RefusedError("ResourceNotFoundException")
        if len(held) == 1:
            raise RefusedError("InvalidParameterException")
        del held[asked["ClientSecretId"]]
        return 200, {}

    async def on_create_resource_server(self, asked: dict[str, Any], headers: dict[str, str]) -> Answer:
        if (asked["UserPoolId"], asked["Identifier"]) in self.servers:
            raise RefusedError("InvalidParameterException")
        status, answer = await self.passed_on({"UserPoolId": asked["UserPoolId"]}, headers, "DescribeUserPool")
        if status != 200:
            return status, answer
        return await self.on_update_resource_server(asked, headers, new=True)

    async def on_describe_resource_server(self, asked: dict[str, Any], _: dict[str, str]) -> Answer:
        server = self.servers.get((asked["UserPoolId"], asked["Identifier"]))
        if server is None:
            raise RefusedError("ResourceNotFoundException")
        return 200, {"ResourceServer": server}

    async def on_update_resource_server(self, asked: dict[str, Any], _: dict[str, str], *, new: bool = False) -> Answer:
        place = (asked["UserPoolId"], asked["Identifier"])
        if not new and place not in self.servers:
            raise RefusedError("ResourceNotFoundException")
        if len(asked.get("Scopes", [])) > 100:
            raise RefusedError("InvalidParameterException")
        self.servers[place] = {"Scopes": [], **asked}
        return 200, {"ResourceServer": self.servers[place]}

    async def grant(self, form: dict[str, list[str]]) -> Answer:
        asked = {name: values[0] for name, values in form.items()}
        pool = self.pools.get(asked.get("client_id", ""), "none")
        described = {"UserPoolId": pool, "ClientId": asked.get("client_id", "")}
        signature = f"AWS4-HMAC-SHA256 Credential=x/20260101/{pool.partition('_')[0]}/cognito-idp/aws4_request"
        status, answer = await self.passed_on(described, {"authorization": signature}, "DescribeUserPoolClient")
        held = self.secrets.get(asked.get("client_id", ""), {}).values()
        if status != 200 or asked.get("client_secret") not in held:
            return 400, {"error": "invalid_client"}
        client = answer["UserPoolClient"]
        if "client_credentials" not in client.get("AllowedOAuthFlows", []):
            return 400, {"error": "unauthorized_client"}
        scopes = asked["scope"].split() if asked.get("scope") else client["AllowedOAuthScopes"]
        if not set(scopes) <= set(client["AllowedOAuthScopes"]):
            return 400, {"error": "invalid_scope"}
        now = int(time.time())
        claims = {
            "sub": client["ClientId"],
            "token_use": "access",
            "scope": " ".join(scopes),
            "auth_time": now,
            "iss": self.issuer(pool),
            "exp": now + LIFETIME,
            "iat": now,
            "version": 2,
            "jti": str(uuid4()),
            "client_id": client["ClientId"],
        }
        return 200, {"access_token": self.sign(pool, claims), "expires_in": LIFETIME, "token_type": "Bearer"}

    def demand_scopes(self, asked: dict[str, Any]) -> None:
        for scope in asked.get("AllowedOAuthScopes", []):
            identifier, _, name = scope.rpartition("/")
            server = self.servers.get((asked["UserPoolId"], identifier), {"Scopes": []})
            if name not in {held["ScopeName"] for held in server["Scopes"]}:
                raise RefusedError("ScopeDoesNotExistException")

    def held(self, asked: dict[str, Any]) -> dict[str, str]:
        if asked["ClientId"] not in self.secrets:
            raise RefusedError("ResourceNotFoundException")
        return self.secrets[asked["ClientId"]]

    def new_secret(self, client_id: str, given: str | None) -> tuple[str, str]:
        secret_id, value = f"{client_id}--{next(self.numbers)}", given or secrets.token_hex(26)
        self.secrets[client_id][secret_id] = value
        return secret_id, value

    def described(self, secret_id: str) -> dict[str, Any]:
        return {"ClientSecretId": secret_id, "ClientSecretCreateDate": float(secret_id.rpartition("--")[2])}


@contextmanager
def stand_in(moto: str) -> Iterator[CognitoStandIn]:
    """One on a free port of loopback, in a thread of its own."""
    fake = CognitoStandIn(moto)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fake.url = "http://127.0.0.1:{1}".format(*listener.getsockname())
        config = uvicorn.Config(fake, log_level="critical", lifespan="off", timeout_keep_alive=LONGEST_REST)
        server = uvicorn.Server(config)
        # The loop of asyncio does not know this listener for TCP, and lets every answer wait for an acknowledgement.
        thread = threading.Thread(target=lambda: uvloop.run(fake.answer(server, listener)))
        thread.start()
        try:
            yield fake
        finally:
            server.should_exit = True
            thread.join()
