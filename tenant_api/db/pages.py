"""Pages of lists, with the place where the next one begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from sqlalchemy import Select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.listing import Cursor, ListQuery, ListRules, counted, listed, order_of

Item = TypeVar("Item")

BATCH = 1000
"""How many rows are read at a time where a query sets no limit."""


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Item]):
    """Some of a list; `following` is where the rest begins, `total` how much there is, if that was asked."""

    items: Sequence[Item]
    following: Cursor | None
    total: int | None


@dataclass(frozen=True, kw_only=True)
class Listing(Generic[Item]):
    """How rows of a select become items, and which of an item's columns its list is ordered by."""

    rules: ListRules
    key: Any
    item: Callable[[Any], Item] = lambda row: row
    entity: Callable[[Item], Any] = lambda item: item

    async def page(self, session: AsyncSession, statement: Select[*tuple[Any, ...]], query: ListQuery) -> Page[Item]:
        """The first rows that a query asks for: at most `BATCH`, unless it counts and limits them itself."""
        total: int | None = None
        if query.total_count:
            counting: Any = counted(statement, self.rules, query, key=self.key)
            total = (await session.exec(counting)).one()[0]
        size = query.limit if query.total_count and query.limit else min(query.limit or BATCH, BATCH)
        selection: Any = listed(statement, self.rules, replace(query, limit=size + 1), key=self.key)
        items = [self.item(row) for row in (await session.exec(selection)).all()]
        following = self._after(items[size - 1], query) if len(items) > size else None
        return Page(items=items[:size], following=following, total=total)

    def _after(self, item: Item, query: ListQuery) -> Cursor:
        row = self.entity(item)
        order_by, descending = order_of(self.rules, query)
        column = self.rules.order_by.get(order_by)
        value = None if column is None else getattr(row, column.key)
        return Cursor(order_by=order_by, descending=descending, value=value, key=getattr(row, self.key.key))
