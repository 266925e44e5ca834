"""`python -m tests.fuzz --cases 20000`: exit code 1 if an answer is not as described, or a failure of ours."""

import argparse
import json
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from tests import database
from tests.api.service import prepared_template
from tests.fuzz.campaign import Effort, Outcome, run
from tests.fuzz.service import serving
from tests.parts import run as parts

Json = dict[str, Any]

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
PER_OPERATION = 15
CHAINS = 300


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="how many cases are sent at least")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="repeats the choices of a run")
    chosen = parser.parse_args()
    parts.clear_up_after_killed_runs()
    try:
        return campaigns(chosen.cases, chosen.seed)
    finally:
        parts.end()


def campaigns(cases: int, seed: int) -> int:
    """Alternate between a service with tenants and one without until enough was sent; each has a fresh database."""
    print(f"Sending {cases} cases, seed {seed}.", flush=True)
    started = time.monotonic()
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    server = parts.shared_server("fuzz")
    prepared = prepared_template(server, database.migrated_template(server))
    total = Outcome()
    for number in range(cases):
        multi_tenancy = number % 2 == 0
        with (
            database.temporary_database(server, template=prepared) as url,
            serving(url, multi_tenancy=multi_tenancy) as served,
        ):
            found = run(document, served, Effort(seed=seed + number, cases=PER_OPERATION, chains=CHAINS))
            found.findings.update({f"log: {line}": "" for line in served.errors()})
        total.merge(found)
        mode = "multi-tenant" if multi_tenancy else "single-tenant"
        print(
            f"  {mode}: {found.cases} cases, {len(found.findings)} findings, {total.cases} in all, "
            f"{time.monotonic() - started:.0f} s",
            flush=True,
        )
        if total.cases >= cases and number > 0:
            break
    _report(total, document)
    print(f"took {time.monotonic() - started:.0f} s")
    return 1 if total.findings else 0


def _report(total: Outcome, document: Json) -> None:
    described = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    print("cases  operation: answers by status")
    for label, statuses in sorted(total.answers.items(), key=lambda entry: entry[0].split()[::-1]):
        if label in described:
            listed = ", ".join(f"{status}: {number}" for status, number in sorted(statuses.items()))
            print(f"{statuses.total():5}  {label}  ({listed})")
    others = sum(statuses.total() for label, statuses in total.answers.items() if label not in described)
    print(f"{others:5}  methods that are not described")
    print(", ".join(f"{phase}: {number}" for phase, number in total.phases.items()))
    never = sorted(described - {label for label, statuses in total.answers.items() if min(statuses) < 300})
    print(f"never succeeded: {', '.join(never) or 'none'}")
    print(f"findings: {len(total.findings)}")
    for what, how in sorted(total.findings.items()):
        print(f"- {what}\n{how}\n")


if __name__ == "__main__":
    sys.exit(main())
