"""What all resources have in common on the wire (contract sections 1.1, 1.2, 1.4 and 1.6)."""

import httpx2
import pytest
from litestar.types import Receive, Scope, Send

from tenant_api.web.edge import Edge
from tenant_api.web.paths import PathTable
from tests.api import bodies
from tests.api.problems import breaks_rules, is_invalid_json, is_missing, is_problem
from tests.api.service import Api, serving, transport_to

pytestmark = pytest.mark.anyio

PATHS = ["/v3/vendors", "/v3/applications", "/v3/apiClients", "/v3/dataStores"]
MEDIA_TYPE = "The value specified in the 'Content-Type' header is not supported by this host."
EMPTY = "A non-empty request body is required."


@pytest.mark.parametrize("path", PATHS)
async def test_paths_match_in_any_case_and_with_a_slash_at_the_end(shared: Api, path: str) -> None:
    for spelling in (path, path.lower(), path.upper(), f"{path}/", f"{path.upper()}/"):
        answer = await shared.get(spelling)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
    answer = await shared.post(f"{path.upper()}/", {})
    assert answer.status_code == 400


async def test_a_location_has_no_slash_at_the_end(shared: Api) -> None:
    answer = await shared.post("/v3/vendors/", bodies.vendor(), headers={"Host": "api.example:8443"})
    assert answer.headers["location"].startswith("http://api.example:8443/v3/vendors/")
    assert answer.headers["location"][-1].isdigit()


async def test_a_path_base_is_served_and_told_where_it_was_used(service_url: str) -> None:
    async with serving(service_url, HTTP__PATH_BASE="/config") as api:
        with_base = await api.post("/Config/v3/vendors", bodies.vendor())
        assert with_base.headers["location"] == "http://tenant-api.test/config/v3/vendors/1"
        without = await api.post("/v3/vendors", bodies.vendor())
        assert without.headers["location"] == "http://tenant-api.test/v3/vendors/2"
        assert (await api.get(with_base.headers["location"])).status_code == 200


async def test_a_public_address_replaces_the_host(service_url: str) -> None:
    async with serving(service_url, HTTP__PUBLIC_URL="https://public.example") as api:
        answer = await api.post("/v3/vendors", bodies.vendor())
        assert answer.headers["location"] == "https://public.example/v3/vendors/1"


async def test_names_of_members_match_in_any_case_and_unknown_ones_are_ignored(shared: Api) -> None:
    body = bodies.vendor()
    shouted = {**{name.upper(): value for name, value in body.items()}, "id": 5, "unknown": {"a": [1]}}
    vendor_id = await shared.made("/v3/vendors", shouted)
    assert (await shared.get(f"/v3/vendors/{vendor_id}")).json() == {**body, "id": vendor_id}


async def test_members_are_not_taken_by_their_inner_names(shared: Api) -> None:
    body = {**bodies.without(bodies.vendor(), "contactName"), "contact_name": "Ada"}
    breaks_rules(await shared.post("/v3/vendors", body), {"ContactName": ["'Contact Name' must not be empty."]})


async def test_numbers_are_taken_as_text(shared: Api) -> None:
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    body = bodies.application(vendor_id, vendorId=str(vendor_id), educationOrganizationIds=["255901"])
    application_id = await shared.made("/v3/applications", body)
    shown = (await shared.get(f"/v3/applications/{application_id}")).json()
    assert (shown["vendorId"], shown["educationOrganizationIds"]) == (vendor_id, [255901])
    renamed = {**body, "id": str(application_id), "applicationName": bodies.unique("renamed")}
    assert (await shared.put(f"/v3/applications/{application_id}", renamed)).status_code == 204


@pytest.mark.parametrize("number", ["", " 1", "1.0", "1e2", "0x1", "one", 1.5, 1e2, True, None, [1], {}])
async def test_what_is_no_number_is_invalid(shared: Api, number: object) -> None:
    is_invalid_json(await shared.post("/v3/applications", {**bodies.application(1), "vendorId": number}))
    is_invalid_json(
        await shared.post("/v3/applications", {**bodies.application(1), "educationOrganizationIds": [number]})
    )


