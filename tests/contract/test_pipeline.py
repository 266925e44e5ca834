"""What every answer passes through (contract section 1.1) and how paths are routed (sections 1.2 and 1.7)."""

import httpx2
import pytest

from tests.api import bodies
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}
NEXT_TO_WORDS = ["GET", "PUT", "DELETE"]


def is_secured(answer: httpx2.Response) -> None:
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert not {"strict-transport-security", "content-security-policy", "x-frame-options", "server"} & set(headers)


async def test_every_answer_has_the_security_headers(service_url: str) -> None:
    async with serving(service_url, HTTP__MAX_BODY_BYTES="300") as api:
        for status, answer in [
            (200, await api.get("/v3/vendors")),
            (200, await api.get("/health", caller=None)),
            (201, await api.post("/v3/vendors", bodies.vendor())),
            (204, await api.delete("/v3/vendors/1")),
            (204, await api.http.options("/x", headers={"Origin": "http://x", "Access-Control-Request-Method": "GET"})),
            (400, await api.post("/v3/vendors", {})),
            (401, await api.get("/v3/vendors", caller=None)),
            (403, await api.get("/v3/vendors", caller="metadata")),
            (404, await api.get("/nowhere")),
            (404, await api.get("/v3/vendors/1")),
            (405, await api.call("PATCH", "/v3/vendors")),
            (405, await api.call("OPTIONS", "/v3/vendors", caller=None)),
            (413, await api.post("/v3/vendors", bodies.vendor(company="x" * 300))),
            (415, await api.post("/v3/vendors", content=b"{}", headers={"Content-Type": "text/plain"})),
        ]:
            assert answer.status_code == status
            is_secured(answer)


async def test_refusals_of_a_tenant_have_them_too(shared_fleet: Api) -> None:
    answer = await shared_fleet.get("/v3/vendors", caller=None)
    assert answer.status_code == 400
    is_secured(answer)


async def test_an_answer_to_an_exception_names_its_trace(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_keys: object) -> None:
        raise RuntimeError

    vendor_id = await api.made("/v3/vendors", bodies.vendor())
    monkeypatch.setattr(api.runtime.idp, "delete_clients", fail, raising=False)
    for status, answer in [
        (400, await api.get("/v3/vendors/a")),
        (400, await api.get("/v3/vendors?limit=a")),
        (400, await api.get("/v3/vendors?limit=0")),
        (400, await api.post("/v3/vendors", content=b"{", headers=JSON)),
        (400, await api.post("/v3/vendors", content=b"", headers=JSON)),
        (400, await api.post("/v3/vendors", {})),
        (500, await api.delete(f"/v3/vendors/{vendor_id}")),
    ]:
        assert answer.status_code == status
        assert answer.headers["traceid"] == answer.json()["correlationId"]


async def test_any_other_answer_names_none(shared: Api, shared_fleet: Api) -> None:
    for status, answer in [
        (200, await shared.get("/v3/vendors")),
        (401, await shared.get("/v3/vendors", caller=None)),
        (403, await shared.get("/v3/vendors", caller="metadata")),
        (404, await shared.get("/v3/vendors/999999")),
        (404, await shared.get("/nowhere")),
        (405, await shared.call("PATCH", "/v3/vendors")),
        (409, await shared.post("/v3/applications", bodies.application(999_999))),
        (415, await shared.post("/v3/vendors", content=b"{}", headers={"Content-Type": "text/plain"})),
        (400, await shared_fleet.get("/v3/vendors", caller=None)),
    ]:
        assert answer.status_code == status
        assert "traceid" not in answer.headers


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/", "GET"),
        ("/health", "GET, HEAD"),
        ("/connect/token", "POST"),
        ("/connect/token/any/thing", "POST"),
        ("/v3/vendors", "GET, POST"),
        ("/v3/vendors/1", "DELETE, GET, PUT"),
        ("/v3/vendors/1/applications", "GET"),
        ("/v3/apiClients/1/reset-credential", "PUT"),
        ("/v3/claimSets/copy", "DELETE, GET, POST, PUT"),
    ],
)
async def test_a_refused_method_is_told_which_ones_there_are(shared: Api, path: str, known: str) -> None:
    for method in ("PATCH", "OPTIONS", "TRACE", "BREW"):
        answer = await shared.call(method, path, caller=None)
        assert (answer.status_code, answer.headers["allow"]) == (405, known)


