"""One kill of each kind per scenario. `python -m tests.identity.outside` kills at every moment there is."""

from pathlib import Path

import pytest

from tenant_api.embedded import ServerAddress
from tests.identity.outside.kills import SCENARIOS
from tests.identity.outside.scene import one_of_each_kind, standing

pytestmark = [pytest.mark.crash, pytest.mark.anyio, pytest.mark.timeout(300)]


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_in_the_end_there_are_the_clients_of_the_rows(
    service_url: str, server: ServerAddress, tmp_path: Path, scenario: str
) -> None:
    async with standing(service_url, server, tmp_path) as scene:
        assert await SCENARIOS[scenario](scene, one_of_each_kind) >= 2
