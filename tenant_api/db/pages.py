"""Pages of lists, with the place where the next one begins."""

import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from sqlalchemy import BigInteger, LargeBinary, Select, cast, func, literal, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.listing import Cursor, ListQuery, ListRules, chosen, counted, listed, order_of

Item = TypeVar("Item")

BATCH = 1000
"""How many rows are read at a time, whatever limit a query sets."""
LONGEST = 2**31 - 2
"""No list is longer: ids are 32 bits wide, and so are limits in statements."""


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Item]):
    """Some of a list; `following` is where the rest begins, `total` how much there is, if that was asked.

    `beyond` is where the next page begins, if that was asked: `following` unless the query wants more than a batch.
    Then `ahead` are the keys of what else belongs to this page, and `following` is None: the page before a link is
    fixed when the link is made, so that linked pages share no row and leave none out, whatever changes meanwhile.
    """

    items: Sequence[Item]
    following: Cursor | None
    total: int | None
    beyond: Cursor | None = None
    ahead: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Listing(Generic[Item]):
    """How rows of a select become items, and which of an item's columns its list is ordered by."""

    rules: ListRules
    key: Any
    item: Callable[[Any], Item] = lambda row: row
    entity: Callable[[Item], Any] = lambda item: item

    async def page(
        self, session: AsyncSession, statement: Select[*tuple[Any, ...]], query: ListQuery, **values: object
    ) -> Page[Item]:
        """The first rows that a query asks for, at most `BATCH`.

        `values` are those of the parameters that the statement leaves open.
        """
        if query.keys:
            return await self._named(session, statement, query, values)
        total: int | None = None
        if query.total_count:
            counting: Any = counted(statement, self.rules, query, key=self.key)
            total = (await session.exec(counting, params=values)).one()[0]
        size = min(query.limit or BATCH, BATCH)
        selection: Any = listed(statement, self.rules, replace(query, limit=size + 1), key=self.key)
        items = [self.item(row) for row in (await session.exec(selection, params=values)).all()]
        following = self._after(items[size - 1], query) if len(items) > size else None
        if query.linked and query.limit and query.limit > BATCH and following is not None:
            rest = replace(query, offset=None, after=following, limit=query.limit - size)
            ahead, beyond = await self._ahead(session, statement, rest, values)
            return Page(items=items[:size], following=None, total=total, beyond=beyond, ahead=ahead)
        return Page(items=items[:size], following=following, total=total, beyond=following)

    async def _named(
        self, session: AsyncSession, statement: Select[*tuple[Any, ...]], query: ListQuery, values: Mapping[str, object]
    ) -> Page[Item]:
        """The first of the rows that are there of those that a query names. What was deleted meanwhile is left out."""
        selection: Any = chosen(statement, self.rules, replace(query, keys=query.keys[:BATCH]), key=self.key)
        items = [self.item(row) for row in (await session.exec(selection, params=values)).all()]
        places = {key: place for place, key in enumerate(query.keys[:BATCH])}
        items.sort(key=lambda item: places[getattr(self.entity(item), self.key.key)])
        return Page(items=items, following=None, total=None, ahead=query.keys[BATCH:])

    async def _ahead(
        self, session: AsyncSession, statement: Select[*tuple[Any, ...]], query: ListQuery, values: Mapping[str, object]
    ) -> tuple[Sequence[int], Cursor | None]:
        """The keys of all that a query asks for (8 bytes each), and where the list goes on, unless it ends there.

        They come as one value: as many rows would hold up every other request while the driver reads them.
        """
        most = min(query.limit or LONGEST, LONGEST)
        rows = listed(statement, self.rules, replace(query, limit=most + 1), key=self.key)
        columns = (self.key.label("place_key"), self._ordering(query).label("place_value"))
        # Rows of a materialized expression are read in the order in which they were found.
        places = rows.with_only_columns(*columns).cte("places").prefix_with("MATERIALIZED")
        key, value = places.c
        packed = func.string_agg(func.int8send(cast(key, BigInteger)), literal(b"", LargeBinary), type_=LargeBinary)
        last = select(value).offset(most - 1).limit(1).scalar_subquery()
        packing: Any = select(packed, last).select_from(places)
        found, value_of_last = (await session.exec(packing, params=values)).one()
        keys = _unpacked(found or b"")
        beyond = self._cursor(query, value_of_last, keys[most - 1]) if len(keys) > most else None
        return memoryview(keys)[:most], beyond

    def _after(self, item: Item, query: ListQuery) -> Cursor:
        row = self.entity(item)
        return self._cursor(query, getattr(row, self._ordering(query).key), getattr(row, self.key.key))

    def _ordering(self, query: ListQuery) -> Any:
        """The column that the list is ordered by."""
        return self.rules.order_by.get(order_of(self.rules, query)[0], self.key)

    def _cursor(self, query: ListQuery, value: Any, key: int) -> Cursor:
        order_by, descending = order_of(self.rules, query)
        ordered = order_by in self.rules.order_by
        return Cursor(order_by=order_by, descending=descending, value=value if ordered else None, key=key)


def _unpacked(sent: bytes) -> "array[int]":
    """Keys as the server sends them, the highest byte first."""
    keys = array("q", sent)
    if sys.byteorder == "little":
        keys.byteswap()
    return keys
