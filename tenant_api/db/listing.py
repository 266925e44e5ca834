"""Lists as the contract pages, sorts and filters them (section 1.5), independent of any resource."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, and_, func, literal, or_, select

Statement = TypeVar("Statement", bound=Select[*tuple[Any, ...]])

Condition = Callable[[Any], ColumnElement[bool]]


@dataclass(frozen=True, kw_only=True)
class ListRules:
    """What a resource's list accepts.

    `filters` maps a query name to its type (`list` stands for integers between commas), `order_by` a query name to
    its column; without any, a list is only paged. With `direction_alone`, `direction` without `orderBy` flips the
    default order; otherwise it is ignored.
    """

    filters: Mapping[str, tuple[type, Condition]]
    order_by: Mapping[str, Any] = field(default_factory=dict)
    default_order: str = ""
    direction_alone: bool = False


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """The place in an ordered list after one row: that row's value in the ordering column, and its key."""

    order_by: str
    descending: bool
    value: str | int | None
    key: int


@dataclass(frozen=True, kw_only=True)
class ListQuery:
    """A list request that has been read and found valid."""

    offset: int | None = None
    limit: int | None = None
    order_by: str | None = None
    descending: bool = False
    filters: Mapping[str, Any] = field(default_factory=dict)
    total_count: bool = False
    after: Cursor | None = None


def order_of(rules: ListRules, query: ListQuery) -> tuple[str, bool]:
    """The name of the ordering column (empty for the key alone), and whether the order is turned around."""
    if not rules.order_by:
        return "", False
    descending = query.descending and (query.order_by is not None or rules.direction_alone)
    return query.order_by or rules.default_order, descending


def listed(statement: Statement, rules: ListRules, query: ListQuery, *, key: Any) -> Statement:
    """Filter, order (ties by `key`) and page a select. A cursor costs the same wherever it stands."""
    statement = _filtered(statement, rules, query)
    order_by, descending = order_of(rules, query)
    column = rules.order_by.get(order_by)
    if query.after is not None:
        statement = statement.where(_beyond(query.after, column, key))
    if column is not None:
        statement = statement.order_by(column.desc() if descending else column.asc())
    return statement.order_by(key.asc()).offset(query.offset).limit(query.limit)


def counted(statement: Statement, rules: ListRules, query: ListQuery, *, key: Any) -> Select[int]:
    """Count what the filters leave, on all pages together."""
    matching = _filtered(statement, rules, query).with_only_columns(key).order_by(None)
    return select(func.count()).select_from(matching.subquery())


def _filtered(statement: Statement, rules: ListRules, query: ListQuery) -> Statement:
    for name, value in query.filters.items():
        statement = statement.where(rules.filters[name][1](value))
    return statement


def _beyond(after: Cursor, column: Any, key: Any) -> ColumnElement[bool]:
    """What comes after a row. Nulls are last in ascending order and first in descending order."""
    beyond_key: ColumnElement[bool] = key > literal(after.key, BigInteger)
    if column is None:
        return beyond_key
    if after.value is None:
        tied: ColumnElement[bool] = and_(column.is_(None), beyond_key)
        return or_(tied, column.is_not(None)) if after.descending else tied
    value = literal(after.value, BigInteger if isinstance(column.type, Integer) else column.type)
    if after.descending:
        less: ColumnElement[bool] = and_(column <= value, or_(column < value, beyond_key))
        return less
    greater: ColumnElement[bool] = and_(column >= value, or_(column > value, beyond_key))
    return or_(greater, column.is_(None)) if column.property.columns[0].nullable else greater
