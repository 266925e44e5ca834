"""`python -m tests.lossy --creations 1000`: answers get lost; exit code 1 unless there are exactly as many clients."""

import argparse
import asyncio
import random
import sys

from tests import database
from tests.api.service import prepared_template
from tests.lossy.creations import Figures, run
from tests.lossy.lines import LINES
from tests.lossy.loss import Loss
from tests.parts import keycloak
from tests.parts import run as parts


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lossy", description=__doc__)
    parser.add_argument("--creations", type=int, default=1000, help="how many clients are made")
    parser.add_argument("--provider", choices=LINES, action="append", help="one of them; all if none is named")
    parser.add_argument("--share", type=float, default=0.3, help="of the answers that get lost")
    parser.add_argument("--seed", type=int, default=17, help="of the dice")
    chosen = parser.parse_args()
    parts.clear_up_after_killed_runs()
    keycloak.clear_up_after_killed_runs()
    try:
        server = parts.shared_server("lossy")
        template = prepared_template(server, database.migrated_template(server))
        failed = False
        for provider in chosen.provider or LINES:
            with database.temporary_database(server, template=template) as url:
                loss = Loss(random.Random(chosen.seed), chosen.share)
                figures = asyncio.run(over(provider, url, loss, chosen.creations))
            print(f"{provider}: {figures.described()}", *figures.problems, sep="\n  ", flush=True)
            failed = failed or bool(figures.problems)
        return int(failed)
    finally:
        keycloak.end()
        parts.end()


async def over(provider: str, url: str, loss: Loss, creations: int) -> Figures:
    async with LINES[provider](url, loss) as line:
        return await run(line, loss, creations)


if __name__ == "__main__":
    sys.exit(main())
