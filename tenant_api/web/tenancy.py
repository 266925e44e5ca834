"""Finds the tenant that a request addresses, before anything else about it is judged (contract section 5.1)."""

import re
from collections.abc import Callable
from typing import cast

import structlog
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from psycopg import Error as DriverError
from psycopg_pool import PoolTimeout

from tenant_api.db.tables import DEFAULT_TENANT_ID
from tenant_api.kernel.errors import BadRequestError, TenantApiError
from tenant_api.web.directory import TenantDirectory
from tenant_api.web.problems import answer_failure

TENANTS = "/v3/tenants"
EXEMPT = ("/health", "/connect", "/oauth2", TENANTS, "/.well-known", "/metrics", "/docs")
JOB = re.compile(r"/v3/jobs/[^/]+(/[^/]+)?/?", re.IGNORECASE)
UNSAFE = re.compile(r"[^A-Za-z0-9 _\-.:/]")

logger = structlog.get_logger(__name__)


class Tenancy:
    """ASGI wrapper: puts `tenant_id` into the request's state or refuses the request.

    With `conceal`, whoever has not proved who they are learns nothing about tenants: the refusal waits in the
    state until admission has judged the caller. A change of a tenant is answered when it holds in every process.
    """

    def __init__(self, app: ASGIApp, directory: Callable[[], TenantDirectory], *, conceal: bool) -> None:
        self._app = app
        self._directory = directory
        self._conceal = conceal

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
                if not (self._conceal and isinstance(error, TenantApiError)):
                    await answer_failure(http, receive, send, error)
                    return
                http["state"]["tenancy_refusal"] = error
        await self._app(scope, receive, send)

    async def _addressed(self, scope: HTTPScope) -> int:
        sent = next((value for name, value in scope["headers"] if name == b"tenant"), b"").decode("latin-1")
        if not sent.strip() and JOB.fullmatch(scope["state"]["path"]):
            return DEFAULT_TENANT_ID  # where the jobs are that remove tenants
        return await find_tenant(self._directory(), sent)

    def _once_settled(self, send: Send) -> Send:
        async def delayed(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._directory().settled()
            await send(message)

        return delayed


async def find_tenant(directory: TenantDirectory, header: str) -> int:
    """The id of the tenant that a header names; BadRequestError in the contract's words.

    A database that cannot tell is a failure of ours, as the contract has it; one that is overloaded may be asked again.
    """
    name = header.strip()
    if not name:
        raise BadRequestError("The 'Tenant' header is required when multi-tenancy is enabled")
    try:
        tenant = await directory.find(name)
    except PoolTimeout:
        raise
    except DriverError as error:
        logger.exception("tenant.lookup_failed")
        raise TenantApiError from error
    if tenant is None:
        raise BadRequestError(f"Invalid tenant: {UNSAFE.sub('', name)}")
    return tenant.id


def is_exempt(path: str) -> bool:
    """Whether a path is about no tenant."""
    return any(_below(path, prefix) for prefix in EXEMPT)


def _below(path: str, prefix: str) -> bool:
    return (path.lower().rstrip("/") + "/").startswith(prefix + "/")
