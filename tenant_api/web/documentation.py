"""The API description as one page for people: rendered here, readable offline, no script and no outside address."""

import base64
import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from html import escape
from typing import Any

from litestar import Controller, Response, get

from tenant_api.web.binding import ApiRequest
from tenant_api.web.openapi import Json, document_for
from tenant_api.web.openapi_components import OAUTH
from tenant_api.web.operation import PUBLIC, operation

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem 1.5rem 4rem; }
h2 { border-bottom: 1px solid var(--line); margin-top: 3rem; }
article { border: 1px solid var(--line); border-radius: 6px; margin: 1rem 0; padding: 0 1rem 1rem; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
pre { background: var(--soft); border-radius: 4px; overflow-x: auto; padding: .5rem; }
h3 code { background: var(--soft); border-radius: 4px; padding: .1rem .4rem; }
table { border-collapse: collapse; width: 100%; }
caption { font-weight: 600; padding: .6rem 0 .2rem; text-align: left; }
th, td { border-top: 1px solid var(--line); padding: .25rem .5rem .25rem 0; text-align: left; vertical-align: top; }
nav ul { columns: 18rem; list-style: none; padding: 0; }
"""
POLICY = "; ".join(
    [
        "default-src 'none'",
        f"style-src 'sha256-{base64.b64encode(sha256(STYLE.encode()).digest()).decode()}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
HTML = "text/html"
CONSTRAINTS = {
    "format": "{}",
    "enum": "one of {}",
    "minLength": "at least {} long",
    "maxLength": "at most {} long",
    "minItems": "at least {} of them",
    "pattern": "like {}",
    "minimum": "from {}",
    "maximum": "to {}",
    "exclusiveMinimum": "above {}",
}


class DocumentationController(Controller):
    """The page, which carries the OpenAPI document inside."""

    path = "/docs"
    tags = ["Information"]

    @get(
        opt=operation(
            "getDocumentation",
            "Read this API's documentation",
            PUBLIC,
            answers={200: str},
            headers=("Content-Security-Policy",),
            media_type=HTML,
            example='<!doctype html><html lang="en"></html>',
        )
    )
    async def page(self, request: ApiRequest) -> Response[str]:
        headers = {"Content-Security-Policy": POLICY}
        return Response("".join(page(document_for(request))), media_type=HTML, headers=headers)


def page(document: Json) -> Iterator[str]:
    """The HTML, piece by piece."""
    title = escape(document["info"]["title"])
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{STYLE}</style></head><body>"
    yield f"<h1>{title}</h1><p>{escape(document['info']['description'])}</p>"
    tagged = {tag["name"]: list(_tagged(document, tag["name"])) for tag in document["tags"]}
    yield from _contents(tagged)
    for tag, operations in tagged.items():
        yield f'<section><h2 id="tag-{_anchor(tag)}">{escape(tag)}</h2>'
        for path, method, described in operations:
            yield from _operation(document, path, method, described)
        yield "</section>"
    yield "<section><h2>Bodies</h2>"
    for name, schema in document["components"]["schemas"].items():
        yield from _model(name, schema)
    yield f'</section><script type="application/json" id="openapi">{_embedded(document)}</script></body></html>'


def _tagged(document: Json, tag: str) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            if tag in described["tags"]:
                yield path, method.upper(), described


def _contents(tagged: dict[str, list[tuple[str, str, Json]]]) -> Iterator[str]:
    yield "<nav>"
    for tag, operations in tagged.items():
        yield f'<p><a href="#tag-{_anchor(tag)}">{escape(tag)}</a></p><ul>'
        for path, method, described in operations:
            address = f'<a href="#{_anchor(described["operationId"])}">{method} {escape(path)}</a>'
            yield f"<li>{address}</li>"
        yield "</ul>"
    yield "</nav>"


def _operation(document: Json, path: str, method: str, described: Json) -> Iterator[str]:
    yield f'<article id="{_anchor(described["operationId"])}"><h3>{escape(described["summary"])}<br>'
    yield f"<code>{method} {escape(path)}</code></h3>"
    if text := described.get("description"):
        yield f"<p>{escape(text)}</p>"
    scopes = [f"<code>{escape(scope)}</code>" for need in described["security"] for scope in need.get(OAUTH, ())]
    yield f"<p>{'Needs a token with ' + ' or '.join(scopes) if scopes else 'Needs no token'}.</p>"
    parameters = [_resolved(document, parameter) for parameter in described["parameters"]]
    yield from _table("Parameters", map(_parameter, parameters))
    if body := described.get("requestBody"):
        taken = [(media_type, _kind(content["schema"])) for media_type, content in body["content"].items()]
        yield from _table("Body", ((f"<code>{escape(media_type)}</code>", kind) for media_type, kind in taken))
    yield from _table(
        "Answers", (_answer(document, status, answer) for status, answer in described["responses"].items())
    )
    yield "</article>"


def _parameter(parameter: Json) -> tuple[str, str, str]:
    place = f"{parameter['in']}{', required' if parameter.get('required') else ''}"
    text = " ".join(filter(None, [_kind(parameter["schema"]), escape(parameter.get("description", ""))]))
    return f"<code>{escape(parameter['name'])}</code>", place, text


def _answer(document: Json, status: str, answer: Json) -> tuple[str, str, str]:
    resolved = _resolved(document, answer)
    bodies = [_kind(content["schema"]) for content in resolved.get("content", {}).values()]
    headers = [f"<code>{escape(name)}</code>" for name in resolved.get("headers", {})]
    return status, f"{escape(resolved['description'])}<br>{', '.join(headers)}", " or ".join(bodies) or "empty"


def _model(name: str, schema: Json) -> Iterator[str]:
    yield f'<article id="body-{_anchor(name)}"><h3>{escape(name)}</h3><p>{escape(schema.get("description", ""))}</p>'
    for example in schema.get("examples", ()):
        yield f"<pre><code>{escape(json.dumps(example, indent=2, ensure_ascii=False))}</code></pre>"
    required = schema.get("required", ())
    yield from _table(
        "Members",
        (
            (f"<code>{escape(member)}</code>", "required" if member in required else "optional", _described(kind))
            for member, kind in schema.get("properties", {}).items()
        ),
    )
    yield "</article>"


def _described(schema: Json) -> str:
    return " ".join(filter(None, [_kind(schema), escape(schema.get("description", ""))]))


def _kind(schema: Json) -> str:
    """A schema in words."""
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return f'<a href="#body-{_anchor(name)}">{escape(name)}</a>'
    if kinds := schema.get("anyOf"):
        words = " or ".join(map(_kind, kinds))
    elif schema.get("type") == "array":
        words = f"list of {_kind(schema.get('items', {}))}"
    else:
        words = escape(str(schema.get("type", "anything")))
    limits = [escape(text.format(_listed(schema[key]))) for key, text in CONSTRAINTS.items() if key in schema]
    return ", ".join([words, *limits])


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _table(caption: str, rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    written = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    if written:
        yield f"<table><caption>{caption}</caption>{''.join(written)}</table>"


def _resolved(document: Json, part: Json) -> Json:
    while reference := part.get("$ref"):
        part = document
        for key in reference.removeprefix("#/").split("/"):
            part = part[key]
    return part


def _anchor(name: str) -> str:
    return escape(name.replace(" ", "-"), quote=True)


def _embedded(document: Json) -> str:
    """JSON that cannot end its element: `<` and its kin are written as escapes."""
    text = json.dumps(document, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
