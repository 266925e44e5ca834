"""The load generator wrk, which costs a tenth of the CPU time that one in Python would take from the service."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.tokens import form

SCRIPT = Path(__file__).with_name("tokens.lua")
MISSING = "The load generator wrk is missing; in Debian: apt-get install wrk."
GRACE_SECONDS = 60
TIMEOUT_SECONDS = 10


class WrkFailedError(Exception):
    """It did not run, or something was answered that is no token."""


@dataclass(frozen=True, kw_only=True)
class WrkLoad:
    """One run: tokens per second, latencies in milliseconds, the machine's load average after it."""

    requests: int
    rate: float
    p50: float
    p99: float
    machine: float


def is_there() -> bool:
    """Whether it is installed; in Debian by `apt-get install wrk`."""
    return shutil.which("wrk") is not None


def write_forms(file: Path, credentials: Sequence[tuple[str, str]]) -> None:
    """One token request per line, readable by nobody else."""
    file.touch(mode=0o600)
    file.write_text("".join(f"{urlencode(form(*pair))}\n" for pair in credentials), encoding="utf-8")


def drive(ports: Sequence[int], path: str, forms: Path, *, connections: int, seconds: float) -> WrkLoad:
    """Keep every connection busy for that long, with two threads that share the ports; whole seconds only.

    WrkFailedError unless every answer is a success.
    """
    program = ["wrk", "--threads", "2", "--connections", str(connections), "--duration", f"{max(1, round(seconds))}s"]
    done = subprocess.run(
        [*program, "--timeout", f"{TIMEOUT_SECONDS}s", "--script", str(SCRIPT), f"http://127.0.0.1:{ports[0]}"],
        env={
            **os.environ,
            "BENCHMARK_PORTS": " ".join(map(str, ports)),
            "BENCHMARK_PATH": path,
            "BENCHMARK_FORMS": str(forms),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + GRACE_SECONDS,
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if done.returncode or line is None:
        raise WrkFailedError(f"wrk ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    seen = json.loads(line.removeprefix("RESULT "))
    if seen["refused"] or seen["broken"] or not seen["requests"]:
        raise WrkFailedError(f"Of {seen['requests']} requests {seen['refused']} were refused, {seen['broken']} broken.")
    requests = seen["requests"]
    rate = requests / seen["seconds"]
    return WrkLoad(requests=requests, rate=rate, p50=seen["p50"], p99=seen["p99"], machine=os.getloadavg()[0])
