"""Finds the tenant that a request addresses, before anything else about it is judged (contract section 5.1)."""

import re
from collections.abc import Callable
from typing import cast

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from tenant_api.db.tables import DEFAULT_TENANT_ID
from tenant_api.kernel.errors import BadRequestError, NotFoundError, TenantApiError
from tenant_api.web.directory import TenantDirectory
from tenant_api.web.problems import answer_failure

TENANTS = "/v3/tenants"
EXEMPT = ("/health", "/connect", "/oauth2", TENANTS, "/.well-known", "/metrics", "/docs")
JOB = re.compile(r"/v3/jobs/[^/]+(/[^/]+)?/?", re.IGNORECASE)
BY_KEY = re.compile(r"/v3/apiClients/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
UNSAFE = re.compile(r"[^A-Za-z0-9 _\-.:/]")


class Tenancy:
    """ASGI wrapper: puts `tenant_id` into the request's state or refuses the request.

    With `conceal`, whoever has not proved who they are learns nothing about tenants: the refusal waits in the
    state until admission has judged the caller. With `by_key`, who reads an API client by its key need not name its
    tenant: a data plane does not know it. That a key is nobody's is told in the same way, to admitted callers alone.
    A change of a tenant is answered when it holds in every process.
    """

    def __init__(self, app: ASGIApp, directory: Callable[[], TenantDirectory], *, conceal: bool, by_key: bool) -> None:
        self._app = app
        self._directory = directory
        self._conceal = conceal
        self._by_key = by_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["type"]) != "http":
            await self._app(scope, receive, send)
            return
        http = cast("HTTPScope", scope)
        path = http["state"]["path"]
        if http["method"] != "GET" and _below(path, TENANTS):
            send = self._once_settled(send)
        if not is_exempt(path):
            try:
                http["state"]["tenant_id"] = await self._addressed(http)
            except Exception as error:  # noqa: BLE001 - the framework, which answers failures, is further in
                if not self._may_wait(error):
                    await answer_failure(http, receive, send, error)
                    return
                http["state"]["tenancy_refusal"] = error
        await self._app(scope, receive, send)

    def _may_wait(self, error: Exception) -> bool:
        return isinstance(error, NotFoundError) or (self._conceal and isinstance(error, TenantApiError))

    async def _addressed(self, scope: HTTPScope) -> int:
        sent = sent_tenant(scope)
        if not sent and JOB.fullmatch(scope["state"]["path"]):
            return DEFAULT_TENANT_ID  # where the jobs are that remove tenants
        if not sent and self._by_key and (key := _asked_key(scope)):
            return await find_owner(self._directory(), key)
        return await find_tenant(self._directory(), sent)

    def _once_settled(self, send: Send) -> Send:
        async def delayed(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._directory().settled()
            await send(message)

        return delayed


async def find_owner(directory: TenantDirectory, key: str) -> int:
    """The id of the tenant whose API client has that key; NotFoundError if no tenant that is served has one."""
    owner = await directory.owner(key)
    if owner is None:
        raise NotFoundError("ApiClient not found")
    return owner


async def find_tenant(directory: TenantDirectory, header: str) -> int:
    """The id of the tenant that a header names; BadRequestError in the contract's words."""
    name = header.strip()
    if not name:
        raise BadRequestError("The 'Tenant' header is required when multi-tenancy is enabled")
    tenant = await directory.find(name)
    if tenant is None:
        raise BadRequestError(f"Invalid tenant: {UNSAFE.sub('', name)}")
    return tenant.id


def _asked_key(scope: HTTPScope) -> str | None:
    """The key of the API client that a request reads."""
    read = BY_KEY.fullmatch(scope["state"]["path"]) if scope["method"] == "GET" else None
    return read and read[1]


def sent_tenant(scope: Scope) -> str:
    """What the header says; empty without one. Two of them are read as one list, and no tenant is called that."""
    values = (value.decode("latin-1").strip() for name, value in scope["headers"] if name == b"tenant")
    return ",".join(filter(None, values))


def is_exempt(path: str) -> bool:
    """Whether a path is about no tenant."""
    return any(_below(path, prefix) for prefix in EXEMPT)


def _below(path: str, prefix: str) -> bool:
    return (path.lower().rstrip("/") + "/").startswith(prefix + "/")
