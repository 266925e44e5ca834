"""From POST to a ready managed data store, against a bare `CREATE DATABASE … TEMPLATE`."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from benchmarks.copy_watch import CopyWatch
from benchmarks.effort import Effort
from benchmarks.figures import Row, Section, Table, milliseconds, percentile
from benchmarks.service import Service
from tenant_api.cli.api import Api

TEMPLATE = "Sample"
POLL_SECONDS = 0.02
DEADLINE_SECONDS = 60
UNFINISHED = ("Pending", "InProgress")
FAIR = (0.8, 1.25)
"""How far the same statement may differ inside a create and on its own, until the comparison is called unsteady."""


class CreateFailedError(Exception):
    """A job ended otherwise than Completed."""


@dataclass(frozen=True, kw_only=True)
class Created:
    """One managed data store as its caller saw it, and as its job tells. All clocks are this machine's.

    `copying` are the seconds of its CREATE DATABASE, if the server was seen at it.
    """

    asked: datetime
    seen: datetime
    job: dict[str, Any]
    copying: float | None

    @property
    def seconds(self) -> float:
        return (self.seen - self.asked).total_seconds()

    def parts(self) -> dict[str, float]:
        """Seconds of each part; together they are the whole time."""
        steps = {step["name"]: _seconds(step) for step in self.job["steps"]}
        assert self.copying is not None, "asked only of creates whose copy was seen"
        return {
            "POST and claim": (datetime.fromisoformat(self.job["startedAt"]) - self.asked).total_seconds(),
            "provision: CREATE DATABASE": self.copying,
            "provision: roles, markers, grants": steps.pop("provision") - self.copying,
            **steps,
            "between the steps": _seconds(self.job) - sum(_seconds(step) for step in self.job["steps"]),
            "seen by the caller": (self.seen - datetime.fromisoformat(self.job["finishedAt"])).total_seconds(),
        }


def measure(service: Service, effort: Effort) -> Section:
    """One at a time, in turns with the bare statement, after one of each to warm up.

    Which of the two comes first changes from turn to turn: each leaves the disk work that the next one meets.
    """
    with (
        service.api() as api,
        psycopg.connect(service.administrator_url, autocommit=True) as administrator,
        psycopg.connect(service.superuser_url, autocommit=True) as observer,
    ):
        copy = _copying(administrator, _database_of_template(service))
        copy(0)
        _create(api, observer, 0)
        copied, created = [], []
        before = _sessions(service)
        for number in range(1, effort.creates + 1):
            if number % 2:
                copied.append(copy(number))
            created.append(_create(api, observer, number))
            if not number % 2:
                copied.append(copy(number))
        sessions = (_sessions(service) - before) / effort.creates
        connect = median(_connect(service) for _ in range(effort.creates))
    return _section(copied, created, sessions, connect)


def _database_of_template(service: Service) -> str:
    [[database]] = service.ask(
        f"SELECT handle ->> 'database' FROM templates WHERE name = '{TEMPLATE}' AND state = 'current'"
    )
    return str(database)


def _copying(administrator: psycopg.Connection, template: str) -> Callable[[int], float]:
    """The statement with the strategy that the service uses for templates of this size.

    Its databases stay until the whole server goes, as those of the service do: a DROP forces a checkpoint.
    """

    def copy(number: int) -> float:
        name = Identifier(f"bench_{number}")
        started = time.perf_counter()
        administrator.execute(SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log").format(name, Identifier(template)))
        return time.perf_counter() - started

    return copy


def _create(api: Api, observer: psycopg.Connection, number: int) -> Created:
    """Asks for the job at the pace of a patient caller: the asking competes with the work."""
    body = {"name": f"Year {number}", "databaseTemplate": TEMPLATE}
    deadline = time.monotonic() + DEADLINE_SECONDS
    with CopyWatch(observer) as watch:
        asked = datetime.now(UTC)
        job_id = api.call("POST", "/v3/dataStores/manage", body).body["jobId"]
        while (job := api.get(f"/v3/jobs/{job_id}"))["status"] in UNFINISHED and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        seen = datetime.now(UTC)
    if job["status"] != "Completed":
        raise CreateFailedError(f"The job is {job['status']}: {job['errorMessage']}")
    return Created(asked=asked, seen=seen, job=job, copying=watch.seconds)


def _connect(service: Service) -> float:
    started = time.perf_counter()
    psycopg.connect(service.administrator_url).close()
    return time.perf_counter() - started


def _sessions(service: Service) -> int:
    """How many connections the server has seen."""
    return int(service.ask("SELECT sum(sessions) FROM pg_stat_database")[0][0])


def _section(copied: Sequence[float], created: Sequence[Created], sessions: float, connect: float) -> Section:
    seconds, inside = [done.seconds for done in created], [done.copying for done in created if done.copying]
    if not inside:
        raise CreateFailedError("The server was never seen at the CREATE DATABASE of a create.")
    told = [done.parts() for done in created if done.copying]
    parts = {name: median(parts[name] for parts in told) for name in told[0]}
    baseline, whole = median(copied), median(seconds)
    added = [done.seconds - done.copying for done in created if done.copying]
    timed = {
        "bare CREATE DATABASE": copied,
        "the same statement inside a create": inside,
        "POST until the job is Completed": seconds,
        "what the service adds to the statement": added,
    }
    results = Table(
        title=f"{len(created)} of each, in turns",
        columns=("p50 ms", "p95 ms", "ratio"),
        rows=tuple(Row(label, _cells(values, baseline)) for label, values in timed.items()),
    )
    steps = Table(
        title="parts of a create, medians",
        columns=("ms", "% of p50"),
        rows=tuple(Row(name, (milliseconds(value), 100 * value / whole)) for name, value in parts.items()),
    )
    connections = Table(
        title="connections that the server sees",
        columns=("per create", "ms each"),
        rows=(Row("all kinds; the time is an administrator's", (sessions, milliseconds(connect))),),
    )
    greatest = sorted(parts.items(), key=lambda part: -part[1])[:4]
    return Section(
        title=f"Creating a managed data store from {TEMPLATE}",
        baseline="CREATE DATABASE … TEMPLATE of the same sealed template, same administrator, same server",
        results=results,
        breakdowns=(steps, connections),
        verdict=(
            f"The service adds {milliseconds(median(added)):.0f} ms to a statement of {milliseconds(baseline):.0f} ms, "
            "which the disk decides, and the ratio with it. Greatest parts: "
            + ", ".join(f"{name} {milliseconds(value):.0f}" for name, value in greatest)
            + f"; {sessions:.0f} connections of {milliseconds(connect):.1f} ms are in there."
            + _unsteadiness(median(inside) / baseline)
        ),
    )


def _unsteadiness(share: float) -> str:
    """A warning if the same statement did not take about the same time in both places."""
    if FAIR[0] <= share <= FAIR[1]:
        return ""
    return (
        f" UNSTEADY: inside a create the same statement took {share:.2f} of its bare time, "
        "so the two met different disks and the ratio means little."
    )


def _cells(values: Sequence[float], baseline: float) -> tuple[float, float, float]:
    middle = median(values)
    return (milliseconds(middle), milliseconds(percentile(values, 95)), middle / baseline)


def _seconds(lasted: dict[str, Any]) -> float:
    """Of a job or a step of it."""
    end, start = (datetime.fromisoformat(lasted[name]) for name in ("finishedAt", "startedAt"))
    return (end - start).total_seconds()
