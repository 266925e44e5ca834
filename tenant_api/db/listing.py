"""Lists as the contract pages, sorts and filters them (section 1.5), independent of any resource."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, and_, func, literal, or_, select, union_all

from tenant_api.db.among import among

Statement = TypeVar("Statement", bound=Select[*tuple[Any, ...]])

Condition = Callable[[Any], ColumnElement[bool]]


@dataclass(frozen=True, kw_only=True)
class ListRules:
    """What a resource's list accepts.

    `filters` maps a query name to its type (`list` stands for integers between commas), `order_by` a query name to
    its column; without any, a list is only paged. With `direction_alone`, `direction` without `orderBy` flips the
    default order; otherwise it is ignored. For the sake of speed, `repeating` names the orders in which many rows
    have equal values, and `joined` gives for an order by a foreign key the key that it is joined to: the planner
    does not infer that both are beyond a cursor.
    """

    filters: Mapping[str, tuple[type, Condition]]
    order_by: Mapping[str, Any] = field(default_factory=dict)
    default_order: str = ""
    direction_alone: bool = False
    repeating: Collection[str] = ()
    joined: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """The place in an ordered list after one row: that row's value in the ordering column, and its key."""

    order_by: str
    descending: bool
    value: str | int | None
    key: int


@dataclass(frozen=True, kw_only=True)
class ListQuery:
    """A list request that has been read and found valid. `linked` asks where the page after this one begins.

    With `keys` it is about those rows alone, in that order, as far as the filters still leave them.
    """

    offset: int | None = None
    limit: int | None = None
    order_by: str | None = None
    descending: bool = False
    filters: Mapping[str, Any] = field(default_factory=dict)
    total_count: bool = False
    after: Cursor | None = None
    linked: bool = False
    keys: Sequence[int] = ()


def order_of(rules: ListRules, query: ListQuery) -> tuple[str, bool]:
    """The name of the ordering column (empty for the key alone), and whether the order is turned around."""
    if not rules.order_by:
        return "", False
    descending = query.descending and (query.order_by is not None or rules.direction_alone)
    return query.order_by or rules.default_order, descending


def listed(statement: Statement, rules: ListRules, query: ListQuery, *, key: Any) -> Statement:
    """Filter, order (ties by `key`) and page a select. A cursor costs the same wherever it stands."""
    matching = _filtered(statement, rules, query)
    order_by, descending = order_of(rules, query)
    column = rules.order_by.get(order_by, key)
    if query.after is None:
        whole = _ordered(matching, column, key, descending=descending)
        return _skipping(whole, query, key).limit(query.limit)
    if order_by in rules.joined:
        matching = matching.where(_beside(query.after, rules.joined[order_by]))
    ranges = [(matching.where(rest), turned) for rest, turned in _ranges(query.after, column, key, rules)]
    if len(ranges) == 1:
        whole = _ordered(ranges[0][0], column, key, descending=descending)
    else:
        most = None if query.limit is None else query.limit + (query.offset or 0)
        parts = [_ordered(rest, column, key, descending=turned).limit(most) for rest, turned in ranges]
        found = union_all(*(part.with_only_columns(key) for part in parts))
        whole = _ordered(matching.where(key.in_(found)), column, key, descending=descending)
    return _skipping(whole, query, key).limit(query.limit)


def chosen(statement: Statement, rules: ListRules, query: ListQuery, *, key: Any) -> Statement:
    """The rows that a query names by their keys, in no order."""
    return _filtered(statement, rules, query).where(among(key, query.keys))


def counted(statement: Statement, rules: ListRules, query: ListQuery, *, key: Any) -> Select[int]:
    """Count what the filters leave, on all pages together."""
    matching = _filtered(statement, rules, query).with_only_columns(key).order_by(None)
    return select(func.count()).select_from(matching.subquery())


def _filtered(statement: Statement, rules: ListRules, query: ListQuery) -> Statement:
    for name, value in query.filters.items():
        statement = statement.where(rules.filters[name][1](value))
    return statement


def _ordered(statement: Statement, column: Any, key: Any, *, descending: bool) -> Statement:
    statement = statement.order_by(column.desc() if descending else column.asc())
    return statement if column is key else statement.order_by(key.asc())


def _skipping(whole: Statement, query: ListQuery, key: Any) -> Statement:
    """Without the first rows. What a row shows besides itself is not looked up for those that are skipped."""
    if not query.offset:
        return whole
    found = whole.with_only_columns(key).offset(query.offset).limit(query.limit).subquery()
    return whole.where(key.in_(select(found.c[0])))


def _ranges(after: Cursor, column: Any, key: Any, rules: ListRules) -> Iterator[tuple[ColumnElement[bool], bool]]:
    """What comes after a row: parts of an index, in order, and whether each of them is read backwards.

    Nulls are last in ascending order and first in descending order.
    """
    beyond_key = key > literal(after.key, BigInteger)
    nullable = column.property.columns[0].nullable
    if column is key:
        yield (key < literal(after.key, BigInteger) if after.descending else beyond_key), after.descending
    elif after.value is None:
        yield and_(column.is_(None), beyond_key), False
        if after.descending:
            yield column.is_not(None), True
    else:
        last = _value(after, column)
        beyond = column < last if after.descending else column > last
        if not nullable and after.order_by not in rules.repeating:
            yield and_(_beside(after, column), or_(beyond, beyond_key)), after.descending
            return
        yield and_(column == last, beyond_key), False
        yield beyond, after.descending
        if nullable and not after.descending:
            yield column.is_(None), False


def _beside(after: Cursor, column: Any) -> ColumnElement[bool]:
    """At the value of a cursor or beyond it."""
    last = _value(after, column)
    beside: ColumnElement[bool] = column <= last if after.descending else column >= last
    return beside


def _value(after: Cursor, column: Any) -> ColumnElement[Any]:
    return literal(after.value, BigInteger if isinstance(column.type, Integer) else column.type)
