"""One run: start everything, measure section by section, stop everything."""

import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version

from benchmarks import applications, creation, crowd, metadata, tokens, vendors
from benchmarks.bare import Bare
from benchmarks.effort import Effort
from benchmarks.report import Report
from benchmarks.service import Service

LIBRARIES = ("litestar", "uvicorn", "psycopg", "sqlalchemy", "joserfc", "cryptography")


def run(effort: Effort, say: Callable[[str], None]) -> Report:
    """`say` hears what is going on, for it takes a while."""
    began, load = time.monotonic(), os.getloadavg()[0]
    say("Starting the service on a PostgreSQL of its own.")
    with Service() as service, Bare(service.database_url, service.folder, metadata.prepare(service)) as bare:
        say("Creating databases.")
        creating = creation.measure(service, effort)
        say("Reading and writing vendors.")
        reading = vendors.measure(service, bare, effort)
        say("Reading authorization metadata.")
        knowing = metadata.measure(service, bare, effort)
        say(f"Loading {effort.applications:,} applications and {effort.clients:,} credentials.")
        many = crowd.gather(service, applications=effort.applications, clients=effort.clients)
        say("Listing and adding applications.")
        listing = applications.measure(service, bare, many, effort)
        say("Granting tokens.")
        granting = tokens.measure(service, bare, many, effort)
        circumstances = {
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {load:.2f} before the run",
            "software": ", ".join([f"Python {platform.python_version()}", *(f"{n} {version(n)}" for n in LIBRARIES)]),
            "database server": ", ".join(f"{name} {value}" for name, value in service.durability().items()),
            "service": "`tenant-api serve` with its defaults, one process, workers inside, log to a file",
            "generator": "Python on uvloop and httptools, one process beside the service; it is the bottleneck where "
            "'generator busy' comes near 100 %, and on two cores it takes its share of a core from everybody",
            "load": f"loopback, {effort.connections} keep-alive connections, {effort.rounds} rounds in turns of "
            f"{effort.seconds:g} s, rates of the median round, percentiles over all rounds",
        }
    circumstances["duration"] = f"{time.monotonic() - began:.0f} s"
    if load > (os.cpu_count() or 1) / 4:
        circumstances["caution"] = "the machine was busy before the run began: these figures are preliminary"
    return Report(circumstances=circumstances, sections=(creating, reading, knowing, listing, granting))
