"""Describes the API as OpenAPI 3.1.1, from what every handler says about itself."""

from dataclasses import dataclass
from typing import Any

from litestar import Controller, Litestar, get

from tenant_api.web.binding import ApiRequest
from tenant_api.web.location import base_url
from tenant_api.web.openapi_components import OAUTH, TAGS, components
from tenant_api.web.openapi_operations import DOCUMENTED_METHODS, Writing, operations_of
from tenant_api.web.openapi_problems import problem_answers, problem_examples
from tenant_api.web.operation import PUBLIC, operation
from tenant_api.web.state import Runtime

Json = dict[str, Any]

INFO = {
    "title": "Ed-Fi API Configuration Service API",
    "description": "API for configuring and managing the Ed-Fi API.",
    "contact": {"url": "https://docs.ed-fi.org"},
    "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
    "version": "1",
}
SHOWN = {"openapi": "3.1.1", "info": INFO, "paths": {}}


class OpenApiController(Controller):
    """The description, at the two addresses that clients of the contract know."""

    path = "/"
    tags = ["Information"]

    @get(
        "/openapi/v1.json",
        opt=operation(
            "getOpenApi", "Describe this API (OpenAPI)", PUBLIC, answers={200: dict[str, Any]}, example=SHOWN
        ),
    )
    async def description(self, request: ApiRequest) -> Json:
        return document_for(request)

    @get(
        "/metadata/specifications",
        opt=operation(
            "getSpecifications",
            "Describe this API (OpenAPI)",
            PUBLIC,
            description="The same as `/openapi/v1.json`, where clients of the contract look for it.",
            answers={200: dict[str, Any]},
            example=SHOWN,
        ),
    )
    async def specifications(self, request: ApiRequest) -> Json:
        return document_for(request)


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What of an installation shows in its description, besides the routes that it offers."""

    multi_tenancy: bool
    issuer: str

    @classmethod
    def of(cls, runtime: Runtime) -> "Installation":
        """The installation that this process serves."""
        return cls(multi_tenancy=runtime.settings.multi_tenancy, issuer=runtime.idp.issuer)


def document_for(request: ApiRequest) -> Json:
    """The document with the address by which this caller reaches us."""
    state = request.app.state
    if "openapi" not in state:
        state.openapi = document(request.app, Installation.of(state.runtime))
    return {**state.openapi, "servers": [{"url": base_url(request)}]}


def document(app: Litestar, installation: Installation) -> Json:
    """Everything; its server is wherever the document was found."""
    described = sorted(operations_of(app), key=lambda entry: (entry.path, DOCUMENTED_METHODS.index(entry.method)))
    used = {entry.tag for entry in described}
    writing = Writing(described, multi_tenancy=installation.multi_tenancy)
    paths: dict[str, Json] = {}
    for entry in described:
        paths.setdefault(entry.path, {})[entry.method.lower()] = writing.operation(entry)
    return {
        "openapi": "3.1.1",
        "info": INFO,
        "servers": [{"url": "/"}],
        "tags": [{"name": tag, "description": text} for tag, text in TAGS.items() if tag in used],
        "paths": paths,
        "components": components(
            writing.schemas.models,
            problem_answers(writing.refusals),
            problem_examples(),
            token_url=f"{installation.issuer}/connect/token",
            multi_tenancy=installation.multi_tenancy,
        ),
        "security": [{OAUTH: []}],
    }
