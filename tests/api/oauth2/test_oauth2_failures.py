"""What fails below `/oauth2` fails in OAuth's words, wherever it was found out."""

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest

from tests.api.oauth2.clients import GRANT, INITIAL_TOKEN, bearer, refused, register
from tests.api.problems import is_problem
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

TABLE = "tenant_clients"


@pytest.fixture
async def api(service_url: str) -> AsyncIterator[Api]:
    digest = sha256(INITIAL_TOKEN.encode()).hexdigest()
    settings = {"IDENTITY__REGISTRATION_TOKEN_DIGEST": digest, "DATABASE__LOCK_TIMEOUT_SECONDS": "1"}
    async with serving(service_url, HTTP__PATH_BASE="/config", **settings) as served:
        yield served


async def remove(api: Api) -> Any:
    """A client leaves, which asks the service's own tables."""
    made = await register(api)
    address = f"/oauth2/register/{made['client_id']}"
    return await api.http.delete(address, headers=bearer(made["registration_access_token"]))


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/oauth2/token", "POST"),
        ("GET", "/config/OAuth2/Token/", "POST"),
        ("PUT", "/oauth2/register", "POST"),
        ("POST", "/oauth2/register/somebody", "DELETE, GET, PUT"),
    ],
)
async def test_a_method_that_is_not_there(api: Api, method: str, path: str, allowed: str) -> None:
    answer = await api.http.request(method, path)
    refused(answer, 405, "invalid_request")
    assert answer.headers["allow"] == allowed


async def test_elsewhere_a_method_that_is_not_there_is_a_problem(api: Api) -> None:
    is_problem(await api.http.patch("/v3/vendors"), 405, "method-not-allowed")


async def test_a_row_that_somebody_else_holds(api: Api) -> None:
    async with api.runtime.pool.connection() as connection, connection.transaction():
        await connection.execute(f"lock table {TABLE} in access exclusive mode")
        refused(await remove(api), 409, "temporarily_unavailable")


async def test_a_defect_of_ours(api: Api) -> None:
    async with api.runtime.pool.connection() as connection:
        await connection.execute(f"alter table {TABLE} rename to elsewhere")
    sentence = refused(await remove(api), 500, "server_error")
    assert TABLE not in sentence


async def test_a_body_that_is_too_long(service_url: str) -> None:
    async with serving(service_url, HTTP__MAX_BODY_BYTES="1024") as small:
        answer = await small.http.post("/oauth2/token", data={**GRANT, "client_id": "x" * 2048})
        assert refused(answer, 413, "invalid_request") == "Payload Too Large"
