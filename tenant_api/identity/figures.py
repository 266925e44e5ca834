"""What metrics tell of the last comparisons with the identity provider."""

from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from tenant_api.identity.agreement import Drift
from tenant_api.identity.report import COUNTED

# The last complete comparison of each tenant; few are kept of any.
LAST_COMPARISONS = """
SELECT coalesce(sum(missing), 0) AS missing, coalesce(sum(foreign_clients), 0) AS foreign_clients,
       coalesce(sum(claims_differ), 0) AS claims_differ, coalesce(sum(enabled_differs), 0) AS enabled_differs,
       coalesce(sum(details_differ), 0) AS details_differ,
       coalesce(extract(epoch FROM max(compared_at)), 0)::float8 AS compared_at
FROM (SELECT DISTINCT ON (o.tenant_id) r.* FROM identity_reconciliations r JOIN operations o ON o.id = r.operation_id
      WHERE r.compared_at IS NOT NULL ORDER BY o.tenant_id, o.number DESC) last
"""


def show_drift(row: dict[str, Any], registry: CollectorRegistry) -> None:
    """Gauges of a row of `LAST_COMPARISONS`."""
    drift = Gauge(
        "tenant_api_identity_drift",
        "Clients that differed at the last comparison, of all tenants.",
        ["kind"],
        registry=registry,
    )
    for kind in Drift:
        drift.labels(kind.value).set(row[COUNTED[kind]])
    Gauge(
        "tenant_api_identity_compared_timestamp_seconds",
        "When a comparison was last complete; 0 if there was none.",
        registry=registry,
    ).set(row["compared_at"])
