"""One row read and one row written through the service, against a bare route that does the same."""

import itertools
import json
import random
from collections.abc import Iterator

from benchmarks.bare import Bare
from benchmarks.effort import Effort
from benchmarks.figures import Row, Section, Table
from benchmarks.load import request
from benchmarks.profiled import Parts, costs_table, greatest
from benchmarks.service import Service
from benchmarks.target import COLUMNS, Target, alternate, cells

PARTS: Parts = {
    "token: signature and claims": ("self_hosted/signing.py", "self_hosted/tokens.py", "self_hosted/ring.py"),
    "token: revocation query": ("idp_providers/batching.py", "self_hosted/revocations.py"),
    "plugin guard": ("tenant_api/plugins/guard.py",),
    "log line": ("/structlog/", "/logging/", "tenant_api/kernel/logging.py"),
    "metrics": ("/prometheus_client/",),
    "vendor query: psycopg": ("/psycopg/", "/psycopg_pool/"),
    "vendor query: SQLAlchemy": ("/sqlalchemy/", "/sqlmodel/", "tenant_api/db/session.py"),
    "body and its rules": (
        "/pydantic/",
        "tenant_api/web/binding.py",
        "tenant_api/web/wire.py",
        "tenant_api/web/rules.py",
    ),
    "framework: Litestar": ("/litestar/",),
    "framework: uvicorn": ("/uvicorn/",),
    "edge: ids, paths, tenancy": ("tenant_api/web/",),
}
PREFIXES = "uri://ed-fi.org,uri://bench.example"
companies = itertools.count()


def measure(service: Service, bare: Bare, effort: Effort) -> Section:
    """Same rows, same statements, same server options, same generator; the service also admits and logs."""
    ids = _existing_vendors(service, effort.vendors)
    headers = service.administrator_headers()
    static = Target(label="GET a constant", port=bare.port, profiler=bare.profiler, requests=_repeated("/static"))
    pairs = [
        (
            Target(label="bare GET", port=bare.port, profiler=bare.profiler, requests=_reads("/vendors", ids, {})),
            Target(
                label="GET /v3/vendors/{id}",
                port=service.port,
                profiler=service.profiler,
                requests=_reads("/v3/vendors", ids, headers),
            ),
        ),
        (
            Target(
                label="bare POST",
                port=bare.port,
                profiler=bare.profiler,
                requests=_writes("/vendors", {"Content-Type": "application/json"}),
                expected=201,
            ),
            Target(
                label="POST /v3/vendors",
                port=service.port,
                profiler=service.profiler,
                requests=_writes("/v3/vendors", headers),
                expected=201,
            ),
        ),
    ]
    [ceiling] = alternate([static], effort)
    rows = [Row(f"{static.label} (what generator and server can do)", cells(ceiling, cost=static.profile(effort).cost))]
    breakdowns = []
    verdicts = []
    for plain, ours in pairs:
        base, real = alternate([plain, ours], effort)
        floor, profile = plain.profile(effort).cost, ours.profile(effort)
        costs = profile.costs(PARTS)
        rows += [
            Row(plain.label, cells(base, base.rate, floor)),
            Row(ours.label, cells(real, base.rate, profile.cost)),
        ]
        breakdowns.append(
            costs_table(f"{ours.label}: CPU of the service per request, {profile.samples} samples", costs)
        )
        verdicts.append(
            f"{ours.label} costs {profile.cost:.2f} ms of CPU, the bare route {floor:.2f} ms; "
            f"most of it: {greatest(costs)}."
        )
    return Section(
        title="Reading and writing one row",
        baseline=(
            "a Litestar route on a psycopg pool with the same statement, prepared and in autocommit; "
            "it neither authenticates nor logs nor counts"
        ),
        results=Table(title="requests", columns=COLUMNS, rows=tuple(rows)),
        breakdowns=tuple(breakdowns),
        verdict=" ".join(verdicts),
    )


def _existing_vendors(service: Service, count: int) -> list[int]:
    with service.api() as api:
        locations = [api.call("POST", "/v3/vendors", _vendor()).location for _ in range(count)]
    return [int((location or "").rpartition("/")[2]) for location in locations]


def _vendor() -> dict[str, str]:
    return {
        "company": f"Company {next(companies)}",
        "contactName": "Ada Lovelace",
        "contactEmailAddress": "ada@bench.example",
        "namespacePrefixes": PREFIXES,
    }


def _repeated(path: str) -> Iterator[bytes]:
    return itertools.repeat(request("GET", path))


def _reads(path: str, ids: list[int], headers: dict[str, str]) -> Iterator[bytes]:
    """Rendered beforehand, in random order."""
    rendered = [request("GET", f"{path}/{vendor_id}", headers=headers) for vendor_id in ids]
    while True:
        yield random.choice(rendered)


def _writes(path: str, headers: dict[str, str]) -> Iterator[bytes]:
    """A new company each time."""
    while True:
        yield request("POST", path, headers=headers, body=json.dumps(_vendor()).encode())
