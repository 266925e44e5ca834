"""Reads a request the way the contract's binder does, in its order of checks (section 1.4).

Authentication and scope have been judged before a handler runs. The handler then reads route values, then the
body: JSON, the guard of PUT, the field rules. Whatever is wrong here changes nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from litestar import Request
from litestar.datastructures import State
from pydantic import ValidationError
from pydantic_core import from_json

from tenant_api.db.listing import Cursor, ListQuery, ListRules
from tenant_api.kernel.errors import BadRequestError, DataError, ParameterError, UnsupportedMediaTypeError
from tenant_api.web import cursors
from tenant_api.web.wire import WriteModel

ApiRequest = Request[Any, Any, State]
Model = TypeVar("Model", bound=WriteModel)

INT32 = 2**31
INT64 = 2**63
INVALID_JSON = "The request body contains invalid JSON."
INVALID_PARAMETER = "The request contains one or more invalid parameters."
INTEGER = re.compile(r"[\t-\r ]*([+-]?)0*([0-9]{1,19})[\t-\r ]*")
"""A number of the path or the query as the contract's platform reads one: signed or not, blanks around it."""
DIRECTIONS = {"asc": False, "ascending": False, "desc": True, "descending": True}


def route_id(request: ApiRequest, name: str = "id", *, limit: int = INT32) -> int:
    """An integer of the path, or the contract's parameter error."""
    return _integer(str(request.path_params[name]), limit)


def route_uuid(request: ApiRequest, name: str = "id") -> UUID:
    """A UUID of the path, or the contract's parameter error."""
    try:
        return UUID(str(request.path_params[name]))
    except ValueError:
        raise ParameterError(errors=[INVALID_PARAMETER]) from None


async def read_optional_body(request: ApiRequest, model: type[Model]) -> Model:
    """The body as a valid model; without one, the model's defaults."""
    return await read_body(request, model) if await request.body() else model()


async def read_body(request: ApiRequest, model: type[Model], route_id: int | None = None) -> Model:
    """The body as a valid model. With `route_id`, a body whose `id` differs is refused before its rules."""
    body = await read_json(request)
    try:
        wanted = model.model_validate(body)
    except (ValidationError, RecursionError):
        raise DataError.of("$", INVALID_JSON) from None
    if route_id is not None and getattr(wanted, "id", route_id) != route_id:
        raise DataError.of("Id", "Request body id must match the id in the url.")
    if failures := wanted.failures():
        raise DataError(validation_errors=failures)
    return wanted


async def read_json(request: ApiRequest) -> Any:
    """The body as JSON values."""
    content_type = request.headers.get("content-type", "")
    if content_type:
        _require_json(content_type)
    body = await request.body()
    if not body:
        raise BadRequestError(errors=["A non-empty request body is required."])
    if not content_type:
        raise UnsupportedMediaTypeError
    try:
        value = from_json(body.removeprefix(b"\xef\xbb\xbf"), allow_inf_nan=False)
    except ValueError:
        raise DataError.of("$", INVALID_JSON) from None
    if value is None:
        raise BadRequestError(errors=["A non-empty request body is required."])
    return value


def read_list_query(request: ApiRequest, rules: ListRules) -> ListQuery:
    """Paging, order and filters; names in any case, unknown ones ignored, repeated values joined with commas."""
    sent: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        sent.setdefault(name.lower(), []).append(value)
    given = {name: ",".join(values) for name, values in sent.items()}
    offset, limit = (_optional_integer(given.get(name)) for name in ("offset", "limit"))
    filters, filter_errors = _filters(given, rules)
    order_by, order_error = _order(given.get("orderby"), rules)
    descending, direction_error = _direction(given.get("direction"), rules)
    errors = [
        *(["'offset' must be greater than or equal to 0."] if offset is not None and offset < 0 else []),
        *(["'limit' must be greater than 0."] if limit is not None and limit <= 0 else []),
        *order_error,
        *direction_error,
        *filter_errors,
    ]
    if errors:
        raise ParameterError(errors=errors)
    query = ListQuery(
        offset=offset,
        limit=limit,
        order_by=order_by,
        descending=descending,
        filters=filters,
        total_count=given.get("totalcount", "").lower() == "true",
    )
    query = replace(query, linked=query.total_count or "after" in given)
    return replace(query, after=_cursor(given.get("after"), rules, query))


def _cursor(text: str | None, rules: ListRules, query: ListQuery) -> Cursor | None:
    cursor = None if text is None else cursors.read(text, rules, query)
    if text is not None and cursor is None:
        raise ParameterError(errors=["'after' does not belong to this list in this order."])
    return cursor


def _filters(given: Mapping[str, str], rules: ListRules) -> tuple[dict[str, Any], list[str]]:
    filters: dict[str, Any] = {}
    errors = []
    for name, (kind, _) in rules.filters.items():
        text = given.get(name.lower())
        if text is None:
            continue
        if kind is list:
            filters[name] = _integers(text)
        else:
            filters[name] = _integer(text, INT32) if kind is int else _text(text)
        if filters[name] is None:
            errors.append(f"The '{name}' query parameter must be a comma-separated list of integers.")
    if "id" in filters and "ids" in filters:
        errors.append("'id' and 'ids' cannot be used together.")
    return filters, errors


def _integers(text: str) -> list[int] | None:
    try:
        return [_integer(entry.strip(), INT32) for entry in text.split(",")]
    except ParameterError:
        return None


def _direction(text: str | None, rules: ListRules) -> tuple[bool, list[str]]:
    """Whether to turn the order around."""
    if text is None or not rules.order_by:
        return False, []
    if text.lower() in DIRECTIONS:
        return DIRECTIONS[text.lower()], []
    return False, ["The direction query parameter must be one of: asc, ascending, desc, descending."]


def _order(text: str | None, rules: ListRules) -> tuple[str | None, list[str]]:
    if text is None or not rules.order_by:
        return None, []
    allowed = {name.lower(): name for name in rules.order_by}
    if text.lower() in allowed:
        return allowed[text.lower()], []
    return None, [f"'orderBy' is not a valid field. Allowed values: {', '.join(rules.order_by)}"]


def _optional_integer(text: str | None) -> int | None:
    return None if text is None else _integer(text, INT32)


def _integer(text: str, limit: int) -> int:
    found = INTEGER.fullmatch(text)
    if found and -limit <= (number := int(found[1] + found[2])) < limit:
        return number
    raise ParameterError(errors=[INVALID_PARAMETER])


def _text(text: str) -> str:
    """A value that PostgreSQL can compare; no row can hold NUL or a lone surrogate."""
    if "\x00" in text or (not text.isprintable() and any("\ud800" <= character <= "\udfff" for character in text)):
        raise ParameterError(errors=[INVALID_PARAMETER])
    return text


def _require_json(content_type: str) -> None:
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    charsets = [value for name, _, value in (part.partition("=") for part in parameters) if name.strip() == "charset"]
    if not is_json or any(charset.strip() != "utf-8" for charset in charsets):
        raise UnsupportedMediaTypeError
