"""Health tells what works and what does not (contract section 1.8)."""

import asyncio
import re
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from db_provisioners.errors import ProvisionerUnavailableError
from tenant_api.embedded import ServerAddress
from tenant_api.web import health
from tests.api import bodies
from tests.api.service import Api

pytestmark = pytest.mark.anyio

WELL = {"ok": True, "why": None}


async def readiness(api: Api) -> tuple[int, dict[str, Any]]:
    answer = await api.http.get("/health/ready")
    return answer.status_code, answer.json()


async def test_health_is_the_servers_time_as_plain_text(api: Api) -> None:
    answer = await api.http.get("/health")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert re.fullmatch(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d", answer.text)


@pytest.mark.parametrize("path", ["/health", "/health/", "/health/live", "/health/ready", "/metrics", "/docs"])
async def test_a_fleet_is_watched_without_tenant_and_token(fleet: Api, path: str) -> None:
    assert (await fleet.http.get(path)).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
async def test_health_may_be_probed_without_a_body(api: Api, path: str) -> None:
    assert (await api.http.head(path)).status_code == 200


async def test_a_working_service_is_ready(api: Api) -> None:
    assert await readiness(api) == (
        200,
        {
            "status": "ready",
            "checks": {"database": WELL, "migrations": WELL, "identityProvider": WELL, "provisioner": WELL},
            "counts": {"applicationsWithoutClaimSet": 0},
        },
    )


async def test_applications_of_all_tenants_without_a_claim_set_are_counted_without_a_name(fleet: Api) -> None:
    for tenant in ("North", "South"):
        await fleet.made("/v3/tenants", {"name": tenant})
        vendor = await fleet.made("/v3/vendors", bodies.vendor(), tenant=tenant)
        for claim_set in ("SISVendor", "Mistyped"):
            await fleet.made("/v3/applications", bodies.application(vendor, claimSetName=claim_set), tenant=tenant)
    status, body = await readiness(fleet)
    assert (status, body["counts"]) == (200, {"applicationsWithoutClaimSet": 2})
    assert not {word for word in ("North", "South", "Mistyped") if word in str(body)}


async def test_without_its_database_a_service_lives_and_is_not_ready(
    api: Api, service_url: str, server: ServerAddress
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(service_url)["dbname"]
    async with await psycopg.AsyncConnection.connect(server.url(), autocommit=True) as connection:
        await connection.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(Identifier(str(name))))
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
    status, body = await readiness(api)
    assert (status, body["status"]) == (503, "not ready")
    assert [check for check, result in body["checks"].items() if not result["ok"]] == [
        "database",
        "migrations",
        "identityProvider",
    ]
    assert body["counts"] == {"applicationsWithoutClaimSet": None}
    assert (await api.http.get("/health")).status_code == 200
    assert (await api.http.get("/health/live")).json() == {"status": "live"}


async def test_a_database_of_another_revision_is_named(api: Api, service_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(service_url) as connection:
        await connection.execute("UPDATE alembic_version SET version_num = '0001'")
    status, body = await readiness(api)
    assert status == 503
    assert re.fullmatch(
        r"The database is at revision 0001; this version needs \w+\.", body["checks"].pop("migrations")["why"]
    )
    assert all(result == WELL for result in body["checks"].values())


async def test_a_database_that_a_later_version_migrated_is_ready(api: Api, service_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(service_url) as connection:
        await connection.execute("UPDATE alembic_version SET version_num = 'of the future'")
    assert (await readiness(api))[0] == 200


async def test_a_failing_plugin_is_named_and_its_words_are_kept_to_the_log(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse() -> None:
        raise ProvisionerUnavailableError("host=10.0.0.3 password=hunter2")

    monkeypatch.setattr(api.runtime.provisioner, "check", refuse, raising=False)
    status, body = await readiness(api)
    assert status == 503
    assert body["checks"]["provisioner"] == {"ok": False, "why": "Not available (ProvisionerUnavailableError)."}


async def test_no_check_takes_longer_than_its_deadline(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "DEADLINE_SECONDS", 0.2)
    monkeypatch.setattr(api.runtime.idp, "check", asyncio.Event().wait, raising=False)
    async with asyncio.timeout(30):
        status, body = await readiness(api)
    assert status == 503
    assert body["checks"]["identityProvider"] == {"ok": False, "why": "No answer within 0.2 s."}
