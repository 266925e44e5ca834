"""Answers lists: at once as far as one batch goes, the rest as a stream (contract section 1.5).

A stream reads batch after batch, each in a short transaction that begins where the last one ended, so that a slow
reader holds no connection. What is changed meanwhile may be shown as it was or as it is. A page that links on holds
the rows that were there when the link was made, without those that are deleted meanwhile, and the next page begins
right behind them.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Container, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from litestar import Response
from litestar.response import Stream
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.listing import ListQuery
from tenant_api.db.pages import Page
from tenant_api.web.binding import ApiRequest
from tenant_api.web.cursors import written
from tenant_api.web.location import base_url
from tenant_api.web.state import runtime_of
from tenant_api.web.wire import ReadModel

Item = TypeVar("Item")
Fetch = Callable[[ListQuery], Awaitable[Page[Item]]]

LIST_HEADERS = ("Total-Count", "Link")
JSON = "application/json"


async def answer_list(
    request: ApiRequest,
    query: ListQuery,
    fetch: Callable[[AsyncSession], Fetch[Item]],
    show: Callable[[Item], ReadModel],
) -> Response[Any]:
    """What a query asks for. `fetch` is what reads a page within a session."""

    async def read(wanted: ListQuery) -> Page[Item]:
        async with runtime_of(request).sessions.reading() as session:
            return await fetch(session)(wanted)

    page = await read(query)
    headers = _headers(request, query, page)
    rest = _rest(query, page)
    if rest is None:
        return Response([show(item) for item in page.items], headers=headers)
    begun = "[" + _joined(page.items, show)  # what cannot be shown is a problem as long as no status was sent
    return Stream(_streamed(begun, rest, read, show), media_type=JSON, headers=headers)


async def _streamed(
    begun: str, rest: ListQuery | None, read: Fetch[Item], show: Callable[[Item], ReadModel]
) -> AsyncIterator[str]:
    yield begun
    while rest is not None:
        page = await read(rest)
        if page.items:
            yield "," + _joined(page.items, show)
        rest = _rest(rest, page)
    yield "]"


def _joined(items: Sequence[Item], show: Callable[[Item], ReadModel]) -> str:
    return ",".join(show(item).model_dump_json(by_alias=True) for item in items)


def _rest(query: ListQuery, page: Page[Any]) -> ListQuery | None:
    """What is still to be read of what was asked for."""
    if page.ahead:
        return replace(query, keys=page.ahead, total_count=False, linked=False)
    left = None if query.limit is None else query.limit - len(page.items)
    if page.following is None or left == 0:
        return None
    return replace(query, offset=None, limit=left, after=page.following, total_count=False, linked=False)


def _headers(request: ApiRequest, query: ListQuery, page: Page[Any]) -> dict[str, str]:
    """Counting is for the first page: the link to the next one asks for no count, and such a page links on."""
    counted = {} if page.total is None else {"Total-Count": str(page.total)}
    if not query.linked:
        return counted
    first = _asked(request, without={"offset", "after", *([] if query.total_count else ["totalcount"])})
    if not query.total_count:
        first.append(("totalCount", "true"))
    links = [f'<{_address(request, first)}>; rel="first"']
    if query.limit is not None and page.beyond is not None:
        same = _asked(request, without={"offset", "after", "totalcount"})
        links.append(f'<{_address(request, [*same, ("after", written(page.beyond))])}>; rel="next"')
    return {**counted, "Link": ", ".join(links)}


def _asked(request: ApiRequest, *, without: Container[str]) -> list[tuple[str, str]]:
    asked = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return [(name, value) for name, value in asked if name.lower() not in without]


def _address(request: ApiRequest, query: Sequence[tuple[str, str]]) -> str:
    """The same list, asked for like that."""
    return f"{base_url(request)}{request.scope['path']}?{urlencode(query)}"
