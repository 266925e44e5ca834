"""Callers repeat what was lost, and nothing is doubled or left over. `python -m tests.lossy` makes a thousand."""

import random
from collections.abc import Iterator

import pytest

from tenant_api.embedded import ServerAddress
from tests import database
from tests.api.service import prepared_template
from tests.identity.outside.haste import hasten
from tests.lossy.creations import run
from tests.lossy.lines import LINES
from tests.lossy.loss import Loss

CREATIONS = 60
SHARE = 0.3
SEED = 17

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]


@pytest.fixture
def service_url(server: ServerAddress, migrated_template: str) -> Iterator[str]:
    with database.temporary_database(server, template=prepared_template(server, migrated_template)) as url:
        yield url


@pytest.mark.parametrize("provider", LINES)
async def test_as_many_creations_as_were_asked_for(
    service_url: str, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch)
    loss = Loss(random.Random(SEED), SHARE)
    async with LINES[provider](service_url, loss) as line:
        figures = await run(line, loss, CREATIONS)
    assert figures.problems == []
    assert (figures.at_provider, figures.applications, figures.api_clients) == (CREATIONS, CREATIONS, CREATIONS)
    assert figures.dropped > CREATIONS * SHARE / 2
    assert figures.repeated > CREATIONS * SHARE / 2
