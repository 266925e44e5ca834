"""Reads the forms of `/connect` as forgivingly as the contract does (sections 1.4 and 1.19)."""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote_plus

from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException

from tenant_api.kernel.errors import BadRequestError
from tenant_api.web.binding import ApiRequest

Form = Mapping[str, str]
Fields = Iterable[tuple[str, str]]

MOST_FIELDS = 1024
LONGEST_NAME = 2048
LONGEST_VALUE = 4 * 1024 * 1024
CHARSETS = ("us-ascii", "iso-8859-1", "windows-1252", "utf-16", "utf-16le", "utf-16be")
"""Besides UTF-8, which stands in for all others: some codecs of Python make text that cannot be stored."""


async def read_form(request: ApiRequest) -> Form:
    """The fields by their names in lower case, repeated ones joined with commas. Whatever is no form is empty."""
    kind, options = request.content_type
    return _joined(await _fields(request, kind, options.get("charset", "")))


def url_encoded_form(body: bytes) -> Form:
    """The form that a body in UTF-8 holds, as `read_form` would read it. BadRequestError."""
    return _joined(_url_encoded(body, ""))


def _joined(fields: Fields) -> Form:
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name.lower(), []).append(value)
    return {name: ",".join(values) for name, values in found.items()}


async def _fields(request: ApiRequest, kind: str, charset: str) -> Fields:
    if kind == RequestEncodingType.URL_ENCODED:
        return list(_url_encoded(await request.body(), charset.lower()))
    if kind == RequestEncodingType.MULTI_PART:
        return await _multipart(request)
    return []


def _url_encoded(body: bytes, charset: str) -> Iterator[tuple[str, str]]:
    text = body.decode(charset if charset in CHARSETS else "utf-8", errors="replace")
    fields = text.split("&", MOST_FIELDS)
    if len(fields) > MOST_FIELDS:
        raise _malformed()
    for field in filter(None, fields):
        name, _, value = field.partition("=")
        if len(name) > LONGEST_NAME or len(value) > LONGEST_VALUE:
            raise _malformed()
        yield unquote_plus(name), unquote_plus(value)


async def _multipart(request: ApiRequest) -> Fields:
    try:
        form = await request.form()
    except HTTPException as error:
        if error.status_code != 400:
            raise
        raise _malformed() from None
    except (LookupError, ValueError):
        raise _malformed() from None
    return [(_storable(name), _storable(value)) for name, value in form.multi_items() if isinstance(value, str)]


def _storable(text: str) -> str:
    """A part chooses its own codec, and some of them make lone surrogates."""
    return text.encode(errors="replace").decode()


def _malformed() -> BadRequestError:
    return BadRequestError(errors=["The request form payload is malformed."])
