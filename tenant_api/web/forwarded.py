"""What a trusted proxy says about the caller (contract section 1.1, item 2)."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import cast

from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOPBACK: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
HOST = re.compile(rb"[A-Za-z0-9._~-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


class ForwardedHeaders:
    """ASGI wrapper: takes scheme, host and caller from the last proxy, if that is one of ours.

    Only the entry that this proxy added counts; what was there before may come from anybody.
    """

    def __init__(self, app: ASGIApp, *, proxies: Iterable[Address], networks: Iterable[Network]) -> None:
        self._app = app
        self._proxies = frozenset(proxies)
        self._networks = tuple(networks) or (() if self._proxies else LOOPBACK)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["type"]) == "http" and self._is_trusted(scope["client"]):
            _believe(cast("HTTPScope", scope))
        await self._app(scope, receive, send)

    def _is_trusted(self, client: tuple[str, int] | None) -> bool:
        address = _address(client[0]) if client else None
        if address is None:
            return False
        return address in self._proxies or any(address in network for network in self._networks)


def _believe(scope: HTTPScope) -> None:
    if (scheme := _last(scope, b"x-forwarded-proto").lower()) in {b"http", b"https"}:
        scope["scheme"] = scheme.decode()
    if HOST.fullmatch(host := _last(scope, b"x-forwarded-host")):
        scope["headers"] = [*((name, value) for name, value in scope["headers"] if name != b"host"), (b"host", host)]
    if caller := _address(_last(scope, b"x-forwarded-for").decode("latin-1")):
        scope["client"] = (str(caller), 0)


def _last(scope: HTTPScope, name: bytes) -> bytes:
    values = [value for sent, value in scope["headers"] if sent == name]
    return values[-1].rpartition(b",")[2].strip() if values else b""


def _address(text: str) -> Address | None:
    """An address with or without brackets and port; one of IPv4 in IPv6 as IPv4."""
    bracketed = re.fullmatch(r"\[(.+)\](?::\d+)?", text)
    bare = bracketed[1] if bracketed else re.sub(r"^(\d+(?:\.\d+){3}):\d+$", r"\1", text)
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
