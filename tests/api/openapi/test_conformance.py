"""Whatever is sent along the description is answered along the description, and never by a failure of ours."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
import schemathesis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.api.openapi.conftest import EVERYTHING
from tests.api.service import Api, serving

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
BOUNDED = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    # Cases are drawn by hypothesis, whose own exceptions must not cross the service's event loop.
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def service(portal: BlockingPortal, described_url: str) -> Iterator[Api]:
    with portal.wrap_async_context_manager(serving(described_url, **EVERYTHING)) as api:
        yield api


async def send(api: Api, case: Any) -> Any:
    headers = {"Authorization": f"Bearer {await api.token('admin')}"}
    kwargs = case.as_transport_kwargs(base_url="http://tenant-api.test", headers=headers)
    known = {
        name: kwargs[name] for name in ("method", "url", "headers", "params", "data", "json", "files") if name in kwargs
    }
    request = requests.Request(**known).prepare()
    return await api.http.request(
        request.method or "", request.url or "", headers=dict(request.headers), content=request.body
    )


def takes_anything(document: dict[str, Any], operation: Any) -> bool:
    found = document["paths"][operation.path][operation.method]
    return bool(found["parameters"] or "requestBody" in found)


# The service's connection pool draws from `random` in its own thread, whatever the strategies do.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfitting"])
def test_every_answer_is_as_described(
    portal: BlockingPortal, service: Api, mode: GenerationMode, subtests: pytest.Subtests
) -> None:
    document = portal.call(service.http.get, "/openapi/v1.json").json()
    for described in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = described.ok()
        if mode is GenerationMode.NEGATIVE and not takes_anything(document, operation):
            continue

        @BOUNDED
        @given(case=operation.as_strategy(mode))
        def judge(case: Any) -> None:
            case.validate_response(portal.call(send, service, case), checks=CHECKS)

        with subtests.test(operation.label), suppress(Unsatisfiable):  # some descriptions leave nothing unfitting
            judge()