@pytest.mark.parametrize("flag", ["true", "", 0, 1, None, []])
async def test_what_is_no_flag_is_invalid(shared: Api, flag: object) -> None:
    is_invalid_json(await shared.post("/v3/apiClients", {**bodies.api_client(1, [1]), "isApproved": flag}))


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b'"text"',
        b"1",
        b" ",
        b'{"company": "a",}',
        b'{"company": "a"} // why',
        b"{'company': 'a'}",
        b'{"company": NaN}',
        b'{"company": "\xff"}',
        b'{"company": "\\ud800"}',
        b'{"unknown": "\\udfff"}',
        b'{"company": 1}',
        "{}".encode("utf-16"),
        b"[" * 5000 + b"]" * 5000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'{"vendorId": ' + b"9" * 5000 + b"}",
    ],
)
async def test_what_is_no_fitting_json_is_refused_as_a_whole(shared: Api, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    is_invalid_json(await shared.post("/v3/vendors", content=content, headers=headers))
    is_invalid_json(await shared.put("/v3/vendors/1", content=content, headers=headers))


@pytest.mark.parametrize("content", [b"", b"null"])
async def test_a_body_must_be_there(shared: Api, content: bytes) -> None:
    answer = await shared.post("/v3/vendors", content=content, headers={"Content-Type": "application/json"})
    assert is_problem(answer, 400, "bad-request")["errors"] == [EMPTY]
    answer = await shared.post("/v3/vendors")
    assert is_problem(answer, 400, "bad-request")["errors"] == [EMPTY]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/vnd.ed-fi+json",
    ],
)
async def test_json_in_utf_8_is_taken(shared: Api, content_type: str) -> None:
    answer = await shared.post("/v3/vendors", content=b"{}", headers={"Content-Type": content_type})
    is_problem(answer, 400, "bad-request:data")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/json; charset=utf-16",
        'application/json; charset="utf-8"',
        "application/json; charset=",
        "application/json; charset=utf-8; charset=latin-1",
        "*/*",
        ";",
    ],
)
async def test_any_other_content_is_unsupported(shared: Api, content_type: str) -> None:
    for method, path in [("POST", "/v3/vendors"), ("PUT", "/v3/vendors/1")]:
        answer = await shared.call(method, path, content=b"{}", headers={"Content-Type": content_type})
        is_problem(answer, 415, "unsupported-media-type", MEDIA_TYPE)


async def test_content_of_no_type_is_unsupported(shared: Api) -> None:
    is_problem(await shared.post("/v3/vendors", content=b"{}"), 415, "unsupported-media-type", MEDIA_TYPE)


@pytest.mark.parametrize(
    "path",
    [
        "/v3",
        "/v3/nothing",
        "/v3/vendors/1/nothing",
        "/v2/vendors",
        "http://tenant-api.test//v3/vendors",
        "/v3//vendors",
        "/v3/vendors//",
        "/v3/vendors/1%2Fapplications",
    ],
)
async def test_a_path_that_is_not_routed_is_missing(shared: Api, path: str) -> None:
    for caller in ("admin", None):
        is_missing(await shared.get(path, caller=caller), "The requested resource could not be found.")


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "PUT"])
async def test_a_method_that_a_path_does_not_know_is_refused(shared: Api, method: str) -> None:
    for path in PATHS:
        answer = await shared.call(method, path)
        is_problem(answer, 405, "method-not-allowed", "The request construction was invalid.")


async def test_a_body_above_the_limit_is_too_large(service_url: str) -> None:
    async with serving(service_url, HTTP__MAX_BODY_BYTES="1000") as api:
        answer = await api.post("/v3/vendors", bodies.vendor(company="x" * 1000))
        assert answer.status_code == 413
        assert answer.json()["type"] == "about:blank"
        assert answer.json()["title"] == answer.json()["detail"] == "Payload Too Large"


async def test_every_answer_carries_its_id_and_the_security_headers(shared: Api) -> None:
    for path in ("/v3/vendors", "/v3/vendors/999999", "/v3/nothing"):
        answer = await shared.get(path, headers={"X-Request-ID": "caller-chose-this"})
        assert answer.headers["x-request-id"] == "caller-chose-this"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_failure_outside_the_framework_is_answered_like_any_other() -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError(scope["path"])

    edge = Edge(fail, paths=PathTable([]), path_base="")
    async with httpx2.AsyncClient(transport=transport_to(edge), base_url="http://edge.test") as client:
        answer = await client.get("/v3/vendors")
    is_problem(answer, 500, "internal-server-error", "")
    assert answer.headers["x-content-type-options"] == "nosniff"
