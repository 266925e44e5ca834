"""`python -m tests.crash --kills 200`: random kills; exit code 1 if anything is lost, doubled, orphaned or stuck."""

import argparse
import asyncio
import random
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.environment import Environment, prepare
from tests.crash.figures import described, percentile
from tests.crash.storm import Storm
from tests.crash.table import all_points, dry_run, run_cases
from tests.parts import run

BOUND_SECONDS = 15 * 60
CLAIM_SECONDS = 5.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how many workers are killed")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="repeats the choices of a run")
    parser.add_argument("--every", action="store_true", help="instead: every statement, before, inside and after")
    chosen = parser.parse_args()
    run.clear_up_after_killed_runs()
    try:
        with tempfile.TemporaryDirectory() as folder:
            environment = prepare(run.shared_server("crash"), Path(folder))
        if chosen.every:
            return asyncio.run(_every(environment))
        return asyncio.run(asyncio.wait_for(_random(environment, chosen.kills, chosen.seed), BOUND_SECONDS))
    finally:
        run.end()


async def _random(environment: Environment, kills: int, seed: int) -> int:
    print(f"Killing {kills} workers at random, seed {seed}.", flush=True)
    started = time.monotonic()
    storm = Storm(environment, kills, random.Random(seed))
    await storm.run()
    found = storm.findings
    print(f"kills: {storm.killed}, {storm.at_statements} of them at a chosen statement")
    print(
        f"operations: {', '.join(f'{number} {end}' for end, number in storm.ends.items())}; {storm.refusals} refusals"
    )
    print(f"orphans: {len(found.orphans)}")
    print(f"duplicates: {len(found.duplicates)}")
    print(f"stuck: {len(found.stuck)}")
    print(f"wrong: {len(found.wrong)}")
    print(described(storm.waits))
    print(f"took {time.monotonic() - started:.0f} s")
    return _verdict(found.all, storm.waits)


async def _every(environment: Environment) -> int:
    started = time.monotonic()
    table = await dry_run(environment)
    creates, deletes = all_points(table.creates), all_points(table.deletes)
    print(f"Statements: {len(table.creates)} of a create, {len(table.deletes)} of a delete.", flush=True)
    await run_cases(environment, table, creates, deletes)
    print(f"kills: {len(table.kills)}; {described(table.waits)}; took {time.monotonic() - started:.0f} s")
    return _verdict(table.problems, table.waits)


def _verdict(problems: list[str], waits: list[float]) -> int:
    for line in problems:
        print(f"  {line}")
    if percentile(waits, 0.99) > CLAIM_SECONDS:
        problems = [*problems, f"p99 from kill to claim exceeds {CLAIM_SECONDS:g} s"]
        print(f"  {problems[-1]}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
