"""Describes single operations: parameters, bodies, every answer, who may call."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from tenant_api.kernel.errors import ConcurrentModificationError
from tenant_api.web.json_schema import SENT, TAKEN, JsonSchemas
from tenant_api.web.openapi_components import INT32, OAUTH, PARAMETERS
from tenant_api.web.openapi_links import Links
from tenant_api.web.openapi_problems import BODY, FORM, TENANT, Problem, answers_of, headers_of, kinds_of
from tenant_api.web.operation import PUBLIC, READ_ONLY_ACCESS, Operation
from tenant_api.web.tenancy import is_exempt
from tenant_api.web.wire import Int32

Json = dict[str, Any]

DOCUMENTED_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PAGING = ("offset", "limit", "totalCount", "after")
FORM_MEDIA = "application/x-www-form-urlencoded"
ANSWERS = {
    200: "Done; the body is the answer.",
    201: "Made; `Location` is its address.",
    202: "Accepted; a job does the rest.",
    204: "Done; there is nothing to say.",
    304: "What the caller has is still current.",
    400: "The request is malformed, or asks for what is not to be had; the body says it in OAuth's words.",
    401: "The client did not prove itself, or its token does not count.",
    403: "What is asked for is switched off.",
    415: "The body is not JSON in UTF-8.",
    429: "Too many wrong secrets for this client of late.",
    502: "The identity provider gave no usable answer.",
    503: "Something that the service needs does not work.",
}


@dataclass(frozen=True, kw_only=True)
class Described:
    """One operation and where it is."""

    path: str
    method: str
    tag: str
    operation: Operation

    @property
    def parameters(self) -> list[str]:
        """The names of the path's parameters."""
        return re.findall(r"\{(\w+)\}", self.path)

    def type_of(self, parameter: str) -> Any:
        """The type of a parameter of the path."""
        return self.operation.path.get(parameter, Int32 if parameter == "id" else str)

    def kinds(self, *, tenant: bool) -> set[str]:
        """Every kind of refusal. 405 is none: it is the answer to a method that is not described."""
        said = self.operation
        read = said.lists or said.query or any(self.type_of(name) is not str for name in self.parameters)
        found = {kind for problem in (500, *said.problems) for kind in kinds_of(problem)}
        if tenant:
            found |= {*TENANT, *kinds_of(503)}
        if said.access != PUBLIC:
            found |= {kind for status in (401, 403, 502, 503) for kind in kinds_of(status)} - {"InvalidClient"}
        if said.access != PUBLIC and READ_ONLY_ACCESS not in said.access:
            found |= set(kinds_of(ConcurrentModificationError))
        if read:
            found.add("InvalidParameter")
        if said.body:
            found |= {*BODY, *kinds_of(413), *kinds_of(415)}
        if said.form:
            found |= {*FORM, *kinds_of(413)}
        return found


def operations_of(app: Litestar) -> Iterator[Described]:
    """Every operation. A path that ends in anything at all repeats a shorter one."""
    for route in app.routes:
        if ":path}" in str(route.path):
            continue
        handlers = [
            handler for handler in getattr(route, "route_handlers", ()) if isinstance(handler, HTTPRouteHandler)
        ]
        for handler in handlers:
            entry: Operation | None = handler.opt.get("operation")
            if entry is None or not handler.resolve_include_in_schema():
                continue
            path = re.sub(r"\{(\w+):\w+\}", r"{\1}", str(route.path))
            for method in sorted(handler.http_methods & set(DOCUMENTED_METHODS)):
                yield Described(path=path, method=method, tag=next(iter(handler.resolve_tags()), ""), operation=entry)


