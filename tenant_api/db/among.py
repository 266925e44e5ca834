"""Membership in a list of any length: one parameter, where `IN` would need one for each element."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, all_, any_, literal
from sqlalchemy.orm import Mapped


def among(column: Mapped[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether the column holds one of the values."""
    return column == any_(_array(column, values))


def not_among(column: Mapped[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether the column holds none of the values."""
    return column != all_(_array(column, values))


def _array(column: Mapped[Any], values: Collection[Any]) -> Any:
    element: Any = column.type  # type: ignore[attr-defined]  # columns of tables have one
    return literal(list(values), ARRAY(element))
