"""Cursors as query values. They are no secrets: whoever may read a list may begin anywhere in it."""

import base64
import binascii

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Integer

from tenant_api.db.listing import Cursor, ListQuery, ListRules, order_of

LONGEST = 4096


class _Written(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    order_by: str
    descending: bool
    value: str | int | None
    key: int = Field(ge=-(2**63), lt=2**63)


def written(cursor: Cursor) -> str:
    """Safe in a URL."""
    text = _Written(
        order_by=cursor.order_by, descending=cursor.descending, value=cursor.value, key=cursor.key
    ).model_dump_json()
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(text: str, rules: ListRules, query: ListQuery) -> Cursor | None:
    """The cursor, if it is one of this list in this order."""
    if len(text) > LONGEST:
        return None
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found = _Written.model_validate_json(plain)
    except (binascii.Error, ValidationError, ValueError):
        return None
    if (found.order_by, found.descending) != order_of(rules, query) or not _fits(found, rules):
        return None
    return Cursor(order_by=found.order_by, descending=found.descending, value=found.value, key=found.key)


def _fits(found: _Written, rules: ListRules) -> bool:
    column = rules.order_by.get(found.order_by)
    if found.value is None:
        return True
    if isinstance(found.value, int):
        return column is not None and isinstance(column.type, Integer) and -(2**63) <= found.value < 2**63
    return column is not None and not isinstance(column.type, Integer) and "\x00" not in found.value
