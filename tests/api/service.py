"""A service for tests, and a client that speaks to it."""

import asyncio
import base64
import json
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import httpx2
import psycopg
import structlog
from litestar import Litestar
from litestar.types import ASGIApp
from psycopg.sql import SQL, Identifier

from tenant_api.app import application, assemble, routes
from tenant_api.backing import attached
from tenant_api.claim_sets.loading import ensure_metadata
from tenant_api.connect.bootstrap import bootstrap
from tenant_api.embedded import ServerAddress
from tenant_api.kernel.logging import setup_logging
from tenant_api.runtime import open_runtime
from tenant_api.settings import load_settings
from tenant_api.settings.tree import LogSettings
from tenant_api.web.state import Runtime
from tests.parts import run

SECRET = "ValidClientSecret1234567890!Abcd"
SCOPES = {
    "admin": "edfi_admin_api/full_access",
    "reader": "edfi_admin_api/readonly_access",
    "metadata": "edfi_admin_api/authMetadata_readonly_access",
}
CLIENTS = [{"id": name, "secret": SECRET, "display_name": name, "scopes": [scope]} for name, scope in SCOPES.items()]
PREPARED = "prepared"
_left: defaultdict[tuple[int, ...], list[Litestar]] = defaultdict(list)


SOON_REFUSED = {"IDP__SETTINGS__FAILED_SECRET_DELAY_SECONDS": "0.05"}
"""Most tests ask what a wrong secret is answered, few how soon."""


def environment(url: str, **more: str) -> dict[str, str]:
    """The environment of a service on that database."""
    return {
        "TENANT_API_DATABASE__URL": url,
        "TENANT_API_KEYS__SEALING": f"k1:{'c2VhbGluZ3NlYWxpbmdzZWFsaW5nc2VhbGluZ3NlYWw='}",
        "TENANT_API_KEYS__PEPPER": f"k1:{'cGVwcGVycGVwcGVycGVwcGVycGVwcGVycGVwcGVycGU='}",
        "TENANT_API_KEYS__MARKER": f"k1:{'bWFya2VybWFya2VybWFya2VybWFya2VybWFya2VybWE='}",
        "TENANT_API_KEYS__CONNECTION_STRINGS": "a-key-that-data-planes-share-with-us",
        "TENANT_API_IDENTITY__CLIENTS": json.dumps(CLIENTS),
        "TENANT_API_PROVISIONER__NAME": "memory",
        "TENANT_API_LOG__LEVEL": "WARNING",
        **more,
    }


class Api:
    """HTTP calls to a service. `caller` names the client whose token a call carries; None sends none."""

    def __init__(self, client: httpx2.AsyncClient, runtime: Runtime) -> None:
        self.http = client
        self.runtime = runtime
        self._tokens: dict[str, str] = {}

    async def token(self, caller: str) -> str:
        if caller not in self._tokens:
            form = {"client_id": caller, "client_secret": SECRET, "grant_type": "client_credentials"}
            answer = await self.http.post("/connect/token", data=form)
            assert answer.status_code == 200, answer.text
            self._tokens[caller] = answer.json()["access_token"]
        return self._tokens[caller]

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        caller: str | None = "admin",
        tenant: str | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> httpx2.Response:
        sent = dict(headers or {})
        if caller is not None:
            sent["Authorization"] = f"Bearer {await self.token(caller)}"
        if tenant is not None:
            sent["Tenant"] = tenant
        if body is not None:
            more["json"] = body
        return await self.http.request(method, path, headers=sent, **more)

    async def made(self, path: str, body: Any, **more: Any) -> int:
        """Create something and answer its id, as the address says."""
        answer = await self.post(path, body, **more)
        assert answer.status_code == 201, answer.text
        return int(answer.headers["location"].rpartition("/")[2])

    async def grant(self, credential: Mapping[str, Any]) -> httpx2.Response:
        """Ask for a token with an answer that showed a key and its secret."""
        form = {
            "client_id": credential["key"],
            "client_secret": credential["secret"],
            "grant_type": "client_credentials",
        }
        return await self.http.post("/connect/token", data=form)

    async def claims(self, credential: Mapping[str, Any]) -> dict[str, Any]:
        """What the next token of a credential says."""
        answer = await self.grant(credential)
        assert answer.status_code == 200, answer.text
        payload = answer.json()["access_token"].split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims

    async def get(self, path: str, **more: Any) -> httpx2.Response:
        return await self.call("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx2.Response:
        return await self.call("POST", path, body, **more)

    async def put(self, path: str, body: Any = None, **more: Any) -> httpx2.Response:
        return await self.call("PUT", path, body, **more)

    async def delete(self, path: str, **more: Any) -> httpx2.Response:
        return await self.call("DELETE", path, **more)


def transport_to(app: ASGIApp, **more: Any) -> httpx2.ASGITransport:
    """Leads to an application in this process. Litestar and httpx2 describe the same scope by unlike types."""
    return httpx2.ASGITransport(app=cast("Any", app), **more)


@asynccontextmanager
async def serving(url: str, **settings: str | bool) -> AsyncIterator[Api]:
    """A service in this process; `settings` are environment variables without their prefix, in any case."""
    chosen = {
        name.upper(): str(value).lower() if isinstance(value, bool) else value for name, value in settings.items()
    }
    if "IDP__NAME" not in chosen:
        chosen = {**SOON_REFUSED, **chosen}
    more = {f"TENANT_API_{name}": value for name, value in chosen.items()}
    loaded = load_settings(environment(url, **more))
    with _logging_of(loaded.log), attached(loaded) as backing:
        async with open_runtime(loaded, backing) as runtime:
            with _application(runtime) as app:
                transport = transport_to(assemble(app, runtime), raise_app_exceptions=False)
                async with httpx2.AsyncClient(transport=transport, base_url="http://tenant-api.test") as client:
                    yield Api(client, runtime)


@contextmanager
def _application(runtime: Runtime) -> Iterator[Litestar]:
    """One that an earlier service with the same routes has left, or a new one, which takes a tenth of a second."""
    left = _left[(runtime.settings.http.max_body_bytes, *map(id, routes(runtime)))]
    app = left.pop() if left else application(runtime)
    yield app
    left.append(app)


@contextmanager
def _logging_of(options: LogSettings) -> Iterator[None]:
    """The service's own log, beside the handlers of pytest."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    setup_logging(options)
    [ours] = root.handlers
    root.handlers = [*handlers, ours]
    try:
        yield
    finally:
        root.removeHandler(ours)
        root.setLevel(level)
        structlog.configure(**before)


def prepared_template(server: ServerAddress, migrated: str) -> str:
    """Return the name of the run's sealed template in which a service has started once."""
    with run.lock(PREPARED), psycopg.connect(server.url(), autocommit=True) as connection:
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s AND datistemplate", [PREPARED]).rowcount:
            name = Identifier(PREPARED)
            connection.execute(SQL("DROP DATABASE IF EXISTS {}").format(name))
            connection.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(name, Identifier(migrated)))
            asyncio.run(_start_once(server.url(PREPARED)))
            connection.execute(SQL("ALTER DATABASE {} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false").format(name))
    return PREPARED


async def _start_once(url: str) -> None:
    settings = load_settings(environment(url))
    with attached(settings) as backing:
        async with open_runtime(settings, backing) as runtime:
            await bootstrap(runtime.idp, settings.identity.clients)
            await ensure_metadata(runtime)
