"""`python -m tests.identity.outside`: whatever changes clients of an outside provider is killed at its every moment."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tenant_api.embedded import ServerAddress
from tests import database
from tests.api.service import prepared_template
from tests.identity.outside.kills import SCENARIOS, Scenario
from tests.identity.outside.scene import standing
from tests.parts import run

LEAST_KILLS = 10


def main() -> int:
    run.clear_up_after_killed_runs()
    started = time.monotonic()
    try:
        server = run.shared_server("kills")
        template = prepared_template(server, database.migrated_template(server))
        for name, scenario in SCENARIOS.items():
            with database.temporary_database(server, template=template) as url:
                kills = asyncio.run(_everywhere(url, server, scenario))
            print(f"{kills} kills of {name.replace('_', ' ')}", flush=True)
            assert kills > LEAST_KILLS
        print(f"took {time.monotonic() - started:.0f} s")
        return 0
    finally:
        run.end()


async def _everywhere(url: str, server: ServerAddress, scenario: Scenario) -> int:
    with tempfile.TemporaryDirectory() as folder:
        async with standing(url, server, Path(folder)) as scene:
            return await scenario(scene, list)


if __name__ == "__main__":
    sys.exit(main())
