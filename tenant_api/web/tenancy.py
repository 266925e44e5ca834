"""Finds the tenant that a request addresses, before anything else about it is judged (contract section 5.1)."""

import json
import re
from collections.abc import Callable
from typing import cast

from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from tenant_api.kernel.errors import BadRequestError, TenantApiError
from tenant_api.web.directory import TenantDirectory
from tenant_api.web.problems import PROBLEM_JSON, URN, problem_body

EXEMPT = ("/health", "/connect", "/v3/tenants", "/.well-known", "/metrics", "/docs")
UNSAFE = re.compile(r"[^A-Za-z0-9 _\-.:/]")


class Tenancy:
    """ASGI wrapper: puts `tenant_id` into the request's state or refuses the request."""

    def __init__(self, app: ASGIApp, directory: Callable[[], TenantDirectory]) -> None:
        self._app = app
        self._directory = directory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["type"]) == "http" and not is_exempt(scope["path"]):
            try:
                scope["state"]["tenant_id"] = await self._addressed(cast("HTTPScope", scope))
            except TenantApiError as error:
                await _refuse(scope, send, error)
                return
        await self._app(scope, receive, send)

    async def _addressed(self, scope: HTTPScope) -> int:
        sent = next((value for name, value in scope["headers"] if name == b"tenant"), b"")
        name = sent.decode("latin-1").strip()
        if not name:
            raise BadRequestError("The 'Tenant' header is required when multi-tenancy is enabled")
        tenant = await self._directory().find(name)
        if tenant is None:
            raise BadRequestError(f"Invalid tenant: {UNSAFE.sub('', name)}")
        return tenant.id


def is_exempt(path: str) -> bool:
    """Whether a path is about no tenant."""
    lowered = path.lower().rstrip("/") + "/"
    return any(lowered.startswith(prefix + "/") for prefix in EXEMPT)


async def _refuse(scope: Scope, send: Send, error: TenantApiError) -> None:
    body = problem_body(
        detail=error.detail,
        type_=URN + error.code,
        title=error.title,
        status=error.status,
        correlation_id=scope["state"]["request_id"],
    )
    headers = [(b"content-type", PROBLEM_JSON.encode())]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode(), "more_body": False})
