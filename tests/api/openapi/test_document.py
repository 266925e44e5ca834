"""The description is valid OpenAPI 3.1.1, complete and true (contract section 1.8)."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from litestar import Litestar
from litestar.di import Provide
from schemathesis.specs.openapi.definitions import OPENAPI_31

from tenant_api.app import routes
from tenant_api.db.session import provide_session
from tests.api import bodies
from tests.api.service import SCOPES, SECRET, Api

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
KEYWORDS = {"type", "format", "enum", "minimum", "maximum"}
METHODS = ("get", "post", "put", "delete")


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            yield path, method, described


def resolved(document: Json, reference: str) -> Any:
    found: Any = document
    for key in reference.removeprefix("#/").split("/"):
        found = found[key]
    return found


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def body_schema(document: Json, path: str, method: str, status: str = "200") -> Json:
    content = document["paths"][path][method]["responses"][status]["content"]["application/json"]
    return {**content["schema"], "components": document["components"]}


async def test_the_document_obeys_the_schema_of_openapi(document: Json) -> None:
    assert [error.message for error in Draft202012Validator(OPENAPI_31).iter_errors(document)] == []


async def test_it_has_the_version_and_sections_that_clients_need(document: Json) -> None:
    assert document["openapi"] == "3.1.1"
    assert document["info"]["title"] == "Ed-Fi API Configuration Service API"
    assert document["info"]["version"] == "1"
    assert {"info", "paths", "components", "servers", "tags", "security"} <= set(document)
    assert {"schemas", "responses", "parameters", "securitySchemes"} <= set(document["components"])
    assert {"BadRequest", "Unauthorized", "Forbidden", "NotFound", "Conflict", "InternalServerError"} <= set(
        document["components"]["responses"]
    )
    assert {"id", "offset", "limit", "totalCount", "orderBy", "direction"} <= set(document["components"]["parameters"])


async def test_both_addresses_serve_it_as_json(described: Api, document: Json) -> None:
    for path in ("/openapi/v1.json", "/metadata/specifications"):
        answer = await described.http.get(path)
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.json() == document


async def test_every_reference_leads_somewhere(document: Json) -> None:
    assert all(resolved(document, reference) for reference in references(document))


async def test_all_schemas_are_valid(document: Json) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


async def test_every_route_is_described(described: Api, document: Json) -> None:
    app = Litestar(routes(described.runtime), dependencies={"session": Provide(provide_session)}, openapi_config=None)
    routed = {
        (handler.opt["operation"].id, method.lower())
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        for method in handler.http_methods & {"GET", "POST", "PUT", "DELETE", "PATCH"}
    }
    assert {(found["operationId"], method) for _, method, found in operations(document)} == routed


async def test_operations_have_ids_of_their_own_and_summaries(document: Json) -> None:
    ids = [found["operationId"] for _, _, found in operations(document)]
    assert len(ids) == len(set(ids))
    known = {tag["name"] for tag in document["tags"]}
    for _, method, found in operations(document):
        assert method in METHODS
        assert found["summary"]
        assert found["tags"]
        assert set(found["tags"]) <= known


async def test_paths_have_no_trailing_slash(document: Json) -> None:
    assert {"/v3/vendors", "/v3/applications", "/v3/dataStores", "/connect/token"} <= set(document["paths"])
    assert [path for path in document["paths"] if path.endswith("/")] == ["/"]


async def test_tokens_are_had_where_the_issuer_says(document: Json) -> None:
    scheme = document["components"]["securitySchemes"]["oauth2_client_credentials"]
    flow = scheme["flows"]["clientCredentials"]
    assert (scheme["type"], flow["tokenUrl"]) == ("oauth2", "http://localhost:8081/connect/token")
    assert flow["scopes"] == {}
    assert all(f"`{scope}`" in scheme["description"] for scope in SCOPES.values())


async def test_who_may_call_is_said_and_true(described: Api, document: Json) -> None:
    for path, method, found in operations(document):
        scopes = {scope for need in found["security"] for scope in need["oauth2_client_credentials"]}
        assert (found["security"] == []) == (not path.startswith(("/v3/", "/management/")))
        if "{" in path or not scopes:
            continue
        for caller, scope in SCOPES.items():
            answer = await described.call(method.upper(), path, caller=caller)
            assert (answer.status_code == 403) == (scope not in scopes), (method, path, caller)


async def test_rules_of_members_are_stated(document: Json) -> None:
    vendor = document["components"]["schemas"]["VendorCreate"]
    assert set(vendor["required"]) == set(bodies.vendor())
    assert vendor["properties"]["company"] == {"type": "string", "minLength": 1, "maxLength": 256}
    assert vendor["properties"]["contactEmailAddress"]["pattern"] == "^[^@]+@[^@]+$"
    validator = Draft202012Validator({**vendor, "components": document["components"]})
    assert validator.is_valid(bodies.vendor())
    assert not validator.is_valid(bodies.vendor(company=""))
    assert not validator.is_valid(bodies.vendor(company=None))


async def test_parameters_of_lists_are_stated(document: Json) -> None:
    parameters = document["paths"]["/v3/vendors"]["get"]["parameters"]
    named = {parameter["name"]: parameter for parameter in parameters if "name" in parameter}
    assert {"id", "company", "namespacePrefixes", "contactName", "contactEmailAddress", "orderBy"} == set(named)
    assert named["orderBy"]["schema"]["enum"] == ["id", "company", "contactName", "contactEmailAddress"]
    shared = [parameter["$ref"].rpartition("/")[2] for parameter in parameters if "$ref" in parameter]
    assert shared == ["direction", "offset", "limit", "totalCount", "after"]


def schema_words(parameter: Json) -> set[str]:
    return set(parameter.get("schema", {}))


async def test_every_parameter_of_a_path_is_stated(document: Json) -> None:
    for path, _, found in operations(document):
        stated = [parameter["name"] for parameter in found["parameters"] if parameter.get("in") == "path"]
        assert all(schema_words(parameter) <= KEYWORDS for parameter in found["parameters"])
        assert stated == [segment.strip("{}") for segment in path.split("/") if segment.startswith("{")]


async def test_the_tenant_header_is_stated_by_a_fleet_alone(described_fleet: Api, document: Json) -> None:
    assert "#/components/parameters/Tenant" not in set(references(document))
    headers = {"Tenant": (await described_fleet.post("/v3/tenants", bodies.tenant())).json()["title"].split()[2]}
    found = (await described_fleet.http.get("/openapi/v1.json", headers=headers)).json()
    for path, _, operation in operations(found):
        exempt = path.startswith(("/v3/tenants", "/connect", "/oauth2", "/.well-known", "/health", "/metrics", "/docs"))
        assert ("#/components/parameters/Tenant" in set(references(operation["parameters"]))) != exempt


async def test_servers_are_where_the_caller_is(described: Api) -> None:
    answer = await described.http.get("/openapi/v1.json", headers={"Host": "elsewhere:99"})
    assert answer.json()["servers"] == [{"url": "http://elsewhere:99"}]


async def test_real_bodies_have_exactly_the_described_members(described: Api, document: Json) -> None:
    vendor = (await described.post("/v3/vendors", bodies.vendor())).headers["location"]
    form = {"client_id": "admin", "client_secret": SECRET, "grant_type": "client_credentials"}
    answers = {
        ("/v3/vendors", "get"): await described.get("/v3/vendors"),
        ("/v3/vendors/{id}", "get"): await described.get(vendor),
        ("/connect/token", "post"): await described.http.post("/connect/token", data=form),
        ("/", "get"): await described.get("/"),
        ("/health/ready", "get"): await described.get("/health/ready"),
        ("/.well-known/openid-configuration", "get"): await described.get("/.well-known/openid-configuration"),
    }
    for (path, method), answer in answers.items():
        Draft202012Validator(body_schema(document, path, method)).validate(answer.json())
    read = document["components"]["schemas"]["VendorRead"]
    assert set(answers["/v3/vendors/{id}", "get"].json()) == set(read["properties"]) == set(read["required"])
    assert read["additionalProperties"] is False


async def test_a_real_problem_is_as_described(described: Api, document: Json) -> None:
    problem = document["components"]["schemas"]["Problem"]
    answer = await described.get("/v3/vendors/999999")
    assert list(answer.json()) == list(problem["properties"]) == problem["required"]
    Draft202012Validator(problem).validate(answer.json())
