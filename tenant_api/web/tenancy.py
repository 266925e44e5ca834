"""Finds the tenant that a request addresses, before anything else about it is judged (contract section 5.1)."""

import re
from collections.abc import Callable
from typing import cast

from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from tenant_api.kernel.errors import BadRequestError, TenantApiError
from tenant_api.web.directory import TenantDirectory
from tenant_api.web.problems import answer_failure

EXEMPT = ("/health", "/connect", "/v3/tenants", "/.well-known", "/metrics", "/docs")
UNSAFE = re.compile(r"[^A-Za-z0-9 _\-.:/]")


class Tenancy:
    """ASGI wrapper: puts `tenant_id` into the request's state or refuses the request.

    With `conceal`, whoever has not proved who they are learns nothing about tenants: the refusal waits in the
    state until admission has judged the caller.
    """

    def __init__(self, app: ASGIApp, directory: Callable[[], TenantDirectory], *, conceal: bool) -> None:
        self._app = app
        self._directory = directory
        self._conceal = conceal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["type"]) == "http" and not is_exempt(scope["state"]["path"]):
            try:
                scope["state"]["tenant_id"] = await self._addressed(cast("HTTPScope", scope))
            except Exception as error:  # noqa: BLE001 - the framework, which answers failures, is further in
                if not (self._conceal and isinstance(error, TenantApiError)):
                    await answer_failure(cast("HTTPScope", scope), receive, send, error)
                    return
                scope["state"]["tenancy_refusal"] = error
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
