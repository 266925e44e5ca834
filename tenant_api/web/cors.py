"""Lets the documentation page of one other origin call us (contract section 1.1, item 8)."""

from typing import cast

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]


class Cors:
    """ASGI wrapper: answers preflights of any origin before anything is judged, and names the allowed origin."""

    def __init__(self, app: ASGIApp, *, origin: str) -> None:
        self._app = app
        self._origin = origin.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["type"]) != "http":
            await self._app(scope, receive, send)
            return
        request = cast("HTTPScope", scope)
        sent = dict(request["headers"])
        if request["method"] == "OPTIONS" and b"origin" in sent and b"access-control-request-method" in sent:
            await self._answer_preflight(sent, send)
            return
        allowed = self._allowed(sent)

        async def send_allowed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *allowed]
            await send(message)

        await self._app(scope, receive, send_allowed)

    def _allowed(self, sent: dict[bytes, bytes]) -> Headers:
        vary = [(b"vary", b"Origin")] if b"origin" in sent else []
        if sent.get(b"origin") != self._origin:
            return vary
        return [(b"access-control-allow-origin", self._origin), *vary]

    async def _answer_preflight(self, sent: dict[bytes, bytes], send: Send) -> None:
        headers = self._allowed(sent)
        if sent[b"origin"] == self._origin:
            headers.append((b"access-control-allow-methods", sent[b"access-control-request-method"]))
            if wanted := sent.get(b"access-control-request-headers"):
                headers.append((b"access-control-allow-headers", wanted))
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
