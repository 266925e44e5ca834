"""Lists longer than the 65,535 parameters that one statement of PostgreSQL can have."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from tests.api import bodies
from tests.api.problems import is_unresolved
from tests.api.service import Api

pytestmark = [pytest.mark.anyio, pytest.mark.dear]

MANY = 66_000
APPLICATIONS = """
INSERT INTO applications (vendor_id, application_name, claim_set_name, created_by)
SELECT %s, 'Application ' || number, 'Old', 'test' FROM generate_series(1, %s) AS number
"""
PROFILES = """
INSERT INTO profiles (tenant_id, name, definition, created_by)
SELECT 0, 'Profile ' || number, '', 'test' FROM generate_series(1, %s) AS number RETURNING id
"""


def rows(url: str, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


async def test_a_claim_set_that_many_applications_name_gets_a_new_name(api: Api, service_url: str) -> None:
    claim_set = await api.made("/v3/claimSets", {"claimSetName": "Old"})
    vendor = await api.made("/v3/vendors", bodies.vendor())
    rows(service_url, APPLICATIONS, [vendor, MANY])
    answer = await api.put(f"/v3/claimSets/{claim_set}", {"id": claim_set, "claimSetName": "New"})
    assert answer.status_code == 204
    assert rows(service_url, "SELECT claim_set_name, count(*) FROM applications GROUP BY 1") == [("New", MANY)]


async def test_an_application_may_name_many_profiles(
    api: Api, service_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    vendor = await api.made("/v3/vendors", bodies.vendor())
    missing = bodies.application(vendor, profileIds=list(range(1, MANY)))
    is_unresolved(await api.post("/v3/applications", missing), "Profile does not exist.")
    profiles = [id for (id,) in rows(service_url, PROFILES, [MANY])]
    body = bodies.application(vendor, profileIds=profiles)
    id = await api.made("/v3/applications", body)
    assert rows(service_url, "SELECT count(*) FROM application_profiles") == [(MANY,)]
    answer = await api.put(f"/v3/applications/{id}", {"id": id, **body, "profileIds": profiles[:-1]})
    assert answer.status_code == 204
    assert rows(service_url, "SELECT count(*) FROM application_profiles") == [(MANY - 1,)]
    answer = await api.put(f"/v3/applications/{id}", {"id": id, **body, "profileIds": []})
    assert answer.status_code == 204
    assert rows(service_url, "SELECT count(*) FROM application_profiles") == [(0,)]
    assert "request.failed" not in capsys.readouterr().err
