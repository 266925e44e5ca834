"""Tokens per second beside a real Keycloak: the same clients, database server, machine, generator and time."""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import pytest

from benchmarks import wrk
from benchmarks.crowd import Crowd
from benchmarks.figures import Row, Section, Table
from benchmarks.keycloak import Keycloak, keycloak_with
from benchmarks.profiled import costs_table, greatest
from benchmarks.replica import Replica
from benchmarks.service import Service
from benchmarks.storm_effort import StormEffort
from benchmarks.tokens import PARTS
from benchmarks.wrk import WrkLoad

ALGORITHMS = ("RS256", "ES256")
COLUMNS = ("per s", "x Keycloak", "p50 ms", "p99 ms", "p99 / Keycloak's", "load average")
OURS = "/connect/token"


class MissingPartError(Exception):
    """What is missing; with `CI` set that is a failure, otherwise the part is skipped."""


@dataclass(frozen=True)
class Contender:
    label: str
    ports: Sequence[int]
    path: str
    forms: Path = field(repr=False)

    def load(self, effort: StormEffort, seconds: float) -> WrkLoad:
        return wrk.drive(self.ports, self.path, self.forms, connections=effort.connections, seconds=seconds)


def measure(
    service: Service, replica: Replica, crowd: Crowd, effort: StormEffort, say: Callable[[str], None]
) -> list[Section]:
    """One section per algorithm, with wrk. Without a Keycloak ours alone are measured; MissingPartError with `CI`."""
    forms, few = _written(service, crowd, effort)
    ours = (
        Contender("ours, 1 process", [service.port], OURS, forms),
        Contender("ours, 2 processes", [service.port, replica.port], OURS, forms),
    )
    with ExitStack() as stack:
        keycloak = _keycloak(stack, crowd, service, effort, say)
        sections = []
        for algorithm in ALGORITHMS:
            if algorithm != "RS256":
                service.sign_with(algorithm)
            theirs = _theirs(keycloak, forms, few, algorithm, len(crowd.credentials)) if keycloak else ()
            say(f"Granting tokens, {algorithm}: {', '.join(one.label for one in (*ours, *theirs))}.")
            sections.append(_compared(algorithm, ours, theirs, service, effort))
    service.sign_with(ALGORITHMS[0])
    return sections


def _keycloak(
    stack: ExitStack, crowd: Crowd, service: Service, effort: StormEffort, say: Callable[[str], None]
) -> Keycloak | None:
    """None, said why, where there is none to be had."""
    if not effort.with_keycloak:
        return None
    say(f"Starting Keycloak and loading {len(crowd.credentials):,} clients into it.")
    try:
        return stack.enter_context(keycloak_with(crowd, service))
    except pytest.skip.Exception as missing:
        say(f"{missing} Ours are measured alone.")
        return None
    except pytest.fail.Exception as missing:
        raise MissingPartError(str(missing)) from None


def _written(service: Service, crowd: Crowd, effort: StormEffort) -> tuple[Path, Path]:
    """The requests of all clients in random order, and of as few as Keycloak's cache holds."""
    credentials = list(crowd.credentials)
    random.shuffle(credentials)
    forms, few = service.folder / "forms", service.folder / "few-forms"
    wrk.write_forms(forms, credentials)
    wrk.write_forms(few, credentials[: effort.cached_clients])
    return forms, few


def _theirs(keycloak: Keycloak, forms: Path, few: Path, algorithm: str, clients: int) -> tuple[Contender, ...]:
    if algorithm != "RS256":
        keycloak.sign_with_es256()
    cached = sum(1 for _ in few.open(encoding="utf-8"))
    return (
        Contender(f"Keycloak {keycloak.version}, {clients:,} clients", [keycloak.port], keycloak.path, forms),
        Contender(f"Keycloak, {cached:,} of them: they fit into its cache", [keycloak.port], keycloak.path, few),
    )


def _compared(
    algorithm: str, ours: Sequence[Contender], theirs: Sequence[Contender], service: Service, effort: StormEffort
) -> Section:
    contenders = (*ours, *theirs)
    for contender in contenders:
        contender.load(effort, effort.keycloak_warm_up_seconds if contender in theirs else effort.warm_up_seconds)
    loads: dict[str, list[WrkLoad]] = {contender.label: [] for contender in contenders}
    for _ in range(effort.rounds):
        for contender in contenders:
            loads[contender.label].append(contender.load(effort, effort.seconds))
    base = loads[theirs[0].label] if theirs else None
    service.profiler.begin()
    profiled = ours[0].load(effort, effort.seconds)
    profile = service.profiler.end(profiled.requests)
    costs = profile.costs(PARTS)
    clients = "the same clients, claims and database server"
    return Section(
        title=f"Granting tokens beside Keycloak, {algorithm}",
        baseline=f"{theirs[0].label}, {clients}, production mode" if theirs else "none: there is no Keycloak here",
        results=Table(title=algorithm, columns=COLUMNS, rows=tuple(_rows(loads, base))),
        breakdowns=(costs_table(f"CPU of the service per token, {profile.samples} samples", costs),),
        verdict=f"A token costs {profile.cost:.2f} ms of CPU; most of it: {greatest(costs)}.",
    )


def _rows(loads: Mapping[str, Sequence[WrkLoad]], base: Sequence[WrkLoad] | None) -> list[Row]:
    rate, tail = (_rate(base), _tail(base)) if base else (None, None)
    return [
        Row(
            label,
            (
                _rate(own),
                _rate(own) / rate if rate else None,
                median(load.p50 for load in own),
                _tail(own),
                _tail(own) / tail if tail else None,
                max(load.machine for load in own),
            ),
        )
        for label, own in loads.items()
    ]


def _rate(loads: Sequence[WrkLoad]) -> float:
    return median(load.rate for load in loads)


def _tail(loads: Sequence[WrkLoad]) -> float:
    return median(load.p99 for load in loads)
