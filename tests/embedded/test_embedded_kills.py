"""A service killed at any moment of its first start leaves nothing that stops the next one."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tenant_api.embedded import EmbeddedServer
from tests.embedded.processes import mentioning, wait_until
from tests.embedded.service import Service

pytestmark = pytest.mark.crash

DRAFT = ".cluster.*"
MOMENTS = [
    "lock",
    f"{DRAFT}/password",
    f"{DRAFT}/data/PG_VERSION",
    f"{DRAFT}/data/global/pg_control",
    f"{DRAFT}/data/base/5",
    "cluster",
    "cluster/data/postmaster.pid",
    "runtime.json",
]
WITH_CHILDREN = [f"{DRAFT}/data/global/pg_control", "cluster/data/postmaster.pid", "runtime.json"]


@pytest.mark.parametrize(
    ("moment", "children_too"),
    [*((moment, False) for moment in MOMENTS), *((moment, True) for moment in WITH_CHILDREN)],
)
def test_the_next_start_succeeds(folder: Path, moment: str, children_too: bool) -> None:
    service = Service(folder)
    wait_until(lambda: any(folder.glob(moment)) or (folder / "runtime.json").exists(), pause=0.0005)
    service.kill()
    if children_too:
        for pid in mentioning(str(folder)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    with EmbeddedServer(folder, durable=False) as address, psycopg.connect(address.url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert not list(folder.glob(DRAFT))


def test_what_interrupted_starts_left_is_removed_by_exact_name(folder: Path) -> None:
    ours = folder / ".cluster.0123456789abcdef"
    not_ours = [folder / ".cluster.0123456789abcdef.bak", folder / ".cluster.old", folder / "cluster-old"]
    for place in (ours, *not_ours):
        (place / "data").mkdir(parents=True)
    with EmbeddedServer(folder, durable=False):
        assert not ours.exists()
        assert all(place.exists() for place in not_ours)
