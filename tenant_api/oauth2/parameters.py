"""Form bodies read strictly: one value per name, UTF-8, nothing in the address (RFC 6749, sections 2.3.1 and 3.2)."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote_plus

from litestar.enums import RequestEncodingType

from tenant_api.oauth2.errors import invalid_request
from tenant_api.web.binding import ApiRequest

Parameters = Mapping[str, str]

MOST_PARAMETERS = 64
LONGEST_BODY = 128 * 1024
BODY_ONLY = frozenset({"client_id", "client_secret", "client_assertion", "grant_type", "scope", "token"})

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


async def read_parameters(request: ApiRequest) -> Parameters:
    """The parameters of a request; those without a value count as absent. OAuthError `invalid_request`."""
    kind, options = request.content_type
    if kind != RequestEncodingType.URL_ENCODED or options.get("charset", "utf-8").lower() != "utf-8":
        raise invalid_request("The body must be application/x-www-form-urlencoded in UTF-8.")
    if BODY_ONLY & set(request.query_params):
        raise invalid_request("Parameters belong into the body, not into the address.")
    found: dict[str, str] = {}
    for name, value in parsed(await request.body()):
        if name in found:
            raise invalid_request("A parameter is repeated.")
        found[name] = value
    return {name: value for name, value in found.items() if value}


def parsed(body: bytes) -> Iterator[tuple[str, str]]:
    """Names and values of a form. OAuthError `invalid_request`."""
    fields = [field for field in body.split(b"&", MOST_PARAMETERS) if field]
    if len(body) > LONGEST_BODY or len(fields) > MOST_PARAMETERS:
        raise invalid_request("The body is too long.")
    for field in fields:
        name, _, value = field.partition(b"=")
        yield decoded(name), decoded(value)


def decoded(text: bytes) -> str:
    """One name or value out of application/x-www-form-urlencoded. OAuthError `invalid_request`."""
    try:
        plain = text.decode("ascii")
        if not _BROKEN_ESCAPE.search(plain):
            return unquote_plus(plain, errors="strict")
    except UnicodeDecodeError:
        pass
    raise invalid_request("The body is not well-formed application/x-www-form-urlencoded in UTF-8.")
