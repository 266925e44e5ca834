"""Describes the API as OpenAPI 3.1.1, from what every handler says about itself."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from litestar import Controller, Litestar, get
from litestar.handlers import HTTPRouteHandler

from tenant_api.web.binding import ApiRequest
from tenant_api.web.json_schema import SENT, TAKEN, JsonSchemas
from tenant_api.web.location import base_url
from tenant_api.web.openapi_components import INT32, PROBLEMS, Problem, components
from tenant_api.web.operation import PUBLIC, Operation, operation
from tenant_api.web.state import Runtime
from tenant_api.web.tenancy import is_exempt
from tenant_api.web.wire import Int32

Json = dict[str, Any]

DOCUMENTED_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PAGING = ("offset", "limit", "totalCount", "after")
FORM = "application/x-www-form-urlencoded"
OAUTH = "oauth2_client_credentials"
INFO = {
    "title": "Ed-Fi API Configuration Service API",
    "description": "API for configuring and managing the Ed-Fi API.",
    "contact": {"url": "https://docs.ed-fi.org"},
    "version": "1",
}


class OpenApiController(Controller):
    """The description, at the two addresses that clients of the contract know."""

    path = "/"
    tags = ["Information"]

    @get(
        "/openapi/v1.json",
        opt=operation("getOpenApi", "Describe this API (OpenAPI)", PUBLIC, answers={200: dict[str, Any]}),
    )
    async def description(self, request: ApiRequest) -> Json:
        return document_for(request)

    @get(
        "/metadata/specifications",
        opt=operation("getSpecifications", "Describe this API (OpenAPI)", PUBLIC, answers={200: dict[str, Any]}),
    )
    async def specifications(self, request: ApiRequest) -> Json:
        return document_for(request)


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


def document_for(request: ApiRequest) -> Json:
    """The document with the address by which this caller reaches us."""
    state = request.app.state
    if "openapi" not in state:
        state.openapi = document(request.app, state.runtime)
    return {**state.openapi, "servers": [{"url": base_url(request)}]}


def document(app: Litestar, runtime: Runtime) -> Json:
    """Everything but the servers."""
    described = list(operations_of(app))
    schemas = JsonSchemas(_types(described))
    paths: dict[str, Json] = {}
    for entry in sorted(described, key=lambda entry: (entry.path, DOCUMENTED_METHODS.index(entry.method))):
        paths.setdefault(entry.path, {})[entry.method.lower()] = _operation(entry, schemas, runtime)
    return {
        "openapi": "3.1.1",
        "info": INFO,
        "servers": [],
        "tags": [{"name": tag} for tag in dict.fromkeys(entry.tag for entry in described)],
        "paths": paths,
        "components": components(
            schemas.models,
            oauth=OAUTH,
            token_url=f"{runtime.idp.issuer}/connect/token",
            multi_tenancy=runtime.settings.multi_tenancy,
        ),
        "security": [{OAUTH: []}],
    }


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
            if entry is None:
                continue
            path = re.sub(r"\{(\w+):\w+\}", r"{\1}", str(route.path))
            for method in sorted(handler.http_methods & set(DOCUMENTED_METHODS)):
                yield Described(path=path, method=method, tag=next(iter(handler.resolve_tags()), ""), operation=entry)


def _types(described: Iterable[Described]) -> Iterator[tuple[Any, Any]]:
    yield Problem, SENT
    for entry in described:
        yield from ((answer, SENT) for answer in entry.operation.answers.values() if answer is not None)
        yield from ((taken, TAKEN) for taken in (entry.operation.body, entry.operation.form) if taken)
        yield from ((entry.type_of(name), TAKEN) for name in entry.parameters)
        yield from ((kind, TAKEN) for kind in entry.operation.query.values())


def _operation(entry: Described, schemas: JsonSchemas, runtime: Runtime) -> Json:
    described = entry.operation
    tenant = runtime.settings.multi_tenancy and not is_exempt(entry.path)
    parameters = [*_path_parameters(entry, schemas), *_query_parameters(entry, schemas), *_list_parameters(described)]
    if tenant:
        parameters.append({"$ref": "#/components/parameters/Tenant"})
    written: Json = {
        "tags": [entry.tag],
        "summary": described.summary,
        "operationId": described.id,
        "parameters": parameters,
        "responses": dict(
            sorted({**dict(_problems(entry, tenant=tenant)), **dict(_answers(described, schemas))}.items())
        ),
        "security": [{OAUTH: [scope]} for scope in sorted(described.access)],
    }
    for taken, media_type in ((described.body, "application/json"), (described.form, FORM)):
        if taken:
            content = {media_type: {"schema": schemas.of(taken, TAKEN)}}
            written["requestBody"] = {"required": True, "content": content}
    return written


def _path_parameters(entry: Described, schemas: JsonSchemas) -> Iterator[Json]:
    for name in entry.parameters:
        yield {"name": name, "in": "path", "required": True, "schema": schemas.of(entry.type_of(name), TAKEN)}


def _query_parameters(entry: Described, schemas: JsonSchemas) -> Iterator[Json]:
    for name, kind in entry.operation.query.items():
        yield {"name": name, "in": "query", "schema": schemas.of(kind, TAKEN)}


def _list_parameters(described: Operation) -> Iterator[Json]:
    rules = described.lists
    if rules is None:
        return
    for name, (kind, _) in rules.filters.items():
        schema = INT32 if kind is int else {"type": "string"}
        yield {"name": name, "in": "query", "schema": schema}
    if rules.order_by:
        yield {"name": "orderBy", "in": "query", "schema": {"type": "string", "enum": list(rules.order_by)}}
        yield {"$ref": "#/components/parameters/direction"}
    yield from ({"$ref": f"#/components/parameters/{name}"} for name in PAGING)


def _answers(described: Operation, schemas: JsonSchemas) -> Iterator[tuple[str, Json]]:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-ID", *described.headers)}
    if described.lists:
        headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in ("Total-Count", "Link")}
    for status, body in described.answers.items():
        answer: Json = {"description": HTTPStatus(status).phrase, "headers": headers}
        if body is not None:
            answer["content"] = {described.media_type: {"schema": schemas.of(body, SENT)}}
        yield str(status), answer


def _problems(entry: Described, *, tenant: bool) -> Iterator[tuple[str, Json]]:
    described = entry.operation
    read = described.lists or any(entry.type_of(name) is not str for name in entry.parameters)
    statuses = {500, *described.problems}
    if described.access != PUBLIC:
        statuses |= {401, 403, 502, 503}
    if tenant or read or described.body or described.form:
        statuses.add(400)
    if described.body or described.form:
        statuses.add(413)
    if described.body:
        statuses.add(415)
    for status in statuses:
        yield str(status), {"$ref": f"#/components/responses/{PROBLEMS[status]}"}
