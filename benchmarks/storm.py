"""`python -m benchmarks.storm`: tokens beside a real Keycloak, during rotations, and under a flood of guesses."""

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks import crowd, flood, issuers, rotation, wrk
from benchmarks.figures import Section
from benchmarks.issuers import MissingPartError
from benchmarks.replica import Replica
from benchmarks.report import Report
from benchmarks.rotation import RotationFailedError
from benchmarks.service import Service
from benchmarks.storm_effort import StormEffort

INTERRUPTED = 130
FAILED = 1
PARTS = ("issuers", "rotation", "flood")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.storm", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; may be repeated")
    parser.add_argument("--clients", type=int, default=StormEffort.clients, help="applications' clients")
    parser.add_argument("--without-keycloak", action="store_true", help="measure ours alone")
    options = parser.parse_args()
    effort = StormEffort(clients=options.clients, with_keycloak=not options.without_keycloak)
    # A polite end stops what was started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        report = run(effort, options.only or PARTS, lambda news: print(news, file=sys.stderr, flush=True))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (MissingPartError, RotationFailedError) as error:
        print(error, file=sys.stderr)
        sys.exit(FAILED)
    print(report.as_json() if options.json else report.as_text())


def run(effort: StormEffort, parts: Sequence[str], say: Callable[[str], None]) -> Report:
    """The parts in their order: rotation comes last, for it leaves a crowd whose secrets are others."""
    began, load = time.monotonic(), os.getloadavg()[0]
    sections: list[Section] = []
    circumstances = {"machine": f"{platform.machine()}, {os.cpu_count()} cores, load {load:.2f} before the run"}
    if "issuers" in parts and not wrk.is_there():
        _require_no_pipeline()
        circumstances["skipped"] = wrk.MISSING
        parts = [part for part in parts if part != "issuers"]
    if not parts:
        return Report(circumstances=circumstances, sections=())
    say(f"Starting two processes of the service and loading {effort.clients:,} clients.")
    with Service() as service:
        many = crowd.gather(service, applications=effort.clients, clients=effort.clients)
        with Replica(service) as replica:
            circumstances["database server"] = ", ".join(f"{n} {v}" for n, v in service.durability().items())
            if "flood" in parts:
                say("Granting tokens during floods of wrong secrets.")
                sections.append(flood.measure(service, many, effort))
            if "issuers" in parts:
                sections += issuers.measure(service, replica, many, effort, say)
            if "rotation" in parts:
                say(f"Rotating {effort.rotated:,} credentials under {effort.rate:g} token requests per second.")
                sections.append(rotation.measure(service, replica, many, effort))
    circumstances["duration"] = f"{time.monotonic() - began:.0f} s"
    return Report(circumstances=circumstances, sections=tuple(sections))


def _require_no_pipeline() -> None:
    """There a missing part is a mistake instead of somebody's choice."""
    if os.environ.get("CI"):
        raise MissingPartError(wrk.MISSING)


if __name__ == "__main__":
    main()
