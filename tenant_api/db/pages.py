"""Pages of lists, with the place where the next one begins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from sqlalchemy import Select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.listing import Cursor, ListQuery, ListRules, counted, listed, order_of

Item = TypeVar("Item")

BATCH = 1000
"""How many rows are read at a time, whatever limit a query sets."""
FURTHEST = 2**31 - 3
"""No list is longer: ids are 32 bits wide, and so are offsets in statements."""


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Item]):
    """Some of a list; `following` is where the rest begins, `total` how much there is, if that was asked.

    `beyond` is where the next page begins, if that was asked: `following` unless the query wants more than a batch.
    """

    items: Sequence[Item]
    following: Cursor | None
    total: int | None
    beyond: Cursor | None = None


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
        total: int | None = None
        if query.total_count:
            counting: Any = counted(statement, self.rules, query, key=self.key)
            total = (await session.exec(counting, params=values)).one()[0]
        size = min(query.limit or BATCH, BATCH)
        selection: Any = listed(statement, self.rules, replace(query, limit=size + 1), key=self.key)
        items = [self.item(row) for row in (await session.exec(selection, params=values)).all()]
        following = self._after(items[size - 1], query) if len(items) > size else None
        beyond = following
        if query.linked and query.limit and query.limit > BATCH and following is not None:
            beyond = await self._end(session, statement, query, values)
        return Page(items=items[:size], following=following, total=total, beyond=beyond)

    async def _end(
        self, session: AsyncSession, statement: Select[*tuple[Any, ...]], query: ListQuery, values: Mapping[str, object]
    ) -> Cursor | None:
        """Where a page ends that is read in batches, unless the list does; of its rows only the places are read."""
        skipped = (query.offset or 0) + (query.limit or 0) - 1
        if skipped > FURTHEST:
            return None
        order_by, descending = order_of(self.rules, query)
        ordered = order_by in self.rules.order_by
        place = (self.rules.order_by[order_by], self.key) if ordered else (self.key,)
        rows = listed(statement, self.rules, replace(query, offset=skipped, limit=2), key=self.key)
        last: Any = rows.with_only_columns(*place)
        found = (await session.exec(last, params=values)).all()
        if len(found) < 2:  # the last row of the page, and one after it
            return None
        value, key = found[0] if ordered else (None, found[0][0])
        return Cursor(order_by=order_by, descending=descending, value=value, key=key)

    def _after(self, item: Item, query: ListQuery) -> Cursor:
        row = self.entity(item)
        order_by, descending = order_of(self.rules, query)
        column = self.rules.order_by.get(order_by)
        value = None if column is None else getattr(row, column.key)
        return Cursor(order_by=order_by, descending=descending, value=value, key=getattr(row, self.key.key))
