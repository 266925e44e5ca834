"""Membership in a list of any length: one parameter, where `IN` would need one for each element."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, any_, literal
from sqlalchemy.orm import Mapped


def among(column: Mapped[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether the column holds one of the values."""
    element: Any = column.type  # type: ignore[attr-defined]  # columns of tables have one
    return column == any_(literal(list(values), ARRAY(element)))
