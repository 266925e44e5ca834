"""The usual token request, answered in front of the framework.

The framework's routing, binding and rendering would cost about as much as the token itself. Whatever is unusual
about a request is left to the framework's route, which reads, decides and refuses with the same functions.
"""

import json
from typing import cast

from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from tenant_api.connect.forms import url_encoded_form
from tenant_api.connect.tokens import granted, token_request
from tenant_api.web.problems import answer_failure
from tenant_api.web.state import Runtime

PATH = "/connect/token"
FORMS = (b"application/x-www-form-urlencoded", b"application/x-www-form-urlencoded; charset=utf-8")
LONGEST_BODY = 16 * 1024
HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"pragma", b"no-cache")]


class QuickTokens:
    """ASGI wrapper around the framework. `scope["path"]` is in its routed spelling."""

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self._app = app
        self._runtime = runtime
        self._longest = min(LONGEST_BODY, runtime.settings.http.max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") != PATH or not self._is_usual(cast("HTTPScope", scope)):
            await self._app(scope, receive, send)
            return
        request = cast("HTTPScope", scope)
        try:
            body = await self._answer(request, await _body(receive))
        except Exception as error:  # noqa: BLE001 - the framework, which answers failures, is further in
            await answer_failure(request, receive, send, error)
            return
        headers = [*HEADERS, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _is_usual(self, scope: HTTPScope) -> bool:
        """A small form in UTF-8 whose length is announced, with no header twice."""
        headers = list(scope["headers"])
        sent = dict(headers)
        length = sent.get(b"content-length", b"")
        return (
            scope["method"] == "POST"
            and sent.get(b"content-type", b"").lower() in FORMS
            and length.isdigit()
            and int(length) <= self._longest
            and len(sent) == len(headers)
        )

    async def _answer(self, scope: HTTPScope, body: bytes) -> bytes:
        authorization = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        answer = await granted(self._runtime, token_request(url_encoded_form(body), authorization))
        members = {"access_token": answer.access_token, "expires_in": answer.expires_in}
        return json.dumps({**members, "token_type": answer.token_type}, separators=(",", ":")).encode()


async def _body(receive: Receive) -> bytes:
    """All of it; less when the caller left, who then gets no answer anyway."""
    body = b""
    while (event := await receive())["type"] == "http.request":
        body += event["body"]
        if not event.get("more_body", False):
            break
    return body
