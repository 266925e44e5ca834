"""Authorization metadata out of memory, against a bare route that sends the same bytes after the same query."""

import itertools

from benchmarks.bare import Bare
from benchmarks.effort import Effort
from benchmarks.figures import Row, Section, Table
from benchmarks.load import HOST, request
from benchmarks.profiled import Parts, costs_table, greatest
from benchmarks.service import Service
from benchmarks.target import COLUMNS, Target, alone, alternate, cells

PATH = "/v3/authorizationMetadata"
ADDED_SETS = 6
LIMIT_MS = 10
PARTS: Parts = {
    "token: signature and claims": ("self_hosted/signing.py", "self_hosted/tokens.py", "self_hosted/ring.py"),
    "token: revocation query": ("self_hosted/revocations.py",),
    "version query": ("tenant_api/claim_sets/memory.py",),
    "sharing of queries": ("idp_providers/batching.py",),
    "plugin guard": ("tenant_api/plugins/guard.py",),
    "log line": ("/structlog/", "/logging/", "tenant_api/kernel/logging.py"),
    "metrics": ("/prometheus_client/",),
    "framework: Litestar": ("/litestar/",),
    "framework: uvicorn": ("/uvicorn/",),
    "edge: ids, paths, tenancy": ("tenant_api/web/",),
}


def prepare(service: Service) -> bytes:
    """Add claim sets to the published ones, and answer the document that they make."""
    with service.api() as api:
        for number in range(ADDED_SETS):
            api.call("POST", "/v3/claimSets/copy", {"originalId": 2, "claimSetName": f"Bench{number}"})
    with service.http() as client:
        answer = client.get(PATH, headers=service.administrator_headers())
    return answer.raise_for_status().content


def measure(service: Service, bare: Bare, effort: Effort) -> Section:
    """The whole document, and the answer to whoever has it already."""
    headers = service.administrator_headers()
    with service.http() as client:
        etag = client.get(PATH, headers=headers).headers["etag"]
        bare_etag = client.get(f"http://{HOST}:{bare.port}/metadata").headers["etag"]
        document = client.get(PATH, headers=headers).json()
    claims = sum(len(entry["claims"]) for entry in document)
    rows, breakdowns, verdicts = [], [], []
    for label, status, plain_headers, our_headers in (
        ("200", 200, {}, headers),
        ("304", 304, {"If-None-Match": bare_etag}, {**headers, "If-None-Match": etag}),
    ):
        plain = Target(
            label=f"bare, {label}",
            port=bare.port,
            profiler=bare.profiler,
            requests=itertools.repeat(request("GET", "/metadata", headers=plain_headers)),
            expected=status,
        )
        ours = Target(
            label=f"GET {PATH}, {label}",
            port=service.port,
            profiler=service.profiler,
            requests=itertools.repeat(request("GET", PATH, headers=our_headers)),
            expected=status,
        )
        base, real = alternate([plain, ours], effort)
        lone_base, lone = alone([plain, ours], effort)
        profile = ours.profile(effort)
        costs = profile.costs(PARTS)
        rows += [
            Row(plain.label, cells(base, base.rate)),
            Row(ours.label, cells(real, base.rate, profile.cost)),
            Row(f"{plain.label}, one caller", cells(lone_base, lone_base.rate)),
            Row(f"{ours.label}, one caller", cells(lone, lone_base.rate)),
        ]
        breakdowns.append(
            costs_table(f"{ours.label}: CPU of the service per request, {profile.samples} samples", costs)
        )
        verdicts.append(
            f"{label}: one caller waits {lone.latency(50):.1f} ms (p50; {LIMIT_MS} ms are allowed), "
            f"most of {profile.cost:.2f} ms of CPU: {greatest(costs)}."
        )
    return Section(
        title=f"Authorization metadata of {len(document)} claim sets with {claims:,} claims",
        baseline="a Litestar route that reads the same version and sends the same bytes; it neither admits nor logs",
        results=Table(title="requests", columns=COLUMNS, rows=tuple(rows)),
        breakdowns=tuple(breakdowns),
        verdict=" ".join(verdicts),
    )
