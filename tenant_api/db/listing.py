"""Lists as the contract pages, sorts and filters them (section 1.5), independent of any resource."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select

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
class ListQuery:
    """A list request that has been read and found valid."""

    offset: int | None = None
    limit: int | None = None
    order_by: str | None = None
    descending: bool = False
    filters: Mapping[str, Any] = field(default_factory=dict)


def listed(statement: Statement, rules: ListRules, query: ListQuery, *, key: Any) -> Statement:
    """Filter, order (ties by `key`) and page a select."""
    for name, value in query.filters.items():
        statement = statement.where(rules.filters[name][1](value))
    if rules.order_by:
        column = rules.order_by[query.order_by or rules.default_order]
        descending = query.descending and (query.order_by is not None or rules.direction_alone)
        statement = statement.order_by(column.desc() if descending else column.asc())
    return statement.order_by(key.asc()).offset(query.offset).limit(query.limit)
