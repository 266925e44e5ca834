"""One other origin may call us from a browser (contract section 1.1, item 8)."""

import pytest

from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

ALLOWED = "http://localhost:8082"
OTHER = "http://elsewhere.example"
PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization, tenant"}
ALLOW_ORIGIN = "access-control-allow-origin"


@pytest.mark.parametrize("path", ["/v3/vendors/1", "/connect/token", "/no/such/path"])
async def test_a_preflight_is_answered_before_tenant_and_token(fleet: Api, path: str) -> None:
    answer = await fleet.http.options(path, headers={"Origin": ALLOWED, **PREFLIGHT})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers[ALLOW_ORIGIN] == ALLOWED
    assert answer.headers["access-control-allow-methods"] == "PUT"
    assert answer.headers["access-control-allow-headers"] == "authorization, tenant"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_another_origins_preflight_is_answered_without_permission(api: Api) -> None:
    answer = await api.http.options("/v3/vendors", headers={"Origin": OTHER, **PREFLIGHT})
    assert answer.status_code == 204
    assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_answers_name_the_allowed_origin(api: Api) -> None:
    for path, status in (("/v3/vendors", 200), ("/v3/vendors/7", 404)):
        answer = await api.get(path, headers={"Origin": ALLOWED})
        assert (answer.status_code, answer.headers[ALLOW_ORIGIN]) == (status, ALLOWED)
        assert answer.headers["vary"] == "Origin"


async def test_other_origins_are_served_and_not_named(api: Api) -> None:
    answer = await api.get("/v3/vendors", headers={"Origin": OTHER})
    assert answer.status_code == 200
    assert ALLOW_ORIGIN not in answer.headers


async def test_the_origin_is_a_setting(service_url: str) -> None:
    async with serving(service_url, HTTP__CORS_ORIGIN=OTHER) as api:
        assert (await api.get("/v3/vendors", headers={"Origin": OTHER})).headers[ALLOW_ORIGIN] == OTHER
        assert ALLOW_ORIGIN not in (await api.get("/v3/vendors", headers={"Origin": ALLOWED})).headers


async def test_options_alone_is_no_preflight(api: Api) -> None:
    assert (await api.http.options("/v3/vendors")).status_code != 204
