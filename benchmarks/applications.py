"""Pages of a long list, and one more application, against bare routes with the same statements."""

import itertools
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2

from benchmarks.bare import Bare
from benchmarks.crowd import CLAIM_SET, Crowd
from benchmarks.effort import Effort
from benchmarks.figures import Row, Section, Table
from benchmarks.load import request
from benchmarks.profiled import Parts, costs_table, greatest
from benchmarks.service import Service
from benchmarks.target import COLUMNS, Target, alternate, cells

PATH = "/v3/applications"
LIMIT = 25
DEPTH = 0.75
"""How far into the list the deep pages are."""
PARTS: Parts = {
    "token: signature and claims": ("self_hosted/signing.py", "self_hosted/tokens.py", "self_hosted/ring.py"),
    "token: revocation query": ("idp_providers/batching.py", "self_hosted/revocations.py"),
    "credential": ("tenant_api/api_clients/issuing.py", "self_hosted/clients.py", "tenant_api/kernel/secrets.py"),
    "plugin guard": ("tenant_api/plugins/guard.py",),
    "log line": ("/structlog/", "/logging/", "tenant_api/kernel/logging.py"),
    "metrics": ("/prometheus_client/",),
    "queries: psycopg": ("/psycopg/", "/psycopg_pool/"),
    "queries: SQLAlchemy": ("/sqlalchemy/", "/sqlmodel/", "tenant_api/db/"),
    "bodies and their rules": ("/pydantic/", "applications/schemas.py", "tenant_api/web/wire.py"),
    "framework: Litestar": ("/litestar/",),
    "framework: uvicorn": ("/uvicorn/",),
    "edge: ids, paths, tenancy": ("tenant_api/web/",),
}
numbers = itertools.count()


def measure(service: Service, bare: Bare, crowd: Crowd, effort: Effort) -> Section:
    """The first page, a deep one by its link and by offset, the first with a count, and POST."""
    headers = service.administrator_headers()
    depth = int(crowd.applications * DEPTH)
    with service.http() as client:
        deep, vendor_id = _deep_page(client, headers, depth)
    place = {"name": deep["after"]["value"], "key": deep["after"]["key"]}
    page = depth // LIMIT + 1
    pairs = {
        "first page": (f"/applications?limit={LIMIT}", f"{PATH}?limit={LIMIT}"),
        f"page {page:,} by its link": (
            f"/applications/after?limit={LIMIT}&{urlencode(place)}",
            deep["link"],
        ),
        f"page {page:,} by offset": (
            f"/applications/skipping?limit={LIMIT}&offset={depth}",
            f"{PATH}?limit={LIMIT}&offset={depth}",
        ),
        "first page with totalCount": (
            f"/applications/counted?limit={LIMIT}",
            f"{PATH}?limit={LIMIT}&totalCount=true",
        ),
    }
    plains = {label: _reads(bare, path, {}) for label, (path, _) in pairs.items()}
    ours = {label: _reads(service, path, headers) for label, (_, path) in pairs.items()}
    # All of them in turns, so that one page can be compared with another.
    pages = alternate([*plains.values(), *ours.values()], effort)
    bases, seen = (dict(zip(pairs, some, strict=True)) for some in (pages[: len(pairs)], pages[len(pairs) :]))
    rows = [Row(f"bare, {label}", cells(base, base.rate)) for label, base in bases.items()]
    rows += [Row(f"GET {PATH}, {label}", cells(seen[label], base.rate)) for label, base in bases.items()]
    profile = ours["first page"].profile(effort)
    costs = profile.costs(PARTS)

    bare_post, post = _writes(bare, "/applications", {}, vendor_id), _writes(service, PATH, headers, vendor_id)
    base, made = alternate([bare_post, post], effort)
    written = post.profile(effort)
    rows += [
        Row("bare POST", cells(base, base.rate)),
        Row(f"POST {PATH}", cells(made, base.rate, written.cost)),
    ]
    first, linked, skipped, counted = seen.values()
    return Section(
        title=f"Listing {crowd.applications:,} applications by name, {LIMIT} on a page, and adding to them",
        baseline="a Litestar route on a psycopg pool with the same statements; it neither admits nor logs",
        results=Table(title="requests", columns=COLUMNS, rows=tuple(rows)),
        breakdowns=(
            costs_table(f"GET {PATH}, first page: CPU of the service, {profile.samples} samples", costs),
            costs_table(f"POST {PATH}: CPU of the service, {written.samples} samples", written.costs(PARTS)),
        ),
        verdict=(
            f"The deep page by its link takes {linked.latency(50) / first.latency(50):.2f} of the first (p50), "
            f"by offset {skipped.latency(50) / first.latency(50):.2f}, the first with a count "
            f"{counted.latency(50) / first.latency(50):.2f}. A page costs {profile.cost:.2f} ms of CPU, "
            f"most of it: {greatest(costs)}; an application {written.cost:.2f} ms."
        ),
    )


def _deep_page(client: httpx2.Client, headers: dict[str, str], depth: int) -> tuple[dict[str, Any], int]:
    """The link that leads on from there, word for word, what its cursor says, and some vendor."""
    query: dict[str, str | int] = {"limit": LIMIT, "offset": depth - LIMIT, "totalCount": "true"}
    answer = client.get(PATH, params=query, headers=headers).raise_for_status()
    *_, last = answer.json()
    link = urlsplit(answer.links["next"]["url"])
    after = {"value": last["applicationName"], "key": last["id"]}
    return {"link": f"{link.path}?{link.query}", "after": after}, int(last["vendorId"])


def _reads(process: Service | Bare, path: str, headers: dict[str, str]) -> Target:
    requests = itertools.repeat(request("GET", path, headers=headers))
    return Target(label=path, port=process.port, profiler=process.profiler, requests=requests)


def _writes(process: Service | Bare, path: str, headers: dict[str, str], vendor_id: int) -> Target:
    requests = _new_applications(path, {**headers, "Content-Type": "application/json"}, vendor_id)
    return Target(label=path, port=process.port, profiler=process.profiler, requests=requests, expected=201)


def _new_applications(path: str, headers: dict[str, str], vendor_id: int) -> Iterator[bytes]:
    """A new name each time."""
    while True:
        body = {
            "applicationName": f"New {next(numbers)}",
            "vendorId": vendor_id,
            "claimSetName": CLAIM_SET,
            "educationOrganizationIds": [255901, 255902],
        }
        yield request("POST", path, headers=headers, body=json.dumps(body).encode())
