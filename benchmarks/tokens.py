"""Tokens for applications, against nothing but their signature."""

import itertools
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import RSAKey

from benchmarks.effort import Effort
from benchmarks.figures import Row, Section, Table
from benchmarks.load import Load, Rounds, request
from benchmarks.profiled import Parts, costs_table, greatest
from benchmarks.service import Service
from benchmarks.target import COLUMNS, Target, cells

KEY_BITS = 2048
PARTS: Parts = {
    "signature": ("self_hosted/signing.py",),
    "claims of the token": ("self_hosted/tokens.py",),
    "client query": ("self_hosted/clients.py:ClientStore._read_many",),
    "claims query": ("tenant_api/plugins/claims.py:ClaimsReader._read",),
    "sharing of queries": ("idp_providers/batching.py",),
    "secret check": ("self_hosted/secrets.py", "tenant_api/kernel/keys.py"),
    "metrics": ("/prometheus_client/",),
    "log line": ("/structlog/", "/logging/", "tenant_api/kernel/logging.py"),
    "provider and its guard": ("tenant_api/plugins/guard.py", "self_hosted/provider.py"),
    "form": ("tenant_api/connect/forms.py", "tenant_api/connect/tokens.py:token_request"),
    "framework: Litestar": ("/litestar/",),
    "framework: uvicorn": ("/uvicorn/",),
    "edge: ids, paths, CORS": ("tenant_api/web/",),
}


def measure(service: Service, effort: Effort) -> Section:
    """Every client in turn; each token is a fresh read of its client and claims, and a signature."""
    credentials = _applications(service, effort.clients)
    target = Target(
        label="POST /connect/token",
        port=service.port,
        profiler=service.profiler,
        requests=itertools.cycle([_token_request(key, secret) for key, secret in credentials]),
    )
    sign, sign_bare = _jose(_claims_of_a_token(service, *credentials[0])), _rsa()
    target.load(effort, effort.warm_up_seconds)
    rounds = [
        (_timed(sign, effort.seconds), _timed(sign_bare, effort.seconds), target.load(effort, effort.seconds))
        for _ in range(effort.rounds)
    ]
    signing, rsa, tokens = (Rounds(loads) for loads in zip(*rounds, strict=True))
    profile = target.profile(effort)
    costs = profile.costs(PARTS)
    rows = (
        Row(f"bare signing, joserfc, RS256 with {KEY_BITS} bits", (*cells(signing, signing.rate)[:-1], None)),
        Row("bare signing, cryptography alone", (*cells(rsa, signing.rate)[:-1], None)),
        Row(
            f"{target.label}, {effort.clients} clients, {effort.connections} connections",
            cells(tokens, signing.rate, profile.cost),
        ),
    )
    return Section(
        title="Granting tokens",
        baseline="joserfc signing the claims of such a token in one thread",
        results=Table(title="tokens", columns=COLUMNS, rows=rows),
        breakdowns=(costs_table(f"{target.label}: CPU of the service per token, {profile.samples} samples", costs),),
        verdict=(
            f"A token costs {profile.cost:.2f} ms of CPU, a signature on its own {signing.latency(50):.2f} ms "
            f"(p50); most of it: {greatest(costs)}."
        ),
    )


def _applications(service: Service, count: int) -> list[tuple[str, str]]:
    """Made through the API: key and secret of each."""
    vendor = {"company": "Tokens", "contactName": "Grace", "contactEmailAddress": "grace@bench.example"}
    with service.api() as api:
        location = api.call("POST", "/v3/vendors", {**vendor, "namespacePrefixes": "uri://bench.example"}).location
        vendor_id = int((location or "").rpartition("/")[2])
        made = [api.call("POST", "/v3/applications", _application(vendor_id, number)).body for number in range(count)]
    return [(body["key"], body["secret"]) for body in made]


def _application(vendor_id: int, number: int) -> dict[str, Any]:
    return {
        "applicationName": f"Application {number}",
        "vendorId": vendor_id,
        "claimSetName": "SIS-Vendor",
        "educationOrganizationIds": [255901, 255902],
    }


def _form(key: str, secret: str) -> dict[str, str]:
    return {"grant_type": "client_credentials", "client_id": key, "client_secret": secret}


def _token_request(key: str, secret: str) -> bytes:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return request("POST", "/connect/token", headers=headers, body=urlencode(_form(key, secret)).encode())


def _claims_of_a_token(service: Service, key: str, secret: str) -> dict[str, Any]:
    with service.api() as api:
        token = api.request_token(key, secret).body["access_token"]
        keys = api.call("GET", "/.well-known/jwks.json").body["keys"]
    public = {entry["kid"]: RSAKey.import_key(entry) for entry in keys}
    return jwt.decode(token, lambda signature: public[signature.headers()["kid"]], algorithms=["RS256"]).claims


def _jose(claims: dict[str, Any]) -> Callable[[], object]:
    key = RSAKey.generate_key(KEY_BITS)
    header = {"alg": "RS256", "kid": key.thumbprint(), "typ": "JWT"}
    return lambda: jwt.encode(header, claims, key, algorithms=["RS256"])


def _rsa() -> Callable[[], object]:
    key, padding, digest = generate_private_key(65537, KEY_BITS), PKCS1v15(), SHA256()
    return lambda: key.sign(b"x" * 600, padding, digest)


def _timed(call: Callable[[], object], seconds: float) -> Load:
    """One call after the other."""
    started = now = time.perf_counter()
    latencies = []
    while now - started < seconds:
        call()
        before, now = now, time.perf_counter()
        latencies.append(now - before)
    return Load(seconds=now - started, latencies=latencies, busy=1.0)
