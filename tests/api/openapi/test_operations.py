"""Rules that every operation of the committed document keeps."""

import json
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.api.openapi.test_committed_document import committed
from tests.api.problems import MEMBERS

Json = dict[str, Any]
DOCUMENT = committed()
OAUTH = "oauth2_client_credentials"
PROBLEM = "application/problem+json"


class Described(NamedTuple):
    """One operation and where it is."""

    path: str
    method: str
    said: Json

    @property
    def is_public(self) -> bool:
        return not self.path.startswith(("/v3/", "/management/"))

    @property
    def is_exempt(self) -> bool:
        """Whether it is about no tenant."""
        return self.path.startswith(("/v3/tenants", "/connect", "/.well-known", "/health", "/metrics", "/docs"))

    @property
    def parameters(self) -> list[Json]:
        return [resolved(parameter) for parameter in self.said["parameters"]]

    @property
    def answers(self) -> dict[str, Json]:
        return {status: resolved(answer) for status, answer in self.said["responses"].items()}

    @property
    def successes(self) -> dict[str, Json]:
        return {status: answer for status, answer in self.answers.items() if PROBLEM not in answer.get("content", {})}

    @property
    def problems(self) -> dict[str, Json]:
        return {status: answer for status, answer in self.answers.items() if status not in self.successes}

    @property
    def speaks_oauth(self) -> bool:
        """Whether its refusals are worded as the RFCs of OAuth have it."""
        return self.path.startswith("/oauth2")

    def kinds(self, status: str) -> set[str]:
        """The types of problem that an answer shows."""
        examples = self.problems[status]["content"][PROBLEM]["examples"].values()
        return {resolved(example)["value"]["type"].removeprefix("urn:ed-fi:api:") for example in examples}


def resolved(part: Json) -> Json:
    while reference := part.get("$ref"):
        part = DOCUMENT
        for key in reference.removeprefix("#/").split("/"):
            part = part[key]
    return part


def validator(schema: Json) -> Draft202012Validator:
    return Draft202012Validator(
        {**schema, "components": DOCUMENT["components"]}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )


OPERATIONS = [
    Described(path, method, said) for path, methods in DOCUMENT["paths"].items() for method, said in methods.items()
]
ITEMS = [described.path for described in OPERATIONS if described.path.endswith("{id}")]
every_operation = pytest.mark.parametrize(
    "described", OPERATIONS, ids=[described.said["operationId"] for described in OPERATIONS]
)


def test_the_document_is_valid_openapi() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_ids_are_unique() -> None:
    ids = [described.said["operationId"] for described in OPERATIONS]
    assert len(ids) == len(set(ids)) > 70


def test_every_tag_is_described_and_used() -> None:
    assert {tag for described in OPERATIONS for tag in described.said["tags"]} == {
        tag["name"] for tag in DOCUMENT["tags"] if tag["description"]
    }


@every_operation
def test_it_is_summarized_in_one_phrase(described: Described) -> None:
    assert len(described.said["tags"]) == 1
    assert described.said["summary"]
    assert not described.said["summary"].endswith(".")
    assert described.said.get("description", "x.").endswith(".")


@every_operation
def test_its_parameters_are_described_and_bounded(described: Described) -> None:
    for parameter in described.parameters:
        assert parameter["description"], parameter["name"]
        schema = parameter["schema"]
        if schema["type"] == "integer":
            assert {"minimum", "maximum"} <= set(schema), parameter["name"]
        if "example" in parameter:
            validator(schema).validate(parameter["example"])
    named = {parameter["name"] for parameter in described.parameters if parameter["in"] == "path"}
    assert named == {segment.strip("{}") for segment in described.path.split("/") if segment.startswith("{")}


@every_operation
def test_every_body_has_an_example_that_fits(described: Described) -> None:
    bodies = [described.said["requestBody"]] if "requestBody" in described.said else []
    for body in [*bodies, *described.successes.values()]:
        for media in body.get("content", {}).values():
            assert media.get("example") is not None
            validator(media["schema"]).validate(media["example"])


