"""The document at the root (contract section 1.8)."""

import re

import pytest

from tenant_api.web.information import build_number
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio


async def test_the_root_describes_the_service(api: Api) -> None:
    answer = await api.http.get("/")
    body = answer.json()
    assert list(body) == ["version", "applicationName", "informationalVersion", "build", "urls", "specificationVersion"]
    assert body["applicationName"] == "Ed-Fi API Configuration Service"
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", body["build"])
    assert body["urls"] == {"openApiMetadata": "http://tenant-api.test/metadata/specifications"}
    assert body["specificationVersion"] == "v3"


async def test_its_address_can_be_followed_below_the_path_base(service_url: str) -> None:
    async with serving(service_url, HTTP__PATH_BASE="config", API__SPECIFICATION_VERSION="V2") as api:
        plain, based = [(await api.http.get(path)).json() for path in ("/", "/config/")]
        assert plain["urls"] == {"openApiMetadata": "http://tenant-api.test/metadata/specifications"}
        assert based["urls"] == {"openApiMetadata": "http://tenant-api.test/config/metadata/specifications"}
        assert (await api.http.get(based["urls"]["openApiMetadata"])).json()["openapi"] == "3.1.1"
    assert plain["specificationVersion"] == "v2"


async def test_a_fleet_describes_itself_to_tenants_only(fleet: Api) -> None:
    for path in ("/", "/metadata/specifications", "/openapi/v1.json"):
        assert (await fleet.http.get(path)).status_code == 400


@pytest.mark.parametrize(
    ("version", "build"),
    [("1.2.3", "1.2.3.0"), ("0.1", "0.1.0.0"), ("1.2.3.dev4+g5", "1.2.3.0"), ("2.0rc1", "2.0.0.0")],
)
def test_a_build_has_four_numbers(version: str, build: str) -> None:
    assert build_number(version) == build
