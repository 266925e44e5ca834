"""Problem bodies word for word (contract section 1.4)."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx2


def says(
    answer: httpx2.Response,
    status: int,
    urn: str,
    title: str,
    detail: str,
    *,
    errors: Sequence[str] = (),
    validation_errors: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Assert the seven members, in order and in full, and the headers that every answer has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    body: dict[str, Any] = answer.json()
    assert body["correlationId"].strip()
    assert list(body.items()) == [
        ("detail", detail),
        ("type", urn),
        ("title", title),
        ("status", status),
        ("correlationId", body["correlationId"]),
        ("validationErrors", dict(validation_errors or {})),
        ("errors", list(errors)),
    ]
