"""Tokens for many applications, against a bare route with the same look-ups, and against their signature alone."""

import itertools
import random
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import RSAKey

from benchmarks.bare import Bare
from benchmarks.bare_tokens import KEY_BITS
from benchmarks.crowd import Crowd
from benchmarks.effort import Effort
from benchmarks.figures import Row, Section, Table
from benchmarks.load import Load, Rounds, request
from benchmarks.profiled import Parts, costs_table, greatest
from benchmarks.service import Service
from benchmarks.target import COLUMNS, Target, cells

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
    "answer": ("tenant_api/connect/quick_tokens.py:QuickTokens._answer",),
    "framework: uvicorn": ("/uvicorn/",),
    "edge: ids, paths, CORS": ("tenant_api/web/",),
}


def measure(service: Service, bare: Bare, crowd: Crowd, effort: Effort) -> Section:
    """Every client in turn; each token is a fresh read of its client and claims, and a signature."""
    plain = _target("bare POST", bare, "/token", crowd)
    target = _target("POST /connect/token", service, "/connect/token", crowd)
    sign, sign_bare = _jose(_claims_of_a_token(service, *crowd.credentials[0])), _rsa()
    for warmed in (plain, target):
        warmed.load(effort, effort.warm_up_seconds)
    rounds = [
        (
            _timed(sign, effort.seconds / 2),
            _timed(sign_bare, effort.seconds / 2),
            plain.load(effort, effort.seconds),
            target.load(effort, effort.seconds),
        )
        for _ in range(effort.rounds)
    ]
    signing, rsa, base, tokens = (Rounds(loads) for loads in zip(*rounds, strict=True))
    profile = target.profile(effort)
    costs = profile.costs(PARTS)
    rows = (
        Row(f"bare signing, joserfc, RS256 with {KEY_BITS} bits", (*cells(signing, base.rate)[:-1], None)),
        Row("bare signing, cryptography alone", (*cells(rsa, base.rate)[:-1], None)),
        Row(f"{plain.label}, the same look-ups and a signature", cells(base, base.rate)),
        Row(
            f"{target.label}, {effort.connections} connections",
            cells(tokens, base.rate, profile.cost),
        ),
    )
    return Section(
        title=f"Granting tokens to {len(crowd.credentials):,} clients",
        baseline="a Litestar route that looks up client and claims, hashes the secret and signs with joserfc",
        results=Table(title="tokens", columns=COLUMNS, rows=rows),
        breakdowns=(costs_table(f"{target.label}: CPU of the service per token, {profile.samples} samples", costs),),
        verdict=(
            f"A token costs {profile.cost:.2f} ms of CPU, a signature on its own {signing.latency(50):.2f} ms "
            f"(p50); most of it: {greatest(costs)}."
        ),
    )


def _target(label: str, process: Service | Bare, path: str, crowd: Crowd) -> Target:
    """Clients in random order, rendered beforehand."""
    requests = [token_request(path, key, secret) for key, secret in crowd.credentials]
    random.shuffle(requests)
    return Target(label=label, port=process.port, profiler=process.profiler, requests=itertools.cycle(requests))


def form(key: str, secret: str) -> dict[str, str]:
    """The members of a token request."""
    return {"grant_type": "client_credentials", "client_id": key, "client_secret": secret}


def token_request(path: str, key: str, secret: str) -> bytes:
    """A token request as it goes over the wire."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return request("POST", path, headers=headers, body=urlencode(form(key, secret)).encode())


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
