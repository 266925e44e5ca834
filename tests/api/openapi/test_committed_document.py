"""`docs/openapi.json` is what the service says of itself, and says the same everywhere."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tenant_api.cli.openapi import written
from tests.api.service import Api

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
FILE = Path(__file__).parents[3] / "docs" / "openapi.json"
TOKEN_URL = ("components", "securitySchemes", "oauth2_client_credentials", "flows", "clientCredentials")


def committed() -> Json:
    found: Json = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def without_addresses(document: Json) -> Json:
    """The document without what depends on where a service is."""
    copied: Json = json.loads(json.dumps(document))
    flow = copied
    for key in TOKEN_URL:
        flow = flow[key]
    del flow["tokenUrl"], copied["servers"]
    return copied


def test_the_committed_document_is_that_of_this_version() -> None:
    current = FILE.read_text(encoding="utf-8") == written()
    assert current, "docs/openapi.json is not what the code says. Renew it: make openapi"


async def test_a_service_that_offers_everything_serves_it(described_fleet: Api) -> None:
    headers = {"Tenant": (await described_fleet.post("/v3/tenants", {"name": "Documented"})).json()["title"].split()[2]}
    served = (await described_fleet.http.get("/openapi/v1.json", headers=headers)).json()
    assert without_addresses(served) == without_addresses(committed())


async def test_without_tenants_it_serves_the_rest_of_it(document: Json) -> None:
    whole = committed()["paths"]
    assert {path for path in whole if path not in document["paths"]} == {
        path for path in whole if path.startswith("/v3/tenants")
    }
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            kept = [
                part for part in whole[path][method]["parameters"] if part != {"$ref": "#/components/parameters/Tenant"}
            ]
            assert described["parameters"] == kept
            assert set(described["responses"]) <= set(whole[path][method]["responses"])
            same = ("tags", "summary", "description", "operationId", "requestBody", "security")
            assert {key: described.get(key) for key in same} == {key: whole[path][method].get(key) for key in same}


def test_it_names_no_machine_and_no_host() -> None:
    document = committed()
    assert document["servers"] == [{"url": "/"}]
    assert not re.search(r"localhost|127\.0\.0\.1|/(?:home|root|tmp)/", json.dumps(document))
