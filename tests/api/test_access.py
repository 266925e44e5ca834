"""Who may call what (contract sections 1.3 and 1.7)."""

import pytest

from tests.api import bodies
from tests.api.problems import is_problem
from tests.api.service import Api

pytestmark = pytest.mark.anyio

READ_ONLY = [
    "/v3/tenants",
    "/v3/tenants/1",
    "/v3/vendors",
    "/v3/vendors/1",
    "/v3/vendors/1/applications",
    "/v3/applications",
    "/v3/applications/1",
    "/v3/dataStores/1/applications",
]
LIMITED = ["/v3/apiClients", "/v3/apiClients/1", "/v3/dataStores", "/v3/dataStores/1"]
CHANGES = [
    ("POST", "/v3/tenants"),
    ("POST", "/v3/vendors"),
    ("PUT", "/v3/vendors/1"),
    ("DELETE", "/v3/vendors/1"),
    ("POST", "/v3/applications"),
    ("PUT", "/v3/applications/1"),
    ("DELETE", "/v3/applications/1"),
    ("POST", "/v3/apiClients"),
    ("PUT", "/v3/apiClients/1"),
    ("DELETE", "/v3/apiClients/1"),
    ("PUT", "/v3/apiClients/1/reset-credential"),
    ("POST", "/v3/dataStores"),
    ("PUT", "/v3/dataStores/1"),
    ("DELETE", "/v3/dataStores/1"),
]


async def judged(api: Api, method: str, path: str) -> dict[str | None, int]:
    """Which refusal of access each caller gets; 0 for none."""
    answers = {}
    for caller in (None, "metadata", "reader", "admin"):
        status = (await api.call(method, path, tenant="(default)", caller=caller)).status_code
        answers[caller] = status if status in (401, 403) else 0
    return answers


@pytest.mark.parametrize("path", READ_ONLY)
async def test_reads_need_read_only_access(shared_fleet: Api, path: str) -> None:
    assert await judged(shared_fleet, "GET", path) == {None: 401, "metadata": 403, "reader": 0, "admin": 0}


@pytest.mark.parametrize("path", LIMITED)
async def test_what_data_planes_read_needs_limited_access(shared_fleet: Api, path: str) -> None:
    assert await judged(shared_fleet, "GET", path) == {None: 401, "metadata": 0, "reader": 0, "admin": 0}


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_changes_need_full_access(shared_fleet: Api, method: str, path: str) -> None:
    assert await judged(shared_fleet, method, path) == {None: 401, "metadata": 403, "reader": 403, "admin": 0}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", "Bearer \x7f"])
async def test_what_is_no_token_is_nobody(shared: Api, header: str) -> None:
    answer = await shared.get("/v3/vendors", caller=None, headers={"Authorization": header})
    is_problem(answer, 401, "security:authentication", "Authentication is required to access this resource.")


async def test_a_token_of_an_application_may_not_manage(shared: Api) -> None:
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    body = bodies.application(vendor_id, claimSetName="edfi_admin_api/full_access")
    credential = (await shared.post("/v3/applications", body)).json()
    token = (await shared.grant(credential)).json()["access_token"]
    answer = await shared.get("/v3/vendors", caller=None, headers={"Authorization": f"Bearer {token}"})
    is_problem(answer, 403, "security:authorization")


async def test_options_without_a_preflight_is_no_method(api: Api) -> None:
    answer = await api.call("OPTIONS", "/v3/vendors", caller=None)
    assert (answer.status_code, answer.json()["title"]) == (405, "Method Not Allowed")


async def test_a_token_that_the_database_cannot_judge_may_be_sent_again(api: Api) -> None:
    headers = {"Authorization": f"Bearer {await api.token('admin')}"}
    await api.runtime.pool.close()
    answer = await api.get("/v3/vendors", caller=None, headers=headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["title"] == "Service Unavailable"