@every_operation
def test_a_success_without_a_body_says_so_by_its_status_or_its_address(described: Described) -> None:
    for status, answer in described.successes.items():
        if "content" not in answer and "revoke" not in described.path:
            assert status in {"204", "304"} or "Location" in answer["headers"]


@every_operation
def test_its_refusals_are_complete(described: Described) -> None:
    statuses = set(described.answers)
    assert "500" in statuses
    assert described.is_public or {"401", "403", "502", "503"} <= statuses
    if "requestBody" in described.said:
        assert {"400", "413"} <= statuses
        assert ("415" in statuses) == ("application/json" in described.said["requestBody"]["content"])
    if any(parameter["in"] == "path" for parameter in described.parameters):
        assert statuses & {"401", "404"} if described.speaks_oauth else "404" in statuses
    if not described.is_exempt and not described.speaks_oauth:
        assert {"400", "503"} <= statuses
    if not described.is_public and described.method != "get":
        assert "conflict" in described.kinds("409")


@every_operation
def test_the_kinds_of_bad_requests_follow_from_what_it_takes(described: Described) -> None:
    if described.speaks_oauth:
        return
    kinds = described.kinds("400") if "400" in described.problems else set()
    takes_json = "application/json" in described.said.get("requestBody", {}).get("content", {})
    numbers = any(parameter["schema"]["type"] == "integer" for parameter in described.parameters)
    assert not takes_json or {"bad-request", "bad-request:data"} <= kinds
    assert not numbers or "bad-request:parameter" in kinds
    assert described.is_exempt or "bad-request" in kinds


@every_operation
def test_every_refusal_is_a_problem_with_examples_of_its_status(described: Described) -> None:
    for status, answer in described.problems.items():
        media = answer["content"][PROBLEM]
        assert media["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert media["examples"]
        for example in map(resolved, media["examples"].values()):
            assert list(example["value"]) == MEMBERS
            assert str(example["value"]["status"]) == status
            validator(media["schema"]).validate(example["value"])


@every_operation
def test_its_answers_name_their_headers(described: Described) -> None:
    for status, answer in described.answers.items():
        headers = set(answer["headers"])
        assert "X-Request-ID" in headers
        assert status != "401" or "WWW-Authenticate" in headers
        assert status != "201" or "Location" in headers or described.speaks_oauth
        assert status != "503" or status in described.successes or "Retry-After" in headers
        assert all(resolved(header)["description"] for header in answer["headers"].values())
    names = {parameter["name"] for parameter in described.parameters}
    assert ("totalCount" in names) == (
        {"Total-Count", "Link"} <= set(described.answers.get("200", {}).get("headers", {}))
    )


@every_operation
def test_it_says_who_may_call_it(described: Described) -> None:
    scopes = [scope for need in described.said["security"] for scope in need[OAUTH]]
    assert (described.said["security"] == []) == described.is_public
    assert described.is_public or "edfi_admin_api/full_access" in scopes
    assert described.method == "get" or scopes in ([], ["edfi_admin_api/full_access"])


@every_operation
def test_its_links_lead_to_operations_that_take_what_they_hand_over(described: Described) -> None:
    known = {other.said["operationId"]: other for other in OPERATIONS}
    for answer in described.successes.values():
        for link in answer.get("links", {}).values():
            target = known[link["operationId"]]
            assert set(link["parameters"]) <= {parameter["name"] for parameter in target.parameters}


def test_what_was_made_can_be_reached_by_links() -> None:
    making = [
        described
        for described in OPERATIONS
        if {"201", "202"} & set(described.answers) and described.path in {path.partition("/{")[0] for path in ITEMS}
    ]
    assert len(making) >= 10
    for described in making:
        assert {name for answer in described.successes.values() for name in answer.get("links", {})}


def test_every_component_answer_is_used_or_known_to_clients() -> None:
    used = json.dumps(DOCUMENT["paths"])
    known = {name for name in DOCUMENT["components"]["responses"] if "." not in name}
    for name in DOCUMENT["components"]["responses"]:
        assert name in known or f'"#/components/responses/{name}"' in used
