"""Metrics in the format of Prometheus."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg.sql import SQL, Identifier

from tenant_api.db.tables import DEFAULT_TENANT_ID, ManagedDataStore, Operation, Template
from tenant_api.embedded import ServerAddress
from tenant_api.kernel.clock import utcnow
from tests.api.service import Api

pytestmark = pytest.mark.anyio

Samples = dict[tuple[str, tuple[str, ...]], float]


async def scraped(api: Api) -> Samples:
    answer = await api.http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, tuple(sample.labels.values())): sample.value for family in families for sample in family.samples
    }


async def add_job(api: Api, kind: str, state: str, attempts: int = 0) -> None:
    """A managed data store whose last job is in that state."""
    name, template, job = uuid4().hex[:20], uuid4(), uuid4()
    own: dict[str, Any] = {"tenant_id": DEFAULT_TENANT_ID}
    async with api.runtime.sessions.begin() as session:
        session.add(Template(id=template, server="memory", name=name))
        session.add(Operation(id=job, kind=kind, target=name, state=state, attempts=attempts, deadline=utcnow(), **own))
        await session.flush()
        session.add(
            ManagedDataStore(
                target_id=uuid4(),
                name=name,
                database_template=name,
                template_id=template,
                server="memory",
                physical_name=name,
                operation_id=job,
                **own,
            )
        )


async def test_requests_are_counted_by_route(api: Api) -> None:
    await api.get("/v3/vendors")
    samples = await scraped(api)
    assert samples["tenant_api_request_seconds_count", ("GET", "/v3/vendors", "200")] >= 1


async def test_calls_to_plugins_are_measured(api: Api) -> None:
    await api.token("admin")
    samples = await scraped(api)
    assert samples["tenant_api_plugin_call_seconds_count", ("token", "ok", "self_hosted")] >= 1


async def test_an_idle_installation_shows_zeros(api: Api) -> None:
    samples = await scraped(api)
    assert samples["tenant_api_database_up", ()] == 1
    assert [samples["tenant_api_open_operations", (state,)] for state in ("queued", "running", "waiting")] == [0, 0, 0]
    assert samples["tenant_api_managed_data_stores", ("Created",)] == 0


async def test_jobs_and_data_stores_are_counted_where_they_stand(api: Api) -> None:
    await add_job(api, "createDataStore", "queued")
    await add_job(api, "createDataStore", "waiting")
    await add_job(api, "createDataStore", "waiting", attempts=2)
    await add_job(api, "createDataStore", "succeeded")
    await add_job(api, "deleteDataStore", "failed", attempts=5)
    samples = await scraped(api)
    assert [samples["tenant_api_open_operations", (state,)] for state in ("queued", "running", "waiting")] == [1, 0, 2]
    statuses = ("PendingCreate", "CreateInProgress", "CreateFailed", "Created", "DeleteError", "DeleteInProgress")
    assert [samples["tenant_api_managed_data_stores", (status,)] for status in statuses] == [1, 1, 1, 1, 1, 0]


async def test_without_the_database_the_process_still_has_metrics(
    api: Api, service_url: str, server: ServerAddress
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(service_url)["dbname"]
    async with await psycopg.AsyncConnection.connect(server.url(), autocommit=True) as connection:
        await connection.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(Identifier(str(name))))
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
    samples = await scraped(api)
    assert samples["tenant_api_database_up", ()] == 0
    assert ("tenant_api_open_operations", ("queued",)) not in samples
