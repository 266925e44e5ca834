import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tenant_api.embedded import EmbeddedServer
from tests.parts import run


@contextmanager
def temporary_folder() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="embedded-", dir=run.folder()))
    place.chmod(0o755)
    yield place / "data"
    EmbeddedServer(place / "data").stop()
    shutil.rmtree(place)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder to be made, in a place that an unprivileged account can reach; its server ends with the test."""
    with temporary_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def shared_folder() -> Iterator[Path]:
    with temporary_folder() as folder:
        yield folder
