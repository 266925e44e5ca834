"""Tokens at a constant rate while credentials rotate: each client uses its old secret until it has the new one."""

import asyncio
import itertools
import random
import time

import httpx2
import psycopg
import uvloop

from benchmarks.crowd import Crowd
from benchmarks.figures import Row, Section, Table
from benchmarks.replica import Replica
from benchmarks.service import Service
from benchmarks.storm_effort import StormEffort
from benchmarks.stream import Seen, Stream
from benchmarks.tokens import form, token_request

PATH = "/connect/token"
COLUMNS = ("count", "per s", "p50 ms", "p99 ms")
AT_ONCE = 4
API_CLIENTS = "SELECT client_id, id FROM api_clients WHERE client_id = ANY(%s)"


class RotationFailedError(Exception):
    """The service refused a rotation, or an old secret outlived its overlap."""


def measure(service: Service, replica: Replica, crowd: Crowd, effort: StormEffort) -> Section:
    """Rotate through one process, ask both; count what is no token. RotationFailedError."""
    secrets = dict(crowd.credentials[: effort.rotated])
    old = dict(secrets)
    keys = itertools.cycle(random.sample(list(secrets), len(secrets)))

    def following() -> bytes:
        key = next(keys)
        return token_request(PATH, key, secrets[key])

    stream = Stream([service.port, replica.port], following, rate=effort.rate)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(stream.run(_rotate(service, secrets, effort)))
    _require_ended(service, old, secrets)
    failures = seen.statuses.total() - seen.statuses[200]
    rows = (
        Row(f"tokens asked for, {effort.rate:g} per s were due", _cells(seen)),
        Row("clients that got a new secret meanwhile", (len(secrets), len(secrets) / seen.seconds, None, None)),
        Row("requests that got no token", (failures, failures / seen.seconds, None, None)),
    )
    return Section(
        title=f"{effort.rate:g} token requests per second while {len(secrets):,} credentials rotate",
        baseline="none: what counts is the number of failures",
        results=Table(title="2 processes of the service, RS256", columns=COLUMNS, rows=rows),
        breakdowns=(),
        verdict=(
            f"{failures} failures {dict(seen.statuses)}; an old secret ends {effort.overlap_seconds} s after its "
            "rotation, and all of them were refused afterwards."
        ),
    )


def _cells(seen: Seen) -> tuple[float, ...]:
    return (seen.statuses.total(), seen.rate, seen.latency(50), seen.latency(99))


async def _rotate(service: Service, secrets: dict[str, str], effort: StormEffort) -> None:
    """Evenly spread; ends when the last old secret has ended."""
    with psycopg.connect(service.database_url) as connection:
        ids: dict[str, int] = dict(connection.execute(API_CLIENTS, (list(secrets),)).fetchall())
    headers = await asyncio.to_thread(service.administrator_headers)
    turns = enumerate(list(secrets))
    started = time.perf_counter()

    async def keep_rotating(http: httpx2.AsyncClient) -> None:
        for number, key in turns:
            await asyncio.sleep(max(0.0, started + number / effort.rotations_per_second - time.perf_counter()))
            body = {"overlapSeconds": effort.overlap_seconds}
            answer = await http.post(f"/v3/apiClients/{ids[key]}/secrets", json=body)
            if answer.status_code != 201:
                raise RotationFailedError(f"A rotation was answered {answer.status_code}: {answer.text}")
            secrets[key] = answer.json()["secret"]

    client = httpx2.AsyncClient(base_url=service.issuer, headers=headers, timeout=60, trust_env=False)
    async with client as http, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(keep_rotating(http))
    await asyncio.sleep(effort.overlap_seconds + 1)


def _require_ended(service: Service, old: dict[str, str], new: dict[str, str]) -> None:
    """Every client's old secret is refused by now, and its new one is not."""
    with service.http() as http:
        for key, secret in old.items():
            for value, expected in ((secret, 401), (new[key], 200)):
                status = http.post(PATH, data=form(key, value)).status_code
                if status != expected:
                    raise RotationFailedError(f"{status} instead of {expected} after a rotation.")