async def test_head_is_a_method_of_health_alone(shared: Api) -> None:
    assert (await shared.call("HEAD", "/health", caller=None)).status_code == 200
    for path in ("/v3/vendors", "/v3/vendors/1", "/.well-known/jwks.json"):
        answer = await shared.call("HEAD", path)
        assert (answer.status_code, answer.content) == (405, b"")


@pytest.mark.parametrize("word", ["copy", "import", "COPY", "import/"])
@pytest.mark.parametrize("method", NEXT_TO_WORDS)
async def test_a_word_that_is_a_path_of_post_is_an_unreadable_id_elsewhere(shared: Api, method: str, word: str) -> None:
    path = f"/v3/claimSets/{word}"
    assert (await shared.call(method, path, caller=None)).status_code == 401
    assert (await shared.call(method, path, caller="metadata")).status_code == 403
    answer = await shared.call(method, path)
    assert (answer.status_code, answer.json()["errors"]) == (
        400,
        ["The request contains one or more invalid parameters."],
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("%2B7", 7),
        ("-7", -7),
        ("%207", 7),
        ("7%20", 7),
        ("%09%0A%0B%0C%0D7%0D", 7),
        ("%20-7%20", -7),
        ("007", 7),
        ("0" * 6000 + "7", 7),
        ("-0", 0),
        (str(2**31 - 1), 2**31 - 1),
        (str(-(2**31)), -(2**31)),
    ],
)
async def test_a_number_may_have_a_sign_and_blanks_around_it(shared: Api, text: str, number: int) -> None:
    answer = await shared.get(f"/v3/vendors/{text}")
    assert answer.json()["detail"] == f"Vendor {number} not found. It may have been recently deleted."
    assert (await shared.get(f"/v3/applications?id={text}")).json() == []


@pytest.mark.parametrize(
    "text",
    [
        "%2B",
        "-",
        "%2B-7",
        "--7",
        "- 7",
        "7 7",
        "7-",
        "7.0",
        "7e0",
        "0x7",
        "7,000",
        "1_0",
        "%D9%A7",
        "%EF%BC%97",
        "%C2%A07",
        "%E2%88%927",
        str(2**31),
        str(-(2**31) - 1),
        "9" * 6000,
    ],
)
async def test_any_other_text_is_no_number(shared: Api, text: str) -> None:
    for path in (f"/v3/vendors/{text}", f"/v3/applications?id={text}", f"/v3/applications?limit={text}"):
        answer = await shared.get(path)
        assert (answer.status_code, answer.json()["errors"]) == (
            400,
            ["The request contains one or more invalid parameters."],
        )


async def test_a_value_that_is_given_twice_is_one_with_a_comma(shared: Api) -> None:
    assert (await shared.get("/v3/vendors?limit=1&limit=1")).status_code == 400
    assert (await shared.get("/v3/vendors?orderBy=id&OrderBy=id")).status_code == 400
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    ids = [await shared.made("/v3/applications", bodies.application(vendor_id)) for _ in range(2)]
    listed = await shared.get(f"/v3/applications?orderBy=id&ids={ids[0]}&ids={ids[1]}")
    assert [entry["id"] for entry in listed.json()] == ids


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Basic !", "nonsense", "Bearer \x7f"])
async def test_on_a_public_route_credentials_do_not_matter(shared: Api, header: str) -> None:
    for path in ("/", "/health", "/metadata/specifications", "/openapi/v1.json", "/.well-known/jwks.json"):
        assert (await shared.http.get(path, headers={"Authorization": header})).status_code == 200


async def test_a_401_asks_for_a_bearer_token(shared: Api) -> None:
    for sent in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic YTpi"}):
        answer = await shared.get("/v3/vendors", caller=None, headers=sent)
        assert answer.headers["www-authenticate"].split()[0] == "Bearer"