class Writing:
    """Writes operations, and remembers which components they refer to."""

    def __init__(self, described: list[Described], *, multi_tenancy: bool) -> None:
        self.schemas = JsonSchemas(_types(described))
        self.refusals: set[str] = set()
        self._links = Links(((entry.path, entry.method), entry.operation) for entry in described)
        self._multi_tenancy = multi_tenancy

    def operation(self, entry: Described) -> Json:
        said = entry.operation
        tenant = self._multi_tenancy and not is_exempt(entry.path)
        written: Json = {"tags": [entry.tag], "summary": said.summary}
        if said.description:
            written["description"] = said.description
        written["operationId"] = said.id
        written["parameters"] = list(self._parameters(entry, tenant=tenant))
        for taken, media_type in ((said.body, "application/json"), (said.form, FORM_MEDIA)):
            if taken:
                content = {media_type: self._media(taken, TAKEN)}
                written["requestBody"] = {"required": not said.optional_body, "content": content}
        answers = {**dict(self._refusals(entry, tenant=tenant)), **dict(self._answers(entry))}
        written["responses"] = dict(sorted(answers.items()))
        written["security"] = [{OAUTH: [scope]} for scope in sorted(said.access)]
        return written

    def _parameters(self, entry: Described, *, tenant: bool) -> Iterator[Json]:
        said = entry.operation
        for name in entry.parameters:
            yield {**self._parameter(name, "path", entry.type_of(name)), "required": True}
        for name, kind in said.query.items():
            yield self._parameter(name, "query", kind)
        if said.lists:
            for name, (type_, _) in said.lists.filters.items():
                yield _filter(name, type_)
            if said.lists.order_by:
                names = list(said.lists.order_by)
                yield {
                    "name": "orderBy",
                    **PARAMETERS["orderBy"],
                    "schema": {"type": "string", "enum": names},
                    "example": names[0],
                }
                yield {"$ref": "#/components/parameters/direction"}
            yield from ({"$ref": f"#/components/parameters/{name}"} for name in PAGING)
        if tenant:
            yield {"$ref": "#/components/parameters/Tenant"}

    def _parameter(self, name: str, place: str, kind: Any) -> Json:
        """A parameter with the description and the example of its type; an id's are those of all ids."""
        schema = dict(self.schemas.of(kind, TAKEN))
        shared = PARAMETERS["id"] if name == "id" else {}
        found: Json = {"name": name, "in": place}
        found["description"] = schema.pop("description", shared.get("description", ""))
        examples = schema.pop("examples", [shared["example"]] if shared and schema["type"] == "integer" else [])
        found["schema"] = schema
        return {**found, "example": examples[0]} if examples else found

    def _answers(self, entry: Described) -> Iterator[tuple[str, Json]]:
        said = entry.operation
        own = (*said.headers, *(("Total-Count", "Link") if said.lists else ()))
        for status, body in said.answers.items():
            names = ("X-Request-ID", *(own if status < 400 else headers_of(status)))
            headers = {name.partition(".")[0]: {"$ref": f"#/components/headers/{name}"} for name in names}
            answer: Json = {"description": ANSWERS[status], "headers": headers}
            if body is not None:
                answer["content"] = {said.media_type: self._media(body, SENT, said.example)}
            if status < 300 and (links := self._links_of(entry, body)):
                answer["links"] = links
            yield str(status), answer

    def _refusals(self, entry: Described, *, tenant: bool) -> Iterator[tuple[str, Json]]:
        for status, name in answers_of(entry.kinds(tenant=tenant)):
            if status not in entry.operation.answers:
                self.refusals.add(name)
                yield str(status), {"$ref": f"#/components/responses/{name}"}

    def _media(self, kind: Any, mode: Any, example: Any = None) -> Json:
        schema = self.schemas.of(kind, mode)
        return {"schema": schema, "example": self.schemas.example(schema) if example is None else example}

    def _links_of(self, entry: Described, body: Any) -> Json:
        taken = self.schemas.resolved(self.schemas.of(entry.operation.body, TAKEN)) if entry.operation.body else {}
        sent = self.schemas.resolved(self.schemas.of(body, SENT)) if body is not None else {}
        return self._links.of(entry.path, entry.method, taken=taken, sent=sent)


def _types(described: Iterable[Described]) -> Iterator[tuple[Any, Any]]:
    yield Problem, SENT
    for entry in described:
        yield from ((answer, SENT) for answer in entry.operation.answers.values() if answer is not None)
        yield from ((taken, TAKEN) for taken in (entry.operation.body, entry.operation.form) if taken)
        yield from ((entry.type_of(name), TAKEN) for name in entry.parameters)
        yield from ((kind, TAKEN) for kind in entry.operation.query.values())


def _filter(name: str, kind: type) -> Json:
    if kind is list:
        description = "Only items whose id is among these. Not together with `id`." if name == "ids" else ""
        return {"name": name, "in": "query", "description": description, "schema": {"type": "string"}}
    schema = INT32 if kind is int else {"type": "string"}
    return {"name": name, "in": "query", "description": f"Only items with exactly this `{name}`.", "schema": schema}
