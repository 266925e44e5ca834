"""What Prometheus scrapes: this process's own figures, and those of the whole installation from its database."""

import structlog
from litestar import Controller, Response, get
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, REGISTRY, CollectorRegistry, Gauge, generate_latest
from psycopg import Error
from psycopg_pool import PoolTimeout

from tenant_api.claim_sets.references import APPLICATIONS_WITHOUT_CLAIM_SET
from tenant_api.identity.figures import LAST_COMPARISONS, show_drift
from tenant_api.managed_data_stores.states import Status, status_of
from tenant_api.operations.states import OPEN, State
from tenant_api.web.binding import ApiRequest
from tenant_api.web.operation import PUBLIC, operation
from tenant_api.web.state import Pool, Runtime, runtime_of

LIVING = [status for status in Status if status is not Status.DELETED]
"""Deleted data stores leave tombstones, whose number would only ever grow."""

COUNTS = """
SELECT NULL AS kind, state, NULL AS failing, count(*) FROM operations
WHERE state IN ('queued', 'running', 'waiting') GROUP BY state
UNION ALL
SELECT o.kind, o.state, o.attempts > 0, count(*) FROM managed_data_stores m JOIN operations o ON o.id = m.operation_id
WHERE m.deleted_at IS NULL GROUP BY o.kind, o.state, o.attempts > 0
"""

INTENTS = """
SELECT count(*), coalesce(extract(epoch FROM now() - min(since)), 0)::float8 AS oldest FROM identity_intents
"""

logger = structlog.get_logger(__name__)


class MetricsController(Controller):
    """Metrics. Networks that are not trusted should not reach them."""

    path = "/metrics"
    tags = ["Health"]

    @get(
        opt=operation(
            "getMetrics",
            "List metrics for Prometheus",
            PUBLIC,
            answers={200: str},
            media_type="text/plain",
            example='tenant_api_database_up 1.0\ntenant_api_open_operations{state="queued"} 0.0\n',
        )
    )
    async def metrics(self, request: ApiRequest) -> Response[bytes]:
        runtime = runtime_of(request)
        installation = await installation_metrics(runtime.pool)
        await show_provider(runtime, installation)
        return Response(
            generate_latest(REGISTRY) + generate_latest(installation),
            headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4},
        )


async def show_provider(runtime: Runtime, registry: CollectorRegistry) -> None:
    """Whether this process reaches a provider on another machine. Nothing where it is our own database."""
    if runtime.idp.capabilities.transactional:
        return
    seen = await runtime.provider_health.sighting(runtime.idp)
    Gauge(
        "tenant_api_identity_provider_up",
        "Whether the identity provider answered this process of late.",
        registry=registry,
    ).set(seen.failure is None)


async def installation_metrics(pool: Pool) -> CollectorRegistry:
    """Gauges as the database has them now; without it, only the one that says so."""
    registry = CollectorRegistry()
    reachable = Gauge("tenant_api_database_up", "Whether the database answered this scrape.", registry=registry)
    try:
        async with pool.connection(timeout=2) as connection:
            rows = await (await connection.execute(COUNTS)).fetchall()
            [adrift] = await (await connection.execute(APPLICATIONS_WITHOUT_CLAIM_SET)).fetchall()
            [intents] = await (await connection.execute(INTENTS)).fetchall()
            [drift] = await (await connection.execute(LAST_COMPARISONS)).fetchall()
    except (Error, PoolTimeout) as error:
        logger.warning("metrics.database.unreachable", reason=str(error))
        return registry
    reachable.set(1)
    jobs = Gauge("tenant_api_open_operations", "Jobs not yet at an end.", ["state"], registry=registry)
    stores = Gauge("tenant_api_managed_data_stores", "Managed data stores.", ["status"], registry=registry)
    Gauge(
        "tenant_api_applications_without_claim_set",
        "Applications whose claim set does not exist: data planes refuse all that they ask.",
        registry=registry,
    ).set(adrift["count"])
    Gauge(
        "tenant_api_identity_intents",
        "Clients that may differ at the identity provider from what the rows say.",
        registry=registry,
    ).set(intents["count"])
    Gauge(
        "tenant_api_identity_oldest_intent_seconds",
        "For how long the oldest of them has waited; 0 without any.",
        registry=registry,
    ).set(intents["oldest"])
    show_drift(drift, registry)
    for state in sorted(OPEN):
        jobs.labels(state)
    for status in LIVING:
        stores.labels(status)
    for row in rows:
        state = State(row["state"])
        if row["kind"] is None:
            jobs.labels(state).set(row["count"])
        else:
            stores.labels(status_of(row["kind"], state, int(row["failing"]))).inc(row["count"])
    return registry
